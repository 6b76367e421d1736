"""What a channel can be asked, besides being told: how an incident stands, and who is on call."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from runner.core.errors import ExitCode, RunbookError


@dataclass(frozen=True, slots=True)
class IncidentState:
    """How an incident stands on the other side: since when, by whom, and its address for people."""

    status: Literal["triggered", "acknowledged", "resolved"]
    by: str
    at: datetime | None
    address: str


@dataclass(frozen=True, slots=True)
class OnCallShift:
    """Somebody on call at `level` of an escalation policy, 1 first; without `start` or `end` it has none."""

    name: str
    level: int
    start: datetime | None
    end: datetime | None

    def covers(self, since: datetime, until: datetime) -> bool:
        """Whether they are on call from `since` to `until` without a gap."""
        return (self.start is None or self.start <= since) and (self.end is None or self.end >= until)


class InquiryError(RunbookError):
    """The other side could not be asked, or did not answer; the message says why and holds no secret."""

    exit_code = ExitCode.PAGING
