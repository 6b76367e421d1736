"""What PagerDuty takes, by the contracts in `tests/channels`: asked of every event that any test sends."""

from __future__ import annotations

import json
from functools import cache

from jsonschema import Draft202012Validator

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
