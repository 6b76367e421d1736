"""What every store of secrets is, and how a program that keeps secrets is asked: in time, and without a person."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import ClassVar

from runner.core.secrets import SecretReference, SecretUnavailableError

PATIENCE = 5.0
"""Seconds in which a store answers: a run, or somebody who is to be called, waits for it."""

_LONGEST = 65_536
"""Bytes of an answer that are read."""


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
        SecretUnavailableError: it cannot be started, or has not ended in time.
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
        with process:
            try:
                code = process.wait(patience)
            except subprocess.TimeoutExpired:
                late = f"{words[0]} has not answered within {patience:g} s, and may wait for somebody"
                raise SecretUnavailableError(f"{late}; type: {login}") from None
            finally:
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(process.pid, signal.SIGKILL)
        return ProgramAnswer(code, _text(output.fileno()), _text(other.fileno()))


def _text(file: int) -> str:
    """What was written to `file`, from its begin."""
    return os.pread(file, _LONGEST, 0).decode("utf-8", "replace")
