"""Calls through a command of the team's own: the page on its standard input, its exit code as the answer."""

import os
import signal
import subprocess
import tempfile
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Annotated, ClassVar

from pydantic import AfterValidator, Field, StringConstraints

from runner.channels import transport as network
from runner.channels.base import Action, Page, Receipt, SecretMissingError, SecretReference, Secrets, reveal
from runner.channels.payload import to_json
from runner.channels.webhook import envelope
from runner.core.errors import InvalidInputError
from runner.core.fields import AtLeastOne
from runner.core.ownership import trusted_files

TRY_AGAIN = 75
"""The exit code that asks for another attempt: EX_TEMPFAIL of sysexits.h."""

_LONGEST_COMPLAINT = 4096
_SECONDS_TO_READ = 1.0


def _program(argv: tuple[str, ...]) -> tuple[str, ...]:
    if not argv[0].startswith("/"):
        raise ValueError("write the whole path of the program, like /usr/local/bin/page")
    return argv


Argument = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$")]
VariableName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]


class CommandChannel(network.NetworkChannel):
    """A program that is started for each page, with the page as a CloudEvent in JSON on its standard input.

    Exit code 0 means that the page is told, 75 that it is worth another attempt; any other refuses it, and the last
    line of standard error is the reason. After the deadline, and after its end, everything it started is ended. It
    finds nothing in its environment but PATH, LC_ALL and what `env` names.
    """

    key: ClassVar[str] = "command"

    argv: Annotated[AtLeastOne[Argument], AfterValidator(_program)] = Field(
        description="The program, by its whole path, and its arguments"
    )
    env: Mapping[VariableName, SecretReference] = Field(
        default={}, description="Variables of its environment, and where each value is"
    )

    def does(self, action: Action) -> bool:
        """Everything but notes, which repeat the hand-off: the program decides what becomes of it."""
        return action != "note"

    def tell(self, page: Page, secrets: Secrets, transport: network.Transport) -> Receipt:
        """Starts the program."""
        self._check_files()
        values = {name: reveal(reference, secrets) for name, reference in self.env.items()}
        body = to_json(envelope(page))
        return transport.repeat(self.key, lambda attempt: self._run(attempt, body, values))

    def check(self, secrets: Secrets) -> None:
        """Look whether nobody else can change the program, and each variable is there."""
        self._check_files()
        for reference in self.env.values():
            reveal(reference, secrets)

    def _check_files(self) -> None:
        try:
            trusted_files.check(Path(each) for each in self.argv if each.startswith("/") and Path(each).exists())
        except InvalidInputError as error:
            raise SecretMissingError(error.message, hint=error.hint) from None

    def _run(self, attempt: network.SendAttempt, body: bytes, values: Mapping[str, str]) -> network.Verdict:
        environ = {"PATH": os.defpath, "LC_ALL": "C.UTF-8", **values}
        with tempfile.TemporaryFile() as page:
            page.write(body)
            page.seek(0)
            try:
                process = subprocess.Popen(
                    self.argv,
                    stdin=page,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.PIPE,
                    env=environ,
                    cwd="/",
                    start_new_session=True,
                )
            except OSError as error:
                return network.Verdict("refused", f"{self.argv[0]} cannot be started: {error.strerror}")
        attempt.sent = True
        complaint = _Complaint(process)
        with process:
            try:
                process.wait(attempt.left)
            except subprocess.TimeoutExpired:
                raise TimeoutError from None
            finally:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                text = complaint.text()
        return _judge(process.returncode, text, values)


class _Complaint:
    """What a process writes to standard error: all of it is read, so that it never waits, and the end is kept."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._end = b""
        self._thread = threading.Thread(target=self._read, args=(process.stderr,), daemon=True)
        self._thread.start()

    def _read(self, stream: IO[bytes]) -> None:
        with suppress(OSError, ValueError):  # it is closed when nobody waits any more
            while data := os.read(stream.fileno(), _LONGEST_COMPLAINT):
                self._end = (self._end + data)[-_LONGEST_COMPLAINT:]

    def text(self) -> str:
        """What is known of it; something that has left the group may hold it open."""
        self._thread.join(_SECONDS_TO_READ)
        return self._end.decode("utf-8", "replace")


def _judge(code: int, complaint: str, secret_values: Mapping[str, str]) -> network.Verdict:
    for name, value in secret_values.items():
        complaint = complaint.replace(value, f"({name})")
    lines = [line for line in complaint.splitlines() if line.strip()]
    reason = f"ended by signal {-code}" if code < 0 else f"exit code {code}"
    reason += f": {network.legible(lines[-1])}" if lines and code else ""
    if code == 0:
        return network.Verdict("accepted", reason)
    return network.Verdict("again" if code == TRY_AGAIN else "refused", reason)
