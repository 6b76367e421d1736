"""Measures what the product adds to plain Ansible, or saves: one compiled playbook, each way in turn, as medians.

    python benchmarks/overhead.py [--runs N] [--only local1,ssh1,ssh10,ssh20]

*Plain* is `ansible-playbook`, tuned: no facts, pipelining, ControlPersist, a fixed interpreter, output to /dev/null.
*Product* is `runbook run` with all that it does: supervisor, audit log, run state, evidence and report, in a new state
directory on disk, by the engine *stock* or *fast*. All run the same file, with a fork for each host and compiled
Python, and none finds a connection open when it starts. They take turns, and a ratio is that of two runs in a row: a
busy machine slows both. The seconds of a processor are those of all that the command starts on this side of a
connection; they say more than the clock where something else is going on.
"""

from __future__ import annotations

import argparse
import compileall
import os
import resource
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

import runner
from runner.core.errors import InvalidInputError
from runner.core.events import EventType
from runner.executor.ansible import processes
from runner.kinds.ansible_yaml import dump
from runner.lab.hosts import ssh_hosts
from runner.store.log.log_reader import read, verify

RUNBOOK = "RUN-901"
STEPS = 10
FORKS = 20  # the product has up to 50; neither starts more workers than there are hosts
IMPORTS = 9


@dataclass(frozen=True)
class Setting:
    """Where it is measured: on how many hosts, over SSH or on this machine."""

    name: str
    hosts: int
    ssh: bool


SETTINGS = {
    setting.name: setting
    for setting in (
        Setting("local1", hosts=1, ssh=False),
        Setting("ssh1", hosts=1, ssh=True),
        Setting("ssh10", hosts=10, ssh=True),
        Setting("ssh20", hosts=20, ssh=True),
    )
}


@dataclass(frozen=True)
class Taken:
    """Seconds by the clock, and of a processor."""

    wall: float
    cpu: float


@dataclass(frozen=True)
class Bench:
    """What is run: the library with the compiled playbook, the inventory, and a directory for what a run leaves."""

    library: Path
    inventory: Path
    scratch: Path
    hosts: int

    def plain(self) -> Taken:
        """What one run takes without the product; the connections it leaves open are ended after the clock stops."""
        with _directory(self.scratch) as directory:
            (directory / "ansible.cfg").touch()  # else Ansible would look for the user's
            playbook = self.library / "playbooks" / f"{RUNBOOK}.yml"
            command = [_program("ansible-playbook"), "--forks", str(FORKS), "-i", str(self.inventory), str(playbook)]
            try:
                return _timed(command, cwd=directory, environment=_environment() | _tuned(directory))
            finally:
                _end_connections(directory / "ssh")

    def product(self, engine: str) -> Taken:
        """What one run takes through the product, by that `engine`.

        Raises:
            RuntimeError: the audit log does not prove that every step was done on every host.
        """
        with _directory(self.scratch) as directory:
            options = ["--state-dir", str(directory / "state"), "--library", str(self.library)]
            command = [_program("runbook"), *options, "run", RUNBOOK, "-i", str(self.inventory), "--yes"]
            command += ["--engine", engine]
            taken = _timed(command, cwd=directory, environment=_environment())
            log = directory / "state" / "audit" / "audit.jsonl"
            verify(log)
            passed = sum(record.type == EventType.STEP_FINISHED for record in read(log))
            if passed != STEPS * self.hosts:
                raise RuntimeError(f"{passed} steps are recorded, {STEPS * self.hosts} were to be done")
            return taken


def main() -> None:
    """Measure what is asked for, and print it."""
    options = _options()
    _compile_trees()
    _show_machine()
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        scratch = Path(name)
        library = _library(scratch / "library")
        ways = "".join(f"{way:>9}{'cpu':>7}" for way in ("plain", "stock", "fast"))
        print(f"\n{'where':8}{'hosts':>6}{'runs':>6}{ways}   stock/plain  plain/fast (least-most)  cpu")
        for setting in (SETTINGS[name] for name in options.only):
            try:
                with _inventory(setting, scratch / setting.name) as inventory:
                    _measure(Bench(library, inventory, scratch, setting.hosts), setting, options.runs)
            except InvalidInputError as error:
                print(f"{setting.name:8}left out: {error.message} ({error.hint})")
    _show_imports()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--runs", type=int, default=5, help="pairs that are counted (default: 5)")
    parser.add_argument("--only", type=_names, default=list(SETTINGS), help=f"of {','.join(SETTINGS)}")
    return parser.parse_args()


def _names(text: str) -> list[str]:
    names = text.split(",")
    if unknown := [name for name in names if name not in SETTINGS]:
        raise argparse.ArgumentTypeError(f"{unknown[0]!r} is not one of {', '.join(SETTINGS)}")
    return names


def _measure(bench: Bench, setting: Setting, runs: int) -> None:
    """Run in turn, so that whatever else the machine does falls on all; the first turn only warms it up."""
    turns = [(bench.plain(), bench.product("stock"), bench.product("fast")) for _ in range(runs + 1)][1:]
    ways = "".join(f"{_wall(way):>8.2f}s{_cpu(way):>6.2f}s" for way in zip(*turns, strict=True))
    adds = median(stock.wall / plain.wall for plain, stock, _ in turns)
    saved = [plain.wall / fast.wall for plain, _, fast in turns]
    spread = f"{median(saved):.2f} ({min(saved):.2f}-{max(saved):.2f})"
    cpu = median(plain.cpu / fast.cpu for plain, _, fast in turns)
    print(f"{setting.name:8}{setting.hosts:>6}{runs:>6}{ways}   {adds:<11.2f}  {spread:23}  {cpu:.2f}", flush=True)


def _wall(taken: Sequence[Taken]) -> float:
    return median(each.wall for each in taken)


def _cpu(taken: Sequence[Taken]) -> float:
    return median(each.cpu for each in taken)


@contextmanager
def _inventory(setting: Setting, directory: Path) -> Iterator[Path]:
    """The inventory of `setting`, and its hosts while it is in use.

    Raises:
        InvalidInputError: sshd is not installed.
    """
    names = {f"h{number}": f"127.0.77.{100 + number}" for number in range(1, setting.hosts + 1)}
    if setting.ssh:
        with ssh_hosts(directory, names) as up:
            yield _write_inventory(directory, {name: host.variables() for name, host in up.hosts.items()})
    else:
        directory.mkdir()
        here = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
        yield _write_inventory(directory, dict.fromkeys(names, here))


def _write_inventory(directory: Path, hosts: Mapping[str, Mapping[str, Any]]) -> Path:
    path = directory / "hosts.yml"
    path.write_text(dump({"all": {"vars": {"runbook_environment": "lab"}, "hosts": hosts}}), encoding="utf-8")
    return path


def _library(directory: Path) -> Path:
    """A library with the benchmark's runbook, compiled by the product."""
    shutil.copytree(Path(__file__).parent / "runbooks", directory / "runbooks")
    command = [_program("runbook"), "--library", str(directory), "compile"]
    subprocess.run(command, env=_environment(), stdout=subprocess.DEVNULL, check=True)
    return directory


def _environment() -> dict[str, str]:
    """What both sides see; PYTHONDONTWRITEBYTECODE would cost each start of Ansible more than half a second."""
    kept = {name: os.environ[name] for name in ("HOME", "USER", "LANG", "PATH", "TMPDIR") if name in os.environ}
    return {**kept, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{kept.get('PATH', os.defpath)}"}


def _tuned(directory: Path) -> dict[str, str]:
    return {
        "ANSIBLE_GATHERING": "explicit",
        "ANSIBLE_PIPELINING": "1",
        "ANSIBLE_SSH_ARGS": "-C -o ControlMaster=auto -o ControlPersist=60s",
        "ANSIBLE_SSH_CONTROL_PATH_DIR": str(directory / "ssh"),
        "ANSIBLE_HOST_KEY_CHECKING": "1",
        "ANSIBLE_STDOUT_CALLBACK": "default",
        "ANSIBLE_HOME": str(directory / "home"),
    }


def _timed(command: Sequence[str], *, cwd: Path, environment: Mapping[str, str]) -> Taken:
    processes.adopt_orphans()  # what a command leaves is a child of this process, and counts as well
    with (cwd / "errors").open("w+b") as errors:
        used, start = _used(), time.monotonic()
        done = subprocess.run(
            command,
            cwd=cwd,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            check=False,
        )
        taken = time.monotonic() - start
        errors.seek(0)
        if done.returncode:
            raise RuntimeError(f"{command[0]} ended with {done.returncode}:\n{errors.read().decode(errors='replace')}")
    return Taken(taken, _used() - used)


def _used() -> float:
    """Seconds of a processor of all children that have ended, and of theirs."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _end_connections(sockets: Path) -> None:
    for path in sockets.glob("*"):
        command = ["ssh", "-o", f"ControlPath={path}", "-O", "exit", "-"]
        subprocess.run(command, stderr=subprocess.DEVNULL, check=False)


@contextmanager
def _directory(parent: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="r-", dir=parent) as name:
        yield Path(name)


def _program(name: str) -> str:
    return str(Path(sys.executable).parent / name)


def _compile_trees() -> None:
    for tree in (sysconfig.get_path("purelib"), *runner.__path__):
        compileall.compile_dir(tree, quiet=2)


def _show_machine() -> None:
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    python = f"Python {sys.version.split()[0]}"
    print(f"{os.cpu_count()} cores, load {load}; {python}; ansible-core {version('ansible-core')}; {FORKS} forks")


def _show_imports() -> None:
    commands = ("pass", "import runner.cli")
    pairs = [[_start_time(command) for command in commands] for _ in range(IMPORTS)]
    bare, ours = (median(column) * 1000 for column in zip(*pairs, strict=True))
    print(f"\nimport runner.cli: {ours:.0f} ms, of which a bare Python takes {bare:.0f} ms")


def _start_time(statement: str) -> float:
    return _timed([sys.executable, "-c", statement], cwd=Path(tempfile.gettempdir()), environment=_environment()).wall


if __name__ == "__main__":
    main()
