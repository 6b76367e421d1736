"""The two scales of severity, P0 to P3 and critical | warning | info, and how soon each wants an answer."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Literal

Severity = Literal["P0", "P1", "P2", "P3", "critical", "warning", "info"]


class Urgency(StrEnum):
    """What a severity of either scale asks of whoever is on call."""

    CRITICAL = "critical"
    WARNING = "warning"
    INFO = "info"


_URGENCIES: Mapping[Severity, Urgency] = {
    "P0": Urgency.CRITICAL,
    "P1": Urgency.CRITICAL,
    "P2": Urgency.WARNING,
    "P3": Urgency.INFO,
    "critical": Urgency.CRITICAL,
    "warning": Urgency.WARNING,
    "info": Urgency.INFO,
}

RESPONSE: Mapping[Urgency, str] = {
    Urgency.CRITICAL: "< 5 min",
    Urgency.WARNING: "< 30 min",
    Urgency.INFO: "next business day",
}
"""How soon somebody answers."""

NEEDS: Mapping[Urgency, str] = {
    Urgency.CRITICAL: "a dedicated incident runbook",
    Urgency.WARNING: "a runbook, which it may share",
    Urgency.INFO: "a page of reference documentation",
}
"""What an alert leads to."""


def urgency(severity: Severity) -> Urgency:
    """What `severity` asks for."""
    return _URGENCIES[severity]


def response(severity: Severity) -> str:
    """How soon somebody answers what has this `severity`."""
    return RESPONSE[urgency(severity)]
