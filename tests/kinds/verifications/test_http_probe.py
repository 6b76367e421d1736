"""`http`: a verification looks at an answer."""

from __future__ import annotations

import pytest

from runner.kinds.invocation import uri
from runner.kinds.verifications.http_probe import HttpProbe


@pytest.mark.parametrize(
    ("written", "request_", "words"),
    [
        ("http://a/", {"url": "http://a/", "method": "GET"}, "GET http://a/ answers"),
        (
            {"url": "{{ u }}", "method": "POST", "body": {"a": 1}},
            {"url": "{{ u }}", "method": "POST", "body": {"a": 1}, "body_format": "json"},
            "POST {{ u }} answers",
        ),
    ],
)
def test_a_request_whatever_its_answer(written, request_, words, short):
    kind = HttpProbe.model_validate({"http": written})
    assert kind.probe(short) == uri(request_, timeout=short)
    assert (kind.default_conditions(), kind.text, kind.describe()) == (("status == 200",), "content", words)


def test_an_address_is_whole(refusals):
    assert refusals(HttpProbe, http="localhost/health") == [
        "must begin with http://, https:// or a template, not 'localhost/health'"
    ]
