"""What CloudWatch, as moto has it, says of a metric."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from harness.fault_server import FaultServer
from harness.moto_server import REGION

from runner.kinds.probes.cloudwatch import look

pytestmark = pytest.mark.usefixtures("credentials")
NOW = datetime(2026, 3, 1, 12, 0, 30, tzinfo=UTC).timestamp()
METRIC = {"namespace": "AWS/RDS", "metric": "DatabaseConnections", "statistic": "Maximum"}


@pytest.fixture
def cloudwatch(aws):
    aws.reset()
    return aws.client("cloudwatch")


def put(cloudwatch, seconds_ago, value, instance="shop"):
    point = {
        "MetricName": "DatabaseConnections",
        "Dimensions": [{"Name": "DBInstanceIdentifier", "Value": instance}],
        "Timestamp": datetime.fromtimestamp(NOW - seconds_ago, UTC),
        "Value": value,
    }
    cloudwatch.put_metric_data(Namespace="AWS/RDS", MetricData=[point])


def question(url, instance="shop", **more):
    query = {**METRIC, "dimensions": {"DBInstanceIdentifier": instance}}
    settings = {"URL": url, "REGION": REGION, "FRESH": "300", "PERIOD": "60", "SECONDS": "60"}
    return {**settings, "QUERY": json.dumps(query), **more}


def test_the_newest_value_of_a_metric_counts(aws, cloudwatch):
    put(cloudwatch, 240, 97.0)
    put(cloudwatch, 100, 42.0)
    put(cloudwatch, 100, 1.0, instance="another")

    assert look(question(aws.url), NOW) == {"value": 42.0}


def test_what_is_no_value_of_now_is_none(aws, cloudwatch, why):
    assert why(look, question(aws.url), NOW) == "no data: CloudWatch in eu-central-1 has no series for this query"
    put(cloudwatch, 900, 97.0)
    stale = why(look, question(aws.url), NOW)
    assert stale.startswith("stale: the newest value is 9")


def answer(status, points="", code="Complete"):
    inner = f"<member><Id>q1</Id><Label>a</Label><StatusCode>{code}</StatusCode>{points}</member>"
    result = f"<GetMetricDataResult><MetricDataResults>{inner}</MetricDataResults></GetMetricDataResult>"
    return (status, {}, f'<GetMetricDataResponse xmlns="a">{result}</GetMetricDataResponse>'.encode())


POINT = "<Timestamps><member>2026-03-01T12:00:00Z</member></Timestamps><Values><member>7.5</member></Values>"


def test_an_expression_is_sent_as_it_is_written():
    with FaultServer(answer("200", POINT)) as server:
        assert look(question(server.root, QUERY='"SELECT MAX(CPUUtilization)"'), NOW) == {"value": 7.5}
    (request,) = server.requests
    assert b"MetricDataQueries.member.1.Expression=SELECT+MAX%28CPUUtilization%29" in request.body
    assert request.headers["Authorization"].startswith(
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260301/eu-central-1/monitoring/"
    )


DENIED = b"<ErrorResponse><Error><Code>AccessDenied</Code><Message>Not you</Message></Error></ErrorResponse>"


@pytest.mark.parametrize(
    ("mode", "said"),
    [
        (("403", {}, DENIED), "AWS refuses: AccessDenied: Not you"),
        (answer("200", POINT, "InternalError"), "CloudWatch cannot answer the query: its status is InternalError"),
        (("200", {}, b"<html>"), "AWS answers with something else than it should, status 200; is that its address?"),
        (
            ("202", {}, b"<html></html>"),
            "AWS answers with something else than it should, status 202; is that its address?",
        ),
        ("503", "AWS answers with something else than it should, status 503; is that its address?"),
    ],
    ids=["denied", "incomplete", "html", "a page", "503"],
)
def test_what_is_no_answer_says_so(why, mode, said):
    with FaultServer(mode) as server:
        assert why(look, question(server.root), NOW) == said


@pytest.mark.parametrize("mode", ["rst", "garbage", "slow"])
def test_a_fault_of_the_network_is_no_answer(why, mode):
    with FaultServer(mode) as server:
        said = why(look, question(server.root, SECONDS="0.3"), NOW)
    assert said.startswith(f"AWS at {server.root} cannot be asked: ")
