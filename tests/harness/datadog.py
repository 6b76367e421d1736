"""A stand-in for the part of Datadog that a probe asks: it holds each request, and its own answers, to a contract."""

from __future__ import annotations

import json
from functools import cache
from urllib.parse import parse_qs, urlsplit

from openapi_core import OpenAPI
from openapi_core.testing import MockRequest, MockResponse
from werkzeug.datastructures import MultiDict

from harness import ROOT
from harness.fault_server import FaultServer

CONTRACT = ROOT / "tests" / "kinds" / "probes" / "datadog.openapi.json"


@cache
def _contract() -> OpenAPI:
    return OpenAPI.from_dict(json.loads(CONTRACT.read_text()))


class Datadog(FaultServer):
    """Answers each request with the same status and JSON."""

    def __init__(self, content: object, status: int = 200) -> None:
        super().__init__(service=lambda request: (status, json.dumps(content).encode()))

    def __exit__(self, kind: object, *exception: object) -> None:
        super().__exit__(kind, *exception)
        found = [fault for request, answer in self.answered for fault in _faults(request, answer)]
        assert kind or not found, found


def _faults(request, answer):
    where = urlsplit(request.path)
    query = MultiDict((name, value) for name, values in parse_qs(where.query).items() for value in values)
    asked = MockRequest(
        "https://api.datadoghq.com", request.method.lower(), where.path, args=query, headers=request.headers
    )
    found = list(map(repr, _contract().iter_request_errors(asked)))
    status, body = answer
    return found or list(map(repr, _contract().iter_response_errors(asked, MockResponse(body, status))))
