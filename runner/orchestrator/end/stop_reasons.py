"""How a run stopped where none of its steps failed, by the error that ended it, or kept it from beginning."""

from runner.core.errors import (
    AuditError,
    DeniedError,
    HandOverError,
    InvalidInputError,
    LockedError,
    RunbookError,
    UnreachableError,
)
from runner.core.wording import first_line
from runner.escalation.call_rules import Stop, StopKind
from runner.escalation.policy import is_critical
from runner.orchestrator.request import RunRequest


def stopped_by(error: RunbookError | None, *, planned: bool, asked: bool) -> Stop | None:
    """How a run stopped that `error` ended; None where a step calls for it.

    `planned` says whether it was let begin, `asked` whether its hosts are known, and were asked whether they are there.
    """
    if error is None or isinstance(error, HandOverError):  # of that the step calls that failed
        return None
    early = not planned and isinstance(error, UnreachableError | AuditError)
    refused = early or isinstance(error, LockedError | DeniedError | InvalidInputError)
    no_answer = isinstance(error, UnreachableError) and asked
    stopped = isinstance(error, AuditError) or not refused
    kind: StopKind = "unreachable" if no_answer else "stopped" if stopped else "refused"
    return Stop(kind, f"could not continue: {first_line(error.message)}", refused=refused)


def refusal(what: str, error: RunbookError, request: RunRequest) -> Stop:
    """How a run stopped that was refused because of `error`, before anything of it was done.

    That of a critical run of which nothing can be recorded counts as stopped as well: nobody did what was to be done.
    """
    stopped = isinstance(error, AuditError) and is_critical(request.source.runbook)
    return Stop("stopped" if stopped else "refused", f"{what}: {first_line(error.message)}", refused=True)
