"""The library's own runbooks, each rehearsed by both engines: how every step of theirs has ended."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from differential.engine_record import ENGINES, EngineRecord

ROOT = Path(__file__).parents[2]
RUNBOOKS = (
    "RUN-001",
    "RUN-002",
    "RUN-005",
    "RUN-006",
    "RUN-007",
    "RUN-010",
    "RUN-020",
    "RUN-030",
    "RUN-032",
    "RUN-040",
)
"""Those whose drills work where no machine of a lab can be started."""
_TOLD = ("outcome", "part", "why", "state", "by")


def compare(runbook: str) -> list[str]:
    """How the records of both engines differ for the drills of that runbook.

    What a system answers that is broken for real is never the same, nor how often it is asked: compared is how
    everything that was asked has ended on each host.
    """
    records = [_record(runbook, engine) for engine in ENGINES]
    return records[0].differences(records[1])


def _record(runbook: str, engine: str) -> EngineRecord:
    with tempfile.TemporaryDirectory(prefix="equivalence-") as state:
        words = ["--state-dir", state, "drill", runbook, "--backend", "embedded", "--yes"]
        environment = {**os.environ, "RUNBOOK_ENGINE": engine}
        command = [sys.executable, "-m", "runner", "--library", str(ROOT), *words]
        done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
        log = (Path(state) / "audit" / "audit.jsonl").read_text(encoding="utf-8").splitlines()
        lines = [f"exit code {done.returncode}", *sorted(map(_line, map(json.loads, log)))]
    return EngineRecord(list(dict.fromkeys(lines)))


def _line(event: dict[str, object]) -> str:
    data = event["data"]
    assert isinstance(data, dict)  # noqa: S101 - every record has some
    told = data.get("runbook", {})
    host = (data.get("host") or {}).get("name", "")
    return f"{host}: {event['type']} {event.get('step')} {json.dumps({key: told[key] for key in _TOLD if key in told})}"
