"""What PagerDuty takes and answers, by the contracts in `tests/channels`: asked of all that any test sends there."""

from __future__ import annotations

import json
from functools import cache
from typing import Any
from urllib.parse import parse_qs, urlsplit

from jsonschema import Draft202012Validator
from openapi_core import OpenAPI
from openapi_core.testing import MockRequest, MockResponse
from werkzeug.datastructures import MultiDict

from harness import ROOT

LARGEST = 512_000
CONTRACTS = {"/v2/enqueue": "events_v2.schema.json", "/v2/change/enqueue": "change_events.schema.json"}


def contract(path: str = "/v2/enqueue"):
    return json.loads((ROOT / "tests" / "channels" / CONTRACTS[path]).read_text())


@cache
def _check(path: str) -> Draft202012Validator:
    return Draft202012Validator(contract(path), format_checker=Draft202012Validator.FORMAT_CHECKER)


def faults(body: bytes, path: str = "/v2/enqueue") -> list[str]:
    """What PagerDuty would refuse in the bytes that are sent."""
    found = [fault.message for fault in _check(path).iter_errors(json.loads(body))]
    return found + ["too large"] * (len(body) > LARGEST)


def is_event(path: str, body: bytes) -> bool:
    """Whether it is meant for PagerDuty."""
    return path in CONTRACTS and b'"routing_key"' in body


REST = "pagerduty_rest.openapi.json"


@cache
def rest_contract() -> OpenAPI:
    """Our description of the part of the REST API that is used."""
    return OpenAPI.from_dict(json.loads((ROOT / "tests" / "channels" / REST).read_text()))


def is_rest(path: str, headers: dict[str, str]) -> bool:
    """Whether it is a request to the REST API."""
    return path.startswith(("/incidents", "/oncalls")) and headers.get("Authorization", "").startswith("Token token=")


def rest_faults(request: Any, answer: tuple[int, bytes] | None = None) -> list[str]:
    """What is not as PagerDuty has it: in the `request`, and in the status and body that a test answers for it."""
    where = urlsplit(request.path)
    query = MultiDict((name, value) for name, values in parse_qs(where.query).items() for value in values)
    asked = MockRequest(
        "https://api.pagerduty.com",
        request.method.lower(),
        where.path,
        args=query,
        headers=request.headers,
        data=request.body or None,
        content_type=request.headers.get("Content-Type", ""),
    )
    found = [_words(error) for error in rest_contract().iter_request_errors(asked)]
    found += [f"the query has no {name}" for name in query if not found and name not in _names(where.path)]
    if answer and not found:
        status, body = answer
        errors = rest_contract().iter_response_errors(asked, MockResponse(body, status))
        found += [f"answer {status}: {_words(error)}" for error in errors]
    return found


def _names(path: str) -> set[str]:
    """The names that the query of a GET of `path` may have."""
    written = json.loads((ROOT / "tests" / "channels" / REST).read_text())
    parameters = written["paths"].get(path, {"get": {"parameters": []}})["get"]["parameters"]
    shared = written["components"]["parameters"]
    return {(shared[each["$ref"].rpartition("/")[2]] if "$ref" in each else each)["name"] for each in parameters}


def _words(error: BaseException) -> str:
    inner = [str(each.message) for each in getattr(error.__cause__, "schema_errors", ())]
    return "; ".join([str(error), *inner])
