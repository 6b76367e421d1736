"""Whatever dies, nothing of a run goes on, and no acknowledged record is lost."""

from __future__ import annotations

import json
import os
import resource
import signal
from pathlib import Path

import pytest
from harness.bench import kill, step, survivors, wait_until

from runner.executor.ansible import processes


@pytest.fixture
def slow(bench):
    """A run whose second step takes long, in processes that do what they can to get away."""
    bench.started_path, bench.finished_path = bench.directory / "started", bench.directory / "finished"
    words = f"touch {bench.started_path}; (setsid sleep 61 &) ; sleep 60; touch {bench.finished_path}"
    bench.write(
        step("first", "true"), step("second", words, timeout="2m"), step("third", f"touch {bench.finished_path}")
    )
    return bench


def supervisor_of(pid):
    return next(
        child for child in processes.descendants(pid) if b"runner.executor.ansible.supervisor" in cmdline(child)
    )


def cmdline(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def gone(bench):
    run_id = bench.run_ids()[-1]
    wait_until(lambda: not survivors(run_id), "every process of the run has ended", seconds=10, every=0.1)
    return run_id


def test_kill_9_of_the_command(slow):
    process = slow.begun(slow.started_path)
    supervisor = supervisor_of(process.pid)

    kill(process.pid)
    acknowledged = [json.loads(line) for line in process.communicate()[0].splitlines()]

    run_id = gone(slow)
    wait_until(lambda: not processes.is_alive(supervisor), "the supervisor has ended", seconds=10)
    after = slow.command("status", "--json")
    assert f"abandoned: the run {run_id}" in after.err
    assert json.loads(after.out)[0]["status"] == "abandoned"
    recorded = [(r["type"].removeprefix("runbook."), r.get("step")) for r in slow.records()]
    assert [(event["type"], event.get("step")) for event in acknowledged] == recorded[: len(acknowledged)]
    assert slow.command("audit", "verify").code == 0
    assert not slow.finished_path.exists()


def test_kill_9_of_both_at_once_is_cleaned_up_by_the_next_command(slow):
    process = slow.begun(slow.started_path)

    os.kill(supervisor_of(process.pid), signal.SIGSTOP)
    kill(supervisor_of(process.pid))
    kill(process.pid)
    process.communicate()

    run_id = slow.run_ids()[-1]
    after = slow.command("status")
    assert f"abandoned: the run {run_id}" in after.err
    assert not survivors(run_id)
    state = json.loads((slow.state / "runs" / run_id / "run.json").read_text())
    assert (state["status"], state["private"]) == ("abandoned", [])


def test_what_cannot_be_recorded_does_not_run(bench):
    made = bench.directory / "made"
    bench.write(step("first", "true"), step("act", f"touch {made}"))
    whole = bench.run()
    size = (bench.state / "audit" / "audit.jsonl").stat().st_size
    made.unlink()

    def limit():
        # Files stop growing where the first third of the next run's records ends, before the second step.
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + size // 3, size + size // 3))

    ran = bench.run(preexec_fn=limit)

    assert (whole.code, ran.code, made.exists()) == (0, 7, False), ran.err
    assert "Traceback" not in ran.err
    assert bench.command("audit", "verify").code == 0
