"""Shows that both engines leave the same record: runbooks made at random are done by each, and all of it is compared.

    python benchmarks/equivalence.py [--seeds 200] [--first 1] [--ssh]

Compared are the exit code, the events of each host in their order with all that they say, the evidence, the captured
values and the outcomes; not times, durations, ids, and which engine it was. It ends with 1 where anything differs.
"""

from __future__ import annotations

import argparse
import difflib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from random_runbook import runbook

from runner.kinds.ansible_yaml import dump
from runner.lab.hosts import ssh_hosts

ENGINES = ("stock", "fast")
HOSTS = ("a", "b", "c")
VOLATILE = frozenset(
    {
        *("start", "end", "delta", "deadline", "attempt", "attempts", "samples", "trend"),
        *("manifest_sha256", "process", "evidence", "engine", "subject"),
    }
)
"""What two runs of the same have otherwise, whoever does them."""

CONTACTS = (
    "on-call: {name: On-call engineer, channels: [{webhook: {url: 'http://127.0.0.1:9/'}}]}\nowners: {name: Owners}\n"
)
SCRIPT = '#!/bin/sh\nprintf \'[%s]\' "$@"; echo; test "$1" != plain\n'


@dataclass(frozen=True)
class EngineRecord:
    """What one run has left, as far as two runs can be the same, in lines that can be compared."""

    lines: list[str]

    @classmethod
    def of(cls, code: int, state: Path, *, place: Path) -> EngineRecord:
        """That of the only run in `state`, which has ended with `code` and has worked in `place`."""
        run = next((state / "runs").iterdir())
        same = _same([run.name, re.escape(str(state)), re.escape(str(place)), r"evidence/\d+"])
        log = (state / "audit" / "audit.jsonl").read_text(encoding="utf-8").splitlines()
        events = [json.loads(line) for line in log]
        told = [
            (
                str((event["data"].get("host") or {}).get("name", "")),
                json.dumps([event["type"], event.get("step"), same(event["data"])], sort_keys=True),
            )
            for event in events
        ]
        lines = [f"exit code {code}"]
        lines += [f"{host}: {line}" for name in ("", *HOSTS) for host, line in told if host == name]
        for path in sorted((run / "evidence").glob("*.json"), key=lambda path: path.name.partition("-")[2]):
            answer = json.loads(path.read_text(encoding="utf-8"))
            lines.append(f"evidence {path.name.partition('-')[2]}: {json.dumps(same(answer), sort_keys=True)}")
        kept = json.loads((run / "run.json").read_text(encoding="utf-8"))
        lines += [
            f"{name}: {json.dumps(same(kept[name]), sort_keys=True)}" for name in ("captured", "steps", "outcome")
        ]
        return cls(lines)

    def differences(self, other: EngineRecord) -> list[str]:
        """The lines that only one of both has."""
        compared = difflib.unified_diff(self.lines, other.lines, *ENGINES, lineterm="", n=0)
        return [line for line in compared if not line.startswith(("---", "+++", "@@"))]


def _same(names: list[str]) -> Any:
    """What leaves out of a value all that is volatile."""
    pattern = re.compile("|".join(names))

    def same(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: same(item) for key, item in value.items() if key not in VOLATILE}
        if isinstance(value, list):
            return [same(item) for item in value]
        # How often a probe is made until its time is over depends on the machine.
        return pattern.sub("NAME", re.sub(r" after \d+ samples", "", value)) if isinstance(value, str) else value

    return same


def do(
    document: Mapping[str, Any], hosts: Mapping[str, Mapping[str, Any]], engine: str, directory: Path
) -> EngineRecord:
    """What a run of that runbook leaves, done by `engine` on those hosts, in `directory`."""
    library, place, state = directory / "library", directory / "place", directory / "state"
    (library / "runbooks" / "scripts").mkdir(parents=True)
    (library / "runbooks" / "contacts.yml").write_text(CONTACTS, encoding="utf-8")
    (library / "runbooks" / "scripts" / "tell.sh").write_text(SCRIPT, encoding="utf-8")
    (library / "runbooks" / "RUN-900.yml").write_text(dump(dict(document)), encoding="utf-8")
    inventory = directory / "hosts.yml"
    for name in hosts:
        (place / name).mkdir(parents=True)
    inventory.write_text(dump({"all": {"vars": {"runbook_environment": "lab"}, "hosts": hosts}}), encoding="utf-8")
    runbook_command = [sys.executable, "-m", "runner", "--library", str(library), "--state-dir", str(state)]
    environment = {**os.environ, "RUNBOOK_ENGINE": engine}
    options: Any = {
        "cwd": directory,
        "env": environment,
        "stdin": subprocess.DEVNULL,
        "capture_output": True,
        "text": True,
    }
    compiled = subprocess.run([*runbook_command, "compile"], check=False, **options)
    words = ["run", "RUN-900", "-i", str(inventory), "--yes", "--json"]
    ended = subprocess.run([*runbook_command, *words], check=False, **options)
    if not list((state / "runs").glob("*")):
        raise RuntimeError(f"it was refused: {compiled.stdout}{compiled.stderr}{ended.stdout}{ended.stderr}")
    return EngineRecord.of(ended.returncode, state, place=directory)


@contextmanager
def hosts_in(directory: Path, *, ssh: bool) -> Iterator[dict[str, dict[str, Any]]]:
    """The variables of three hosts, of real sshd or of this machine."""
    here = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    if not ssh:
        yield {name: dict(here) for name in HOSTS}
        return
    with ssh_hosts(directory, {name: f"127.0.76.{100 + number}" for number, name in enumerate(HOSTS)}) as up:
        yield {name: dict(host.variables()) for name, host in up.hosts.items()}


def compare(seed: int, hosts: Mapping[str, Mapping[str, Any]], scratch: Path) -> list[str]:
    """How the records of both engines differ for the runbook of that `seed`."""
    records = []
    for engine in ENGINES:
        # Both in a place of the same name: a path may stand in what a host answers.
        directory = scratch / "run"
        directory.mkdir()
        records.append(do(runbook(seed), hosts, engine, directory))
        shutil.rmtree(directory)
    return records[0].differences(records[1])


def main() -> None:
    """Compare as many as are asked for, and print how they differ."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=200, help="how many runbooks (default: 200)")
    parser.add_argument("--first", type=int, default=1, help="the first seed (default: 1)")
    parser.add_argument("--ssh", action="store_true", help="on hosts of real sshd instead of this machine")
    options = parser.parse_args()
    different = 0
    with tempfile.TemporaryDirectory(prefix="equivalence-") as name:
        scratch = Path(name)
        with hosts_in(scratch / "hosts", ssh=options.ssh) as hosts:
            for seed in range(options.first, options.first + options.seeds):
                differences = compare(seed, hosts, scratch)
                different += bool(differences)
                print(
                    f"seed {seed}: {'the same' if not differences else 'DIFFERENT'}",
                    *differences,
                    sep="\n    ",
                    flush=True,
                )
    print(f"{options.seeds - different} of {options.seeds} are the same")
    sys.exit(1 if different else 0)


if __name__ == "__main__":
    main()
