"""Measures what a long record costs: the same commands over a large and a small state directory, as medians and ratios.

    python benchmarks/large_record.py [--runs N] [--large RUNS] [--small RUNS]

One run is done for real, over five hosts on this machine. Its records, with the id of the run replaced, are chained
anew for every run of both state directories, so that the logs verify. The commands take turns, and a ratio is that of
two commands in a row: a busy machine slows both. *Start* is the time to the record that the first step may begin, *end*
the time from the record of the last step to the exit. `audit verify` is to grow with the log; nothing else is.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

from runner.kinds.ansible_yaml import dump
from runner.store.log import chain

RUNBOOK = "RUN-901"
HOSTS = 5
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
TAIL = 4 * 1024 * 1024  # bytes at the end of a log that hold the records of one run


@dataclass(frozen=True)
class Template:
    """One real run: its id, the members of each of its records, and its state."""

    run: bytes
    members: list[bytes]
    filed: str
    state: bytes


@dataclass(frozen=True)
class Record:
    """A state directory with many runs, and the library and inventory with which another one is done."""

    library: Path
    inventory: Path
    state: Path
    runs: int

    def command(self, *words: str) -> float:
        """Seconds of the command `runbook` with `words`."""
        options = ["--state-dir", str(self.state), "--library", str(self.library)]
        start = time.monotonic()
        with (self.library / "errors").open("w+b") as errors:
            program = [str(Path(sys.executable).parent / "runbook"), *options, *words]
            done = subprocess.run(
                program,
                cwd=self.library,
                env=_environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                check=False,
            )
            errors.seek(0)
            if done.returncode:
                raise RuntimeError(f"{words} ended with {done.returncode}:\n{errors.read().decode(errors='replace')}")
        return time.monotonic() - start

    def run(self) -> tuple[float, float]:
        """Seconds of the start and of the end of one run more."""
        before = datetime.now(UTC)
        self.command("run", RUNBOOK, "-i", str(self.inventory), "--yes")
        after = datetime.now(UTC)
        records = _tail(self.state)
        own = [record for record in records if record.get("run") == records[-1]["run"]]
        times = {record["type"]: datetime.fromisoformat(record["time"]) for record in own}
        first = next(record for record in own if record["type"] == "runbook.step.intended")
        begun, ended = datetime.fromisoformat(first["time"]), times["runbook.step.finished"]
        return (begun - before).total_seconds(), (after - ended).total_seconds()


def main() -> None:
    """Make both state directories, measure, and print."""
    options = _options()
    with tempfile.TemporaryDirectory(prefix="bench-record-") as name:
        library, inventory, template = _template(Path(name))
        small, large = (
            _fill(Record(library, inventory, Path(name) / size, runs), template)
            for size, runs in (("small", options.small), ("large", options.large))
        )
        print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; Python {sys.version.split()[0]}")
        print(f"small: {_size(small, template)}; large: {_size(large, template)}")
        print(f"the first command makes the index: {small.command('status'):.2f}s, {large.command('status'):.2f}s")
        print(f"the first list folds every run:    {_listed(small):.2f}s, {_listed(large):.2f}s")
        print(f"\n{'what':16}{'small':>9}{'large':>9}   ratio (least-most)")
        for what, words in _COMMANDS.items():
            number = 1 if what == "audit verify" else options.runs
            _show(what, [(small.command(*words(small)), large.command(*words(large))) for _ in range(number)])
        runs = [(small.run(), large.run()) for _ in range(options.runs)]
        for number, what in enumerate(("start of a run", "end of a run")):
            _show(what, [(one[number], other[number]) for one, other in runs])
        small.command("audit", "verify")
        large.command("audit", "verify")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--runs", type=int, default=5, help="pairs that are counted (default: 5)")
    parser.add_argument("--large", type=int, default=5000, help="runs of the large state directory (default: 5000)")
    parser.add_argument("--small", type=int, default=50, help="runs of the small one (default: 50)")
    return parser.parse_args()


def _listed(record: Record) -> float:
    return record.command("list", "--runs", "--json")


def _show(what: str, pairs: list[tuple[float, float]]) -> None:
    small, large = zip(*pairs, strict=True)
    ratios = [many / few for few, many in pairs]
    spread = f"{median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f})"
    print(f"{what:16}{median(small):>8.2f}s{median(large):>8.2f}s   {spread}", flush=True)


def _template(scratch: Path) -> tuple[Path, Path, Template]:
    """A library, an inventory, and one run that was done with them."""
    library, inventory = scratch / "library", scratch / "hosts.yml"
    shutil.copytree(Path(__file__).parent / "runbooks", library / "runbooks")
    here = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    hosts = {f"h{number}": here for number in range(HOSTS)}
    inventory.write_text(dump({"all": {"vars": {"runbook_environment": "lab"}, "hosts": hosts}}), encoding="utf-8")
    record = Record(library, inventory, scratch / "template", 1)
    record.command("compile")
    record.run()
    (directory,) = (record.state / "runs").iterdir()
    lines = _log(record.state).read_bytes().splitlines()
    members = [line.split(b",", 1)[1].rsplit(b',"hash"', 1)[0] for line in lines]
    filed = json.loads(lines[-1])["data"]["runbook"]["manifest_sha256"]
    return library, inventory, Template(directory.name.encode(), members, filed, (directory / "run.json").read_bytes())


def _fill(record: Record, template: Template) -> Record:
    """`record`, with all its runs in its state directory."""
    head, log = chain.START, _log(record.state)
    log.parent.mkdir(parents=True, mode=0o700)
    record.state.chmod(0o700)
    with log.open("xb") as file:
        log.chmod(0o600)
        for number in range(record.runs):
            run = _run_id(number)
            filed = _directory(record.state / "runs" / run, template.state.replace(template.run, run.encode()))
            for members in template.members:
                own = members.replace(template.run, run.encode()).replace(template.filed.encode(), filed.encode())
                line, head = chain.link(head, own)
                file.write(line)
    return record


def _directory(path: Path, state: bytes) -> str:
    """Make the directory of a run that has ended; the SHA-256 of its manifest."""
    path.mkdir(parents=True, mode=0o700)
    (path / "run.json").write_bytes(state)
    manifest = json.dumps({"run.json": hashlib.sha256(state).hexdigest()})
    (path / "manifest.json").write_text(manifest, encoding="utf-8")
    return hashlib.sha256(manifest.encode()).hexdigest()


def _run_id(number: int) -> str:
    return f"{BEGIN + timedelta(minutes=number):%Y%m%dT%H%M%SZ}-{number:08x}"


def _log(state: Path) -> Path:
    return state / "audit" / "audit.jsonl"


def _tail(state: Path) -> list[dict[str, str]]:
    """The last records of the log, at least those of one run."""
    with _log(state).open("rb") as file:
        file.seek(max(0, os.fstat(file.fileno()).st_size - TAIL))
        lines = file.read().splitlines()
    return [json.loads(line) for line in lines if line.startswith(b'{"seq":')]


def _size(record: Record, template: Template) -> str:
    megabytes = _log(record.state).stat().st_size / 1e6
    return f"{record.runs:,} runs, {record.runs * len(template.members):,} records, {megabytes:,.0f} MB"


def _environment() -> dict[str, str]:
    kept = {
        name: os.environ[name]
        for name in ("HOME", "USER", "LANG", "PATH", "TMPDIR", "PYTHONPATH")
        if name in os.environ
    }
    return {**kept, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{kept.get('PATH', os.defpath)}"}


_COMMANDS: Mapping[str, Callable[[Record], list[str]]] = {
    "status": lambda _: ["status"],
    "list --runs": lambda _: ["list", "--runs", "--json"],
    "show RUN": lambda record: ["show", _run_id(record.runs // 2), "--format", "md"],
    "audit verify": lambda _: ["audit", "verify"],
}


if __name__ == "__main__":
    main()
