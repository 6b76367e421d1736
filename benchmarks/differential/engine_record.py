"""What a run has left behind, as far as two engines can leave the same."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ENGINES = ("stock", "fast")
STREAMS = ("stdout", "stderr")
"""Outputs; beside one that is otherwise each time stands what identifies it, which is as well."""
VOLATILE = frozenset(
    {
        *(
            "start",
            "end",
            "delta",
            "deadline",
            "attempt",
            "attempts",
            "samples",
            "trend",
            "elapsed",
            "date",
            "pid",
            "notification",
        ),
        *("manifest_sha256", "process", "evidence", "engine", "subject", "mtime", "atime", "ctime", "notification"),
    }
)
"""What two runs of the same have otherwise, whoever does them."""

_SAMPLES = re.compile(r" after \d+ samples")
"""How often a probe is made until its time is over depends on the machine."""
_KILLED = re.compile(r"(: )?(/bin/bash: .*? )?Killed(\s+/bin/sh -c .*)?\n?$", re.DOTALL)
"""What a shell says of a Python that was killed below it; the Python that stays has none between it and its forks."""
_VARIES = (
    r"\b1[6-9]\d{8}(\.\d+)?\b|\b\d+\.\d{3,}\b",
    r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?(\.\d+)?Z?(\+\d\d:\d\d)?",
    r"ansible-tmp-[0-9.-]+|ansible-local-[0-9a-z_]+|runbook-[0-9a-z]{8}-\w{8}",
    r"0x[0-9a-f]{6,}|/proc/\d+|line \d+: +\d+ ",
    r"age_seconds\W+[\d.]+|evidence/\d+|port \d{4,5}\b|\b127\.0\.\d+\.\d+:\d{4,5}\b",
    r"in \d+\.\d s\b|after \d+(\.\d+)? ?(s|ms)\b|for \d+(\.\d+)? ?(s|ms)\b",
)
Same = Callable[[Any], Any]


@dataclass(frozen=True)
class Ended:
    """A command that has ended: what it was, its exit code, and what it has printed."""

    name: str
    code: int
    out: str
    err: str


@dataclass(frozen=True)
class EngineRecord:
    """What the runs in a state directory have left, in lines that can be compared, and what no run may leave."""

    lines: list[str]
    faults: tuple[str, ...] = ()

    @classmethod
    def of(cls, ended: Iterable[Ended], state: Path, *, place: Path, faults: Iterable[str] = ()) -> EngineRecord:
        """That of the runs in `state`, of which the commands have `ended` so, and have worked in `place`."""
        runs = sorted(path for path in (state / "runs").glob("*") if path.is_dir())
        known = [f"{re.escape(run.name)}(/[\\w.-]+(/[0-9a-f]+)?)?" for run in runs]
        same = _same(
            [*known, *(re.escape(run.name[-8:]) for run in runs), re.escape(str(state)), re.escape(str(place))]
        )
        lines = [f"{each.name}: exit code {each.code}, {json.dumps(same(_result(each.out)))}" for each in ended]
        lines += _events(state, same)
        for number, run in enumerate(_in_order(runs)):
            lines += [f"run {number}: {line}" for line in (*_evidence(run, same), *_kept(run, same))]
        return cls(lines, tuple(faults))

    def differences(self, other: EngineRecord) -> list[str]:
        """The lines that only one of both has, and the faults of each."""
        compared = difflib.unified_diff(self.lines, other.lines, *ENGINES, lineterm="", n=0)
        lines = [line for line in compared if not line.startswith(("---", "+++", "@@"))]
        return [
            *lines,
            *(f"{name}: {fault}" for name, of in zip(ENGINES, (self, other), strict=True) for fault in of.faults),
        ]


def _result(out: str) -> Any:
    """The last line of the JSON that a command prints: how it has ended, in the words for people."""
    lines = [line for line in out.splitlines() if line.startswith("{")]
    result = json.loads(lines[-1]) if lines else {}
    if "remarks" in result:
        result["remarks"] = [remark for remark in result["remarks"] if not remark.startswith("engine: ")]
    return {key: value for key, value in result.items() if key in ("type", "outcome", "problems", "hint", "remarks")}


def _events(state: Path, same: Same) -> Iterator[str]:
    """Those of each host in their order; how hosts take turns is not told by Ansible either."""
    log = state / "audit" / "audit.jsonl"
    events = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()] if log.exists() else []
    told = [
        (
            str((event["data"].get("host") or {}).get("name", "")),
            json.dumps([event["type"], event.get("step"), same(event["data"])], sort_keys=True),
        )
        for event in events
    ]
    for name in sorted({name for name, _ in told}):
        yield from (f"{name}: {line}" for host, line in told if host == name)


def _in_order(runs: list[Path]) -> list[Path]:
    """The runs as they have begun; those that another has begun after it."""
    return sorted(runs, key=lambda run: (run / "run.json").stat().st_ctime if (run / "run.json").exists() else 0)


def _evidence(run: Path, same: Same) -> Iterator[str]:
    found = [(*path.name.partition("-"), path) for path in (run / "evidence").glob("*.json")]
    for name, _, path in sorted((name, int(number), path) for number, _, name, path in found):
        answer = json.loads(path.read_text(encoding="utf-8"))
        yield f"evidence {name}: {json.dumps(same(answer), sort_keys=True)}"


def _kept(run: Path, same: Same) -> Iterator[str]:
    kept = json.loads((run / "run.json").read_text(encoding="utf-8")) if (run / "run.json").exists() else {}
    for name in ("captured", "steps", "outcome"):
        yield f"{name}: {json.dumps(same(kept.get(name)), sort_keys=True)}"


def _is_volatile(key: str) -> bool:
    """Whether it is one of `VOLATILE`, or a fact that Ansible gathers."""
    return key in VOLATILE or (key.startswith("ansible_") and key != "ansible_facts")


def _same(names: list[str]) -> Same:
    """What leaves out of a value all that is volatile."""
    pattern = re.compile("|".join([*names, *_VARIES]))

    def same(value: Any) -> Any:
        if isinstance(value, dict):
            left_out = {"output"} if any(same(value.get(name)) != value.get(name) for name in STREAMS) else set()
            if same(value.get("lines")) == [""]:
                left_out |= {"lines", "stream"}
            told = {key: item for key, item in value.items() if key not in left_out}
            return {pattern.sub("*", key): same(item) for key, item in told.items() if not _is_volatile(key)}
        if isinstance(value, list):
            return [same(item) for item in value]
        if isinstance(value, str):
            return pattern.sub("*", _KILLED.sub("", _SAMPLES.sub("", value)))
        return "*" if isinstance(value, float) and not value.is_integer() else value

    return same
