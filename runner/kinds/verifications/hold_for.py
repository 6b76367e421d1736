"""`hold_for`: the probe is sampled for a while, and the first bad sample fails."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated

from pydantic import BeforeValidator, WithJsonSchema

from runner.core.duration import PATTERN, read_limit
from runner.kinds.verifications.base import VerificationKind

_INPUT = r"\{\{ *([a-z][a-z0-9_]*) *\}\}"
_WRITTEN = {"type": "string", "anyOf": [{"pattern": PATTERN}, {"pattern": f"^{_INPUT}$"}], "examples": ["30s", "5m"]}


def _read(value: object) -> object:
    if not isinstance(value, str) or "{{" not in value:
        return read_limit(value)
    match = re.fullmatch(_INPUT, value)
    if match is None:
        raise ValueError("takes a duration or the name of one input, like {{ watch_for }}")
    return match[1]


class HoldFor(VerificationKind):
    """Every sample is good for this long; `every` sets the pause between samples.

    A template names an input of type duration.
    """

    key = "hold_for"
    example = '- {says: The shop stays up, http: "http://127.0.0.1:8080/health", hold_for: 5m, every: 10s}'

    hold_for: Annotated[timedelta | str, BeforeValidator(_read), WithJsonSchema(_WRITTEN)]

    def describe(self) -> str:
        """Nothing: how long something holds is not what holds."""
        return ""

    def held(self) -> timedelta | str:
        """How long, or the name of the input that says so."""
        return self.hold_for
