"""Measures what the product adds to plain Ansible: one compiled playbook, run both ways in turn, as medians and ratios.

    python benchmarks/overhead.py [--runs N] [--only local1,ssh1,ssh20]

*Plain* is `ansible-playbook`, tuned: no facts, pipelining, ControlPersist, a fixed interpreter, output to /dev/null.
*Product* is `runbook run` with all that it does: supervisor, audit log, run state, evidence and report, in a new state
directory on disk. Both run the same file, with a fork for each host and compiled Python, and neither finds a connection
open when it starts. They take turns, and a ratio is that of two runs in a row: a busy machine slows both.
"""

from __future__ import annotations

import argparse
import compileall
import os
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
from runner.kinds.ansible_yaml import dump
from runner.lab.hosts import ssh_hosts
from runner.store.log.log_reader import read, verify

RUNBOOK = "RUN-901"
STEPS = 10
FORKS = 20  # the product has up to 50; neither starts more workers than there are hosts
IMPORTS = 9


@dataclass(frozen=True)
class Setting:
    """Where it is measured: on how many hosts, over SSH or on this machine, and how much the product may take of it."""

    name: str
    hosts: int
    ssh: bool
    most: float


SETTINGS = {
    setting.name: setting
    for setting in (
        Setting("local1", hosts=1, ssh=False, most=1.25),
        Setting("ssh1", hosts=1, ssh=True, most=1.25),
        Setting("ssh20", hosts=20, ssh=True, most=1.10),
    )
}


@dataclass(frozen=True)
class Bench:
    """What is run: the library with the compiled playbook, the inventory, and a directory for what a run leaves."""

    library: Path
    inventory: Path
    scratch: Path
    hosts: int

    def plain(self) -> float:
        """Seconds of one run without the product; the connections it leaves open are ended after the clock stops."""
        with _directory(self.scratch) as directory:
            (directory / "ansible.cfg").touch()  # else Ansible would look for the user's
            playbook = self.library / "playbooks" / f"{RUNBOOK}.yml"
            command = [_program("ansible-playbook"), "--forks", str(FORKS), "-i", str(self.inventory), str(playbook)]
            try:
                return _timed(command, cwd=directory, environment=_environment() | _tuned(directory))
            finally:
                _end_connections(directory / "ssh")

    def product(self) -> float:
        """Seconds of one run through the product.

        Raises:
            RuntimeError: the audit log does not prove that every step was done on every host.
        """
        with _directory(self.scratch) as directory:
            options = ["--state-dir", str(directory / "state"), "--library", str(self.library)]
            command = [_program("runbook"), *options, "run", RUNBOOK, "-i", str(self.inventory), "--yes"]
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
        print(f"\n{'where':8}{'hosts':>6}{'runs':>6}{'plain':>9}{'product':>9}   ratio (least-most)    at most")
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
    """Run in turn, so that whatever else the machine does falls on both; the first pair only warms it up."""
    pairs = [(bench.plain(), bench.product()) for _ in range(runs + 1)][1:]
    plain, product = zip(*pairs, strict=True)
    ratios = [through / alone for alone, through in pairs]
    spread = f"{median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f})"
    seconds = f"{median(plain):>8.2f}s{median(product):>8.2f}s"
    print(f"{setting.name:8}{setting.hosts:>6}{runs:>6}{seconds}   {spread:22}{setting.most:.2f}", flush=True)


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


def _timed(command: Sequence[str], *, cwd: Path, environment: Mapping[str, str]) -> float:
    with (cwd / "errors").open("w+b") as errors:
        start = time.monotonic()
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
    return taken


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
    return _timed([sys.executable, "-c", statement], cwd=Path(tempfile.gettempdir()), environment=_environment())


if __name__ == "__main__":
    main()
