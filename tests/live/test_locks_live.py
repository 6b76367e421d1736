"""Of several runs against the same hosts exactly one goes on; the others are told who is there.

`RUNBOOK_TEST_ROUNDS` says how often two operators start the same at once.
"""

from __future__ import annotations

import os
import socket

from harness import PATIENCE
from harness.bench import Ran, step, wait_until

ROUNDS = int(os.environ.get("RUNBOOK_TEST_ROUNDS", "1"))


def start(bench, *words):
    return bench.started("run", "RUN-900", "-i", str(bench.inventory), "--yes", "--json", *words)


def test_exactly_one_of_two_that_start_together_runs_each_time(bench):
    done, go = bench.directory / "done", bench.directory / "go"
    bench.write(step("act", f"echo x >> {done}; until [ -e {go} ]; do sleep 0.2; done"))
    for round_ in range(1, ROUNDS + 1):
        both = [start(bench) for _ in range(2)]
        wait_until(lambda both=both: any(process.poll() is not None for process in both), "one is refused")
        go.touch()
        ended = [process.communicate(timeout=PATIENCE) for process in both]
        assert sorted(process.returncode for process in both) == [0, 6], ended
        assert len(done.read_text().splitlines()) == round_
        go.unlink()


def test_who_comes_second_is_told_who_is_there_or_waits(bench):
    begun, go = bench.directory / "begun", bench.directory / "go"
    bench.write(step("act", f"touch {begun}; until [ -e {go} ]; do sleep 0.2; done"), locks=["deploy-pipeline"])
    first = start(bench)
    wait_until(begun.exists, "the first has begun", first)

    refused = bench.run()
    shown = bench.command("locks")
    second = start(bench, "--wait", "1m")
    wait_until(lambda: "lock.awaited" in (bench.state / "audit" / "audit.jsonl").read_text(), "it waits", second)
    go.touch()
    waited = Ran(second.wait(timeout=PATIENCE), *second.communicate())
    first.communicate(timeout=PATIENCE)

    assert refused.code == 6
    problem = refused.events[-1]["problems"][0]
    assert "host:here, lock:deploy-pipeline are held by" in problem
    assert "at the step act" in problem
    assert "host:here, lock:deploy-pipeline are held by" in shown.out
    assert waited.code == 0, waited.err
    assert [event["type"] for event in waited.events].count("lock.awaited") == 1
    assert bench.command("locks").err == "No locks are held.\n"


def test_two_names_of_one_machine_are_one_host(bench):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        there = {"ansible_host": "127.0.0.1", "ansible_connection": "ssh", "ansible_port": silent.getsockname()[1]}
        bench.hosts(here=there, again=there)
        bench.write(step("act", "true"))
        first = start(bench, "--limit", "here")
        wait_until(lambda: bench.command("locks").out, "the first waits for the machine to answer", first, every=0.2)

        second = bench.run("--limit", "again")
        first.kill()
        first.communicate()

    assert second.code == 6
    assert f"host:127.0.0.1:{there['ansible_port']} is held by" in second.events[-1]["problems"][0]
