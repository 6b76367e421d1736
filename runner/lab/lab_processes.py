"""The demo's processes: each in a session of its own, with a log, and a keeper that ends it when this process ends."""

import errno
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import field
from pathlib import Path

from runner.core.deferred import dataclass
from runner.core.errors import ExecutionError
from runner.lab.interrupts import held

_KEEPER = Path(__file__).with_name("keeper.py")
# Not the whole environment: PGOPTIONS and the like would change what the demo shows, and another user may read it.
_INHERITED = ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH")
_PATIENCE = 60.0  # seconds for something to start, on a machine that is busy with something else
_INTERVAL = 0.005  # seconds


@dataclass(frozen=True, slots=True)
class LabCommand:
    """What to run: its name for people, its arguments, where its output goes, and how it is told to end.

    `environment` comes on top of PATH; `user` is whom to run it as, "" for oneself; `stop` is the signal that ends it.
    What one that `leaves` something behind has started outlives it: nobody keeps it.
    """

    name: str
    argv: Sequence[str | Path]
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    user: str = ""
    stop: signal.Signals = signal.SIGKILL
    leaves: bool = False

    def kept_argv(self) -> list[str]:
        """The arguments of the keeper that runs this command for the calling process; its own where nobody does."""
        if self.leaves:
            return [*map(str, self.argv)]
        keeper = [sys.executable, "-I", "-S", str(_KEEPER), str(os.getpid()), str(int(self.stop)), self.user]
        return [*keeper, *map(str, self.argv)]

    def failure(self, outcome: str = "failed") -> ExecutionError:
        """The error that says what became of this command, in the command's own last words.

        Where a disk is full, many words follow those that say so.
        """
        words = self.log.read_text(encoding="utf-8", errors="replace").split("\n")
        lines = [line.strip() for line in words if line.strip()]
        last = [line for line in lines if os.strerror(errno.ENOSPC) in line][-1:] or lines[-3:]
        return ExecutionError(f"{self.name} {outcome}", hint=" / ".join(last) or "it said nothing")


@dataclass(frozen=True, slots=True)
class Running:
    """A command that has been started; `process` is its keeper, whose end and exit code are the command's."""

    command: LabCommand
    process: subprocess.Popen[bytes]

    def wait_until(self, ready: Callable[[], bool], *, patience: float = _PATIENCE) -> None:
        """Return as soon as `ready` says so.

        Raises:
            ExecutionError: the command ended instead, or `patience` seconds passed.
        """
        deadline = time.monotonic() + patience
        while not ready():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise self.command.failure("did not start")
            time.sleep(_INTERVAL)

    def finish(self) -> None:
        """Wait for the command to end well.

        Raises:
            ExecutionError: its exit code is not 0.
        """
        if self.process.wait() != 0:
            raise self.command.failure()


@contextmanager
def running(command: LabCommand, *, stdin: int = subprocess.DEVNULL) -> Iterator[Running]:
    """`command`, until the block ends; after it, neither the command nor anything it started exists."""

    def start(stack: ExitStack) -> Running:
        log = stack.enter_context(command.log.open("wb"))
        process = subprocess.Popen(
            command.kept_argv(),
            stdin=stdin,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd="/",
            env={name: os.environ[name] for name in _INHERITED if name in os.environ} | dict(command.environment),
            start_new_session=True,  # Ctrl-C reaches this process only, which then ends the others in order
        )
        stack.callback(_end, process)
        return Running(command, process)

    with held(start) as started:
        yield started


def run(command: LabCommand) -> None:
    """Run `command` to its end.

    Raises:
        ExecutionError: its exit code is not 0.
    """
    with running(command) as started:
        started.finish()


def free_port(address: str) -> int:
    """A TCP port on which nothing listens at `address` right now."""
    with socket.create_server((address, 0)) as server:
        return int(server.getsockname()[1])


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    process.wait()
