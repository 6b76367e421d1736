"""What a channel can be asked, besides being told: how an incident stands."""

from datetime import datetime
from typing import Literal

from runner.core.deferred import dataclass
from runner.core.errors import ExitCode, RunbookError


@dataclass(frozen=True, slots=True)
class IncidentState:
    """How an incident stands on the other side: since when, by whom, and its address for people."""

    status: Literal["triggered", "acknowledged", "resolved"]
    by: str
    at: datetime | None
    address: str


class InquiryError(RunbookError):
    """The other side could not be asked, or did not answer; the message says why and holds no secret."""

    exit_code = ExitCode.PAGING
