"""However a run is stopped or killed, wherever it works: nothing of it goes on, it says so, and it is gone on with.

Each cause is tried where it matters most; `RUNBOOK_KILLS=all` tries each of them everywhere.
"""

from __future__ import annotations

import json
import os
import re
import signal

import pytest
from harness import PATIENCE
from harness.bench import step, wait_until
from harness.places import WAYS, Tree, kill

from runner.executor.job import ENGINES

SIGNALS = {"sigint": signal.SIGINT, "sigterm": signal.SIGTERM, "sighup": signal.SIGHUP}
VICTIMS = {
    "kill-command": lambda tree: tree.command,
    "kill-supervisor": lambda tree: tree.supervisor,
    "kill-ansible": lambda tree: tree.ansible,
    "kill-worker": lambda tree: tree.worker,
    "kill-ssh": lambda tree: tree.transport,
}
ALL = os.environ.get("RUNBOOK_KILLS") == "all"
CAUSES = (*SIGNALS, *VICTIMS, "deadline")
CHOSEN = {
    "local": ("kill-worker", "deadline"),
    "tty": ("sighup", "kill-ssh"),
    "pipelined": ("kill-command", "kill-ansible"),
}
"""A host that learns or does not learn that it is hung up: what differs by the way."""

ELSEWHERE = {"sigterm", "kill-supervisor", "sigint"}
"""What is tried in every case beside services (test_services_live.py), or twice in a row (test_stop_live.py)."""

CASES = [(cause, way, ENGINES[0]) for way in WAYS for cause in (CAUSES if ALL else CHOSEN[way])]
CASES += [(cause, way, ENGINES[1]) for cause, way in (("kill-worker", "local"), ("kill-command", "pipelined"))]

STOPPED = dict.fromkeys(SIGNALS, (130, "aborted")) | {"deadline": (124, "unknown")}
"""The exit code of the command, and the outcome, where it is not 1 and unknown."""


def interrupted(place, cause, deadline="3s", **keys):
    """The command that does three steps, stopped by `cause` in the midst of the second."""
    words = f"(setsid sleep 901 &); echo slow >> {place.log}; sleep 900; echo late >> {place.log}"
    place.bench.write(
        step("first", f"echo first >> {place.log}"),
        step("slow", words, timeout="2m", **keys),
        step("last", f"echo last >> {place.log}"),
        **({"deadline": deadline} if cause == "deadline" else {}),
    )
    process = place.bench.started("run", "RUN-900", "-i", str(place.bench.inventory), "--yes", "--json")
    begun = ["first", "slow"]
    wait_until(lambda: place.done == begun or process.poll() is not None, "the slow step has begun")
    if place.done != begun and cause == "deadline" and deadline != "1m":
        process.communicate()
        place.log.unlink(missing_ok=True)
        return interrupted(place, cause, deadline={"3s": "10s", "10s": "1m"}[deadline])  # this machine is that slow
    if cause in SIGNALS:
        process.send_signal(SIGNALS[cause])
    elif cause in VICTIMS:
        kill(VICTIMS[cause](Tree(process.pid)))
    out, err = process.communicate(timeout=PATIENCE)
    return process.returncode, [json.loads(line) for line in out.splitlines()], err


def given_time(place):
    """The words to go on with, once a runbook that ran out of its time may take as much as a slow machine needs."""
    runbook = place.bench.directory / "runbooks" / "RUN-900.yml"
    runbook.write_text(re.sub("deadline: .*", "deadline: 10m", runbook.read_text()))
    place.bench.compile()
    return ["--accept-changes"]


def outcomes(events):
    return {event["step"]: event["data"]["outcome"] for event in events if event["type"] == "step.finished"}


@pytest.mark.parametrize(
    ("cause", "place", "bench"),
    [pytest.param(*case, id="-".join(case)) for case in CASES],
    indirect=["place", "bench"],
)
def test_nothing_is_left_it_is_honest_and_a_resume_finishes_it(place, cause):
    # Given
    code, events, err = interrupted(place, cause)
    # Then nothing goes on, here and on the host, before anybody does anything about it
    place.nothing_is_left()
    if cause == "kill-command":
        assert (code, outcomes(events)) == (-signal.SIGKILL, {"first": "passed"}), err
    else:
        assert (code, events[-1]["outcome"]) == STOPPED.get(cause, (1, "unknown")), err
        assert outcomes(events) == {"first": "passed", "slow": "unknown", "last": "never reached"}
    words = given_time(place) if cause == "deadline" else []
    # When it is gone on with, and nobody says what became of the step, then it is not done twice
    if cause in ("kill-command", "deadline"):
        asked = place.bench.command("resume", "last", "--json", *words)
        assert "slow is in doubt on here" in asked.events[-1]["problems"][0]
        assert (asked.code, asked.events[-1]["hint"]) == (4, "look, then say --done slow or --redo slow"), asked.err
        assert place.done == ["first", "slow"]
    # When somebody has looked
    resumed = place.bench.command("resume", "last", "--json", *words, "--done", "slow")
    # Then
    assert (resumed.code, resumed.events[-1]["outcome"]) == (0, "passed"), resumed.err
    assert [record["type"] for record in place.bench.records()].count("runbook.run.abandoned") == (
        1 if cause == "kill-command" else 0
    )
    assert place.done == ["first", "slow", "last"]
    place.nothing_is_left()


def test_each_cause_is_tried():
    assert {cause for cause, *_ in CASES} | ELSEWHERE == set(CAUSES)


@pytest.mark.skipif(not ALL, reason="tests/orchestrator/continuation/test_resumption.py shows it: RUNBOOK_KILLS=all")
@pytest.mark.parametrize("place", ["pipelined"], indirect=True)
def test_what_is_idempotent_is_done_again_without_a_question(place):
    interrupted(place, "kill-ssh", idempotent=True)
    place.nothing_is_left()
    slow = place.bench.directory / "runbooks" / "RUN-900.yml"
    slow.write_text(slow.read_text().replace("(setsid sleep 901 &); ", "").replace("sleep 900", "sleep 0"))
    place.bench.compile()

    resumed = place.bench.command("resume", "last", "--json", "--accept-changes")

    assert (resumed.code, place.done) == (0, ["first", "slow", "slow", "late", "last"]), resumed.err
    place.nothing_is_left()
