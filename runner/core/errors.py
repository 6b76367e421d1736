"""What a person must mend: errors that carry a message, a hint and an exit code."""

from collections.abc import Mapping
from enum import IntEnum
from types import MappingProxyType
from typing import ClassVar


class ExitCode(IntEnum):
    """The public exit codes of `runbook`; they only grow."""

    DONE = 0
    FAILED = 1
    INVALID = 2
    ESCALATED = 3
    DENIED = 4
    UNREACHABLE = 5
    LOCKED = 6
    AUDIT = 7
    PAGING = 8
    PARTLY_UNDONE = 9
    TIMED_OUT = 124
    INTERRUPTED = 130


class RunbookError(Exception):
    """Something a person must mend before the command can go on.

    Deliberately not an `OSError`: ansible-runner swallows those when a handler raises them.
    """

    exit_code: ClassVar[ExitCode] = ExitCode.INVALID

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class InvalidInputError(RunbookError):
    """What was asked for does not make sense: an unknown runbook, a missing input, a stale playbook."""


class MistypedError(InvalidInputError):
    """What somebody has typed is wrong, and they mend it at once: an input, an inventory, an answer in advance."""


class DeniedError(RunbookError):
    """A person, or the lack of one, said no."""

    exit_code = ExitCode.DENIED


class DoubtError(DeniedError):
    """Nobody says what became of what is in doubt."""


class GuardError(DeniedError):
    """A guard is not met; `flags` are those with which the same command would meet it, or is to be without."""

    def __init__(self, message: str, *, hint: str = "", flags: Mapping[str, str] = MappingProxyType({})) -> None:
        super().__init__(message, hint=hint)
        self.flags = flags


class ClosedError(GuardError):
    """A calendar lets nobody change anything now."""

    exit_code = ExitCode.LOCKED


class UnreachableError(RunbookError):
    """There is no host to work on, or none answers."""

    exit_code = ExitCode.UNREACHABLE


class TimedOutError(RunbookError):
    """The deadline has passed."""

    exit_code = ExitCode.TIMED_OUT


class LockedError(RunbookError):
    """Somebody else holds what this command needs."""

    exit_code = ExitCode.LOCKED


class AuditError(RunbookError):
    """The audit log is broken, or a record cannot be made durable: what cannot be recorded does not go on."""

    exit_code = ExitCode.AUDIT


class BrokenLogError(AuditError):
    """The audit log is not what was written to it, so that nothing is added to it any more."""


class ExecutionError(RunbookError):
    """Ansible did not start, or died before it could say what happened."""

    exit_code = ExitCode.FAILED


class RolledBackError(RunbookError):
    """A rollback trigger has fired, and the run goes no further: its change was rolled back, or must be."""

    exit_code = ExitCode.FAILED


class HandOverError(RunbookError):
    """Another runbook took over, and what had failed is not mended, as far as anybody knows."""

    exit_code = ExitCode.FAILED


class DefectError(RunbookError):
    """Something that nobody foresaw went wrong inside of the product."""

    exit_code = ExitCode.FAILED


class StoppedError(RunbookError):
    """A person has stopped it."""

    exit_code = ExitCode.INTERRUPTED


def explain(error: BaseException) -> RunbookError:
    """`error` in words for a person; what nobody foresaw is a defect, of which the words keep the kind and the text."""
    if isinstance(error, RunbookError):
        return error
    if isinstance(error, KeyboardInterrupt):
        return StoppedError("it was interrupted")
    if isinstance(error, MemoryError):
        return ExecutionError("this machine has no memory left", hint="free some, then try again")
    if isinstance(error, OSError):  # no room for temporary files, no process left, a file that may not be read
        return ExecutionError(f"{error.filename or 'the system'}: {error.strerror or error}")
    kind, text = type(error).__name__, " ".join(str(error).split())
    return DefectError(
        f"a defect of runbookctl ({kind}{f': {text}' * bool(text)})", hint="report it to its maintainers"
    )
