"""How a run goes in a comparison: to its end, resumed, undone, cancelled, or killed in mid-step and gone on with."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from differential.engine_record import Ended
from runner.executor.ansible import processes

_PATIENCE = 300.0
_LEFT = 20.0
"""Seconds in which all that a run has started has to end, besides what its steps leave on purpose."""


@dataclass(frozen=True)
class Commands:
    """The command of the product with what it is given each time, in the directory of a case."""

    words: Sequence[str]
    directory: Path
    environment: Mapping[str, str]
    hosts: Sequence[str]

    @property
    def run_words(self) -> list[str]:
        """What begins the run."""
        return ["run", "RUN-900", "-i", str(self.directory / "inventory"), "-e", "token=env:TOKEN", "--json"]

    def started(self, *words: str) -> subprocess.Popen[str]:
        """The command in the midst of its work."""
        return subprocess.Popen(
            [*self.words, *words],
            cwd=self.directory,
            env=dict(self.environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def ended(self, process: subprocess.Popen[str], name: str) -> Ended:
        """What has become of it."""
        try:
            out, err = process.communicate(timeout=_PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            return Ended(f"{name}, which hangs", process.returncode, out, err)
        return Ended(name, process.returncode, out, err)

    def do(self, *words: str) -> Ended:
        """The command as it has ended."""
        return self.ended(self.started(*words), words[0])

    def blocked(self, *answers: str) -> subprocess.Popen[str]:
        """The run once its blocking step goes on everywhere, or once it has ended without."""
        process = self.started(*self.run_words, *answers)
        marks = [self.directory / "place" / name / "begun" for name in self.hosts]
        deadline = time.monotonic() + _PATIENCE
        while not all(mark.exists() for mark in marks) and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        return process

    def go(self) -> None:
        """Let the blocking step do nothing from now on."""
        for name in self.hosts:
            (self.directory / "place" / name / "go").touch()

    def settled(self) -> None:
        """Wait until whatever supervises a run whose command was killed has ended as well."""
        deadline = time.monotonic() + _LEFT
        while self.left() and time.monotonic() < deadline:
            time.sleep(0.1)

    def left(self) -> dict[int, str]:
        """The processes of the runs that still go on."""
        runs = [path.name for path in (self.directory / "state" / "runs").glob("*")]
        marked = {f"RUNBOOK_RUN_ID={run}".encode() for run in runs}
        found = {}
        for entry in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if marked & set((entry / "environ").read_bytes().split(b"\0")) and processes.is_alive(int(entry.name)):
                    found[int(entry.name)] = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        return found


Life = Callable[[Commands, Sequence[str]], list[Ended]]


def run(commands: Commands, answers: Sequence[str]) -> list[Ended]:
    """It is begun, and ends."""
    return [commands.do(*commands.run_words, *answers)]


def dry_run(commands: Commands, answers: Sequence[str]) -> list[Ended]:
    """Nothing is changed."""
    return [commands.do(*commands.run_words, *answers, "--dry-run")]


def resumed(commands: Commands, answers: Sequence[str]) -> list[Ended]:
    """It is gone on with, whatever has become of it."""
    return [*run(commands, answers), commands.do("resume", "last", "--json", *answers)]


def undone(commands: Commands, answers: Sequence[str]) -> list[Ended]:
    """What it has changed is taken back."""
    return [*run(commands, answers), commands.do("undo", "last", "--json", "--yes")]


def cancelled(commands: Commands, answers: Sequence[str]) -> list[Ended]:
    """It is cancelled from elsewhere in mid-step, and gone on with."""
    process = commands.blocked(*answers)
    cancel = commands.do("cancel", "last", "--now")
    ended = commands.ended(process, "run")
    return [ended, cancel, *_goes_on(commands, answers)]


def interrupted(commands: Commands, answers: Sequence[str]) -> list[Ended]:
    """It is stopped by Ctrl-C in mid-step, and gone on with."""
    process = commands.blocked(*answers)
    process.send_signal(signal.SIGINT)
    return [commands.ended(process, "run"), *_goes_on(commands, answers)]


def killed(victims: Callable[[Tree], list[int]]) -> Life:
    """Some of its processes are killed in mid-step, and it is gone on with."""

    def life(commands: Commands, answers: Sequence[str]) -> list[Ended]:
        process = commands.blocked(*answers)
        pids = victims(Tree(process.pid))
        for sign in (signal.SIGSTOP, signal.SIGKILL):
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, sign)
        ended = commands.ended(process, "run")
        commands.settled()
        return [ended, *_goes_on(commands, answers)]

    return life


def _goes_on(commands: Commands, answers: Sequence[str]) -> list[Ended]:
    """First nobody says what became of the step in doubt; then it is done again."""
    commands.go()
    resume = ["resume", "last", "--json", *answers]
    return [commands.do(*resume), commands.do(*resume, "--redo", "block")]


@dataclass(frozen=True)
class Tree:
    """The processes of a run."""

    command: int

    @property
    def all(self) -> list[int]:
        """All of them, the oldest first."""
        return [self.command, *processes.descendants(self.command)]

    @property
    def supervisor(self) -> list[int]:
        """What runs Ansible, and outlives the command; nothing where the run was refused."""
        return [pid for pid in processes.descendants(self.command) if b"supervisor" in _cmdline(pid)][:1]

    @property
    def ansible(self) -> list[int]:
        """A fork of a fork of the supervisor, whose other children are the masters of its SSH connections."""
        below = [pid for supervisor in self.supervisor for pid in processes.descendants(supervisor)]
        return [pid for pid in below if b"supervisor" in _cmdline(pid)][1:2]


def _cmdline(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


LIVES: Mapping[str, Life] = {
    "run": run,
    "dry run": dry_run,
    "resumed": resumed,
    "undone": undone,
    "unreachable": run,
    "gone": resumed,
    "deadline": resumed,
    "cancelled": cancelled,
    "interrupted": interrupted,
    "killed command": killed(lambda tree: [tree.command]),
    "killed supervisor": killed(lambda tree: tree.supervisor),
    "killed ansible": killed(lambda tree: tree.ansible),
    "killed all": killed(lambda tree: tree.all),
}
BLOCKED = frozenset({"deadline", *(name for name in LIVES if name.startswith(("killed", "cancel", "interrupt")))})
"""Those with a step that does not end by itself."""
