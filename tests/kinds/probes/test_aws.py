"""A question to a service of AWS: where it is, on whose behalf, and what a refusal says."""

from __future__ import annotations

import pytest
from harness.fault_server import FaultServer

from runner.kinds.probes.aws import AwsService, RefusedError, refused

pytestmark = pytest.mark.usefixtures("credentials")


def test_a_service_is_in_its_region(monkeypatch):
    assert AwsService.of("rds", "1", {"REGION": "eu-central-1"}).url == "https://rds.eu-central-1.amazonaws.com"
    assert AwsService.of("rds", "1", {"REGION": "cn-north-1"}).url == "https://rds.cn-north-1.amazonaws.com.cn"
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    assert AwsService.of("monitoring", "1", {}).url == "https://monitoring.eu-west-1.amazonaws.com"


def test_it_is_asked_with_a_signature_and_without_the_key():
    with FaultServer(("200", {}, b"<a xmlns='b'><c>d</c></a>")) as server:
        service = AwsService.of("rds", "2014-10-31", {"REGION": "eu-central-1", "URL": server.root})
        assert service.ask("Describe", {"Name": "a b"}, 1_772_366_400.0).findtext("c") == "d"
    (request,) = server.requests
    assert (request.method, request.body) == ("POST", b"Action=Describe&Version=2014-10-31&Name=a+b")
    assert request.headers["X-Amz-Date"] == "20260301T120000Z"
    assert "a-key-of-a-test" not in str(request)


def test_a_refusal_is_told_in_its_words():
    said = b"<ErrorResponse><Error><Code>Throttling</Code><Message>Rate exceeded</Message></Error></ErrorResponse>"
    with FaultServer(("400", {}, said)) as server, pytest.raises(RefusedError) as refusal:
        AwsService.of("rds", "1", {"REGION": "eu-central-1", "URL": server.root}).ask("Describe", {}, 0.0)
    assert str(refused(refusal.value)) == "AWS refuses: Throttling: Rate exceeded"
