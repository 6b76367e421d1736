"""Measures the commands about a library on libraries of 100, 300 and 1,000 runbooks with twice as many entries.

    python benchmarks/large_library.py [--sizes 100,300,1000] [--runs N] [--only find,gate]

Times are medians of the seconds on the processor, those of its processes together, which other work on the machine
changes less than the seconds that pass; the latter are the column *passed*. *Ratio* is to `runbook --version` on the
same machine, which is what any command takes at least.
*Growth* is the time at the largest size divided by that at the smallest, beside the growth of the library itself.
*First* is the first call: `find` finds no index then, as after a new release, and makes the one that all others find.
*Tick* is a look at the schedules, of which each runbook has one, when none of them is due.
"""

from __future__ import annotations

import argparse
import compileall
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import yaml

import runner

COMMANDS: Mapping[str, tuple[Sequence[str], float | None]] = {
    "version": (["--version"], None),
    "find": (["find", "connection", "pool", "saturated"], 1.0),
    "links": (["links", "RUN-050"], 1.0),
    "list": (["list"], 1.0),
    "registry": (["registry"], 1.0),
    "show": (["show", "RUN-050"], 0.3),
    "lint RUN-x": (["lint", "RUN-050"], 0.3),
    "completion": (["_complete"], 0.3),
    "tick": (["schedule", "tick"], 0.6),
    "lint": (["lint"], 10.0),
    "gate": (["gate"], 10.0),
    "matrix": (["matrix"], 10.0),
}
"""Each command, and the seconds that it may take with 1,000 runbooks on an idle machine."""

_TROUBLES = "connection latency memory disk certificate queue replica cache deadlock throttling timeout checkpoint"
_THINGS = "pool database worker broker gateway scheduler index volume session tenant bucket cluster partition"
_STATES = "exhausted saturated expired stalled unreachable degraded corrupted overloaded lagging leaking blocked full"
_CATEGORIES = ("incident", "deployment", "maintenance", "recovery")
_PER_FILE = 500


def make_library(root: Path, size: int) -> None:
    """Write a library with `size` runbooks and twice as many entries, the same one for the same size."""
    chance = random.Random(size)  # noqa: S311 - nothing is secret here
    runbooks = root / "runbooks"
    (runbooks / "registry").mkdir(parents=True)
    contacts = {f"team-{n:02}": {"name": f"Team {n}", "handle": f"@team-{n:02}"} for n in range(20)}
    contacts |= {
        f"on-call-{n}": {"name": f"On-call {n}", "channels": [{"webhook": {"url": "http://127.0.0.1:9/"}}]}
        for n in range(5)
    }
    _dump(contacts, runbooks / "contacts.yml")
    for number in range(1, size + 1):
        _dump(_runbook(number, size, chance), runbooks / f"RUN-{number:03}.yml")
    entries = [_entry(number, size, chance) for number in range(1, 2 * size + 1)]
    for start in range(0, len(entries), _PER_FILE):
        part = dict(sorted(entries[start : start + _PER_FILE]))
        _dump(part, runbooks / "registry" / f"entries-{start // _PER_FILE:02}.yml")
    hosts = {f"group_{n}": {"hosts": {f"host-{n}-{m}": None for m in range(5)}} for n in range(10)}
    (root / "inventories" / "staging").mkdir(parents=True)
    _dump({"all": {"children": hosts}}, root / "inventories" / "staging" / "hosts.yml")


def _dump(value: Any, path: Path) -> None:
    path.write_text(yaml.safe_dump(value, sort_keys=False, width=110), encoding="utf-8")


def _phrase(chance: random.Random) -> str:
    thing, trouble, state = (chance.choice(words.split()) for words in (_THINGS, _TROUBLES, _STATES))
    return f"{thing.capitalize()} {trouble} {state} in service-{chance.randrange(400)}"


def _runbook(number: int, size: int, chance: random.Random) -> dict[str, Any]:
    others = [f"RUN-{chance.randrange(1, size + 1):03}" for _ in range(2)]
    return {
        "id": f"RUN-{number:03}",
        "title": _phrase(chance),
        "category": _CATEGORIES[number % len(_CATEGORIES)],
        "severity": f"P{number % 4}",
        "owner": f"team-{number % 20:02}",
        "trigger": {"alert": _name(number), "condition": f"above {number % 90 + 10} % for 5 minutes"},
        "scope": {
            "handles": [_phrase(chance) for _ in range(2)],
            "excludes": [{"what": _phrase(chance), "see": other} for other in others],
        },
        "hosts": f"group_{number % 10}",
        "schedules": [_schedule(number)],
        "inputs": {"threshold": {"type": "int", "default": number % 90, "help": "The percentage that is too much"}},
        "steps": [_step(n, chance) for n in range(6)],
        "escalation": {
            "when": [{"unresolved_for": "15m"}, "step_failed"],
            "contacts": [f"on-call-{number % 5}"],
            "provide": ["timeline", "actions"],
        },
        "follow_up": ["Document the incident timeline"],
        "links": [_name(chance.randrange(1, 2 * size + 1)) for _ in range(3)],
    }


def _schedule(number: int) -> dict[str, str]:
    """One that is due each week, three days from now."""
    weekday = (datetime.now(tz=UTC).isoweekday() + 3) % 7
    cron = f"{number % 60} {number % 24} * * {weekday}"
    return {"id": "weekly", "cron": cron, "zone": "Europe/Berlin", "inventory": "inventories/staging"}


def _step(number: int, chance: random.Random) -> dict[str, Any]:
    thing = chance.choice(_THINGS.split())
    return {
        "id": f"step-{number}",
        "name": f"Look at the {thing} of {_phrase(chance).lower()}",
        "why": _phrase(chance),
        "effect": "read",
        "shell": f"journalctl -u {thing} -n 200 | grep -c {chance.choice(_STATES.split())}\ndf -h /srv",
        "verify": [{"says": _phrase(chance), "exit": 0}, {"says": "It is said", "matches": "[0-9]+"}],
    }


def _name(number: int) -> str:
    """The id of the entry `number`: half of them are alerts."""
    kind = ("MON", "MON", "MON", "MON", "RISK", "DEP", "SCN", "TECH")[number % 8]
    return f"{kind}-{number:03}"


def _entry(number: int, size: int, chance: random.Random) -> tuple[str, dict[str, Any]]:
    name = _name(number)
    kind, runbook = name.partition("-")[0], f"RUN-{(number - 1) % size + 1:03}"
    about: dict[str, Any] = {"title": _phrase(chance), "owner": f"team-{number % 20:02}"}
    if kind == "MON":
        about |= {"severity": f"P{number % 4}", "condition": _phrase(chance), "alertname": f"Alert{number}"}
        about |= {"symptoms": [_phrase(chance)], "runbook": runbook}
    elif kind == "RISK":
        about |= {"level": ("high", "medium", "low")[number % 3], "runbook": runbook}
    elif kind == "DEP":
        about |= {"rollback": {"trigger": _phrase(chance), "runbook": runbook}}
    elif kind == "SCN":
        about |= {"category": "incident", "severity": f"P{number % 4}", "symptoms": [_phrase(chance)]}
        about |= {"runbook": runbook}
    return name, {**about, "links": [_name(chance.randrange(1, 2 * size + 1))]}


class Seconds(NamedTuple):
    """Of a command: on the processor, and as a clock on the wall has it."""

    used: float
    passed: float


class Bench:
    """One library on disk, and the commands that are timed on it."""

    def __init__(self, root: Path, size: int) -> None:
        self.root, self.size = root, size
        self.environment = {**os.environ, "XDG_CACHE_HOME": str(root / "cache"), "NO_COLOR": "1"}
        self.environment.pop("PYTHONDONTWRITEBYTECODE", None)
        make_library(root, size)
        self.seconds(["compile"])

    def seconds(self, words: Sequence[str]) -> Seconds:
        """What the command takes; what it prints is thrown away, and findings are no failure."""
        environment = self.environment
        if words == ["_complete"]:
            environment = {**environment, "_RUNBOOK_COMPLETE": "fish_complete", "COMP_WORDS": "runbook show RUN-0"}
            environment, words = {**environment, "COMP_CWORD": "RUN-0"}, []
        start, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
        found = subprocess.run(
            [sys.executable, "-m", "runner", *words],
            cwd=self.root,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        used = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
        if "defect" in found.stderr or found.returncode not in {0, 1, 2}:
            raise SystemExit(f"runbook {' '.join(words)}: {found.stderr}")
        return Seconds(used, time.perf_counter() - start)


def measure(bench: Bench, names: Sequence[str], runs: int) -> Iterator[tuple[str, Seconds, Seconds]]:
    """The name of each command, the seconds of its first call, and the medians of the others."""
    for name in names:
        words, _ = COMMANDS[name]
        first = bench.seconds(words)
        used, passed = zip(*(bench.seconds(words) for _ in range(runs)), strict=True)
        yield name, first, Seconds(median(used), median(passed))


def main() -> None:
    """Print a table of seconds and ratios."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sizes", default="100,300,1000", help="numbers of runbooks, the smallest first")
    parser.add_argument("--runs", type=int, default=5, help="calls of each command, after the first")
    parser.add_argument("--only", default=",".join(COMMANDS), help="the commands to time")
    options = parser.parse_args()
    sizes = [int(size) for size in options.sizes.split(",")]
    names = list(dict.fromkeys(["version", *options.only.split(",")]))
    compileall.compile_dir(Path(runner.__file__).parent, quiet=2)
    with tempfile.TemporaryDirectory(prefix="large-library-") as directory:
        found = {}
        for size in sizes:
            bench = Bench(Path(directory) / str(size), size)
            found[size] = {name: (first, usual) for name, first, usual in measure(bench, names, options.runs)}
    grown = sizes[-1] / sizes[0]
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; Python {sys.version.split()[0]}")
    print(f"{'command':12}" + "".join(f"{n:>9}" for n in sizes) + "    ratio    first   growth   passed   allowed")
    for name in names:
        first, usual = found[sizes[-1]][name]
        cells = "".join(f"{found[size][name][1].used:8.2f}s" for size in sizes)
        ratio = usual.used / found[sizes[-1]]["version"][1].used
        growth = usual.used / found[sizes[0]][name][1].used
        allowed = COMMANDS[name][1]
        print(
            f"{name:12}{cells}{ratio:8.1f}x{first.used:8.2f}s{growth:8.1f}x{usual.passed:8.2f}s"
            + (f"{allowed:9.1f}s" if allowed else ""),
            f" (the library grows {grown:.0f}x)" if name == "version" else "",
            flush=True,
        )


if __name__ == "__main__":
    main()
