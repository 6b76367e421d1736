"""What every store of secrets is, and how a program that keeps secrets is asked: in time, and without a person."""

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import ClassVar

from runner.core.deferred import dataclass
from runner.core.secrets import SecretReference, SecretUnavailableError

PATIENCE = 5.0
"""Seconds in which a store answers: a run, or somebody who is to be called, waits for it."""

LONGEST = 65_536
"""Bytes that a secret, and what a program says of one, may have: a part of it would be another one."""

_LOOK = 0.05
"""Seconds after which what a program has written by then is looked at."""


class SecretStore:
    """One kind of place where secrets are: a subclass with the `key` that references begin with.

    `at_hand` says that to look there asks neither a person nor a service.
    """

    key: ClassVar[str]
    at_hand: ClassVar[bool] = False

    def read(self, reference: SecretReference, environ: Mapping[str, str]) -> str:
        """The secret that `reference` leads to; `environ` is the environment of the command.

        It comes back within seconds, whatever becomes of the other side, and asks nobody.

        Raises:
            SecretUnavailableError: it is not there, or not open to this command; no text of it is ever a secret.
        """
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class ProgramAnswer:
    """What a program has written, and its exit code."""

    code: int
    output: str
    complaint: str


def ask_program(
    words: Sequence[str], environ: Mapping[str, str], *, login: str, patience: float = PATIENCE
) -> ProgramAnswer:
    """What the program `words` answers; `login` is what a person types to open the store behind it.

    It cannot ask anybody: its input is empty, and in a session of its own it has no terminal. After its end, or after
    `patience` seconds, everything in that session's process group is ended.

    Raises:
        SecretUnavailableError: it cannot be started, has not ended in time, or writes without an end.
    """
    with os.fdopen(os.memfd_create("output"), "r+b") as output, os.fdopen(os.memfd_create("complaint"), "r+b") as other:
        try:
            process = subprocess.Popen(
                words,
                env=dict(environ),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=other,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            reason = "is not installed" if isinstance(error, FileNotFoundError) else "cannot be started"
            raise SecretUnavailableError(f"the program {words[0]} {reason}, or is not on PATH") from None
        files = [output.fileno(), other.fileno()]
        with process:
            try:
                ended = _has_ended(process, files, patience)
            finally:
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(process.pid, signal.SIGKILL)
        if any(map(_is_too_long, files)):
            raise SecretUnavailableError(f"{words[0]} prints more than {LONGEST // 1024} KiB, which is no secret")
        if not ended:
            late = f"{words[0]} has not answered within {patience:g} s, and may wait for somebody"
            raise SecretUnavailableError(f"{late}; type: {login}")
        return ProgramAnswer(
            process.returncode, *(os.pread(each, LONGEST, 0).decode("utf-8", "replace") for each in files)
        )


def _has_ended(process: subprocess.Popen[bytes], files: Sequence[int], patience: float) -> bool:
    """Whether `process` has ended within `patience` seconds, before it had written too much to one of the `files`."""
    until = time.monotonic() + patience
    while (left := until - time.monotonic()) > 0 and not any(map(_is_too_long, files)):
        with suppress(subprocess.TimeoutExpired):
            process.wait(min(left, _LOOK))
            return True
    return False


def _is_too_long(file: int) -> bool:
    return os.fstat(file).st_size > LONGEST
