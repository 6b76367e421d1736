"""kill -9 of any process of a run at any instant: nothing is left or lost, it is honest, and no step is done twice.

`RUNBOOK_TEST_KILLS` says how many instants, `RUNBOOK_TEST_SEED` which ones: a failure names its seed.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import time

import pytest
from harness import PATIENCE
from harness.bench import step
from harness.places import WAYS, Tree, kill

KILLS = int(os.environ.get("RUNBOOK_TEST_KILLS", "3"))
SEED = int(os.environ.get("RUNBOOK_TEST_SEED", "1"))
NAMES = ("one", "two", "three")
LONGEST = 2.5
"""Seconds that the run takes, about: some instants come when all of it is over."""

VICTIMS = {
    "the command": lambda tree, pick: [tree.command],
    "any process": lambda tree, pick: [pick.choice(tree.all)],
    "all at once": lambda tree, pick: tree.all,
}


@pytest.mark.parametrize(
    ("seed", "place"),
    [pytest.param(seed, WAYS[seed % len(WAYS)], id=f"{seed}") for seed in range(SEED, SEED + KILLS)],
    indirect=["place"],
)
def test_a_run_that_is_killed_at_a_random_instant_is_finished_with_each_step_done_once(place, seed):
    # Given
    pick, bench = random.Random(seed), place.bench
    bench.write(*(step(name, f"sleep 0.05; echo {name} >> {place.log}; sleep 0.05") for name in NAMES))
    process = bench.started("run", "RUN-900", "-i", str(bench.inventory), "--yes", "--json")
    # When
    time.sleep(pick.uniform(0.0, LONGEST))
    victims = pick.choice(list(VICTIMS))
    killed(Tree(process.pid), victims, pick)
    out, err = process.communicate(timeout=PATIENCE)
    # Then
    told = f"seed {seed}, {victims}: {err}"
    if victims != "all at once":
        place.nobody_is_left()
    assert honest(process.returncode, out, place), told
    # When somebody goes on with it, and says of a step in doubt what they see on the host
    finish(place, told)
    # Then
    assert place.done == list(NAMES), told
    place.nothing_is_left()
    # And what it had printed of its events is recorded
    printed = [(event["type"], event.get("step")) for event in complete(out) if event["type"] != "result"]
    recorded = [(record["type"].removeprefix("runbook."), record.get("step")) for record in place.records()]
    assert printed == recorded[: len(printed)], told
    assert bench.command("audit", "verify").code == 0, told


def killed(tree, victims, pick):
    """Stop all of them first where all are to die: none of them sees another die."""
    pids = VICTIMS[victims](tree, pick)
    for pid in pids if len(pids) > 1 else ():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSTOP)
    for pid in pids:
        kill(pid)


def complete(out):
    """The events that were printed whole."""
    return [json.loads(line) for line in out.splitlines() if line.endswith("}")]


def honest(code, out, place):
    """Whether a command that says that all is well has done all, and one that was killed has not said anything."""
    ended = [event for event in complete(out) if event["type"] == "result"]
    passed = [event["outcome"] == "passed" for event in ended]
    return (code == 0) is any(passed) and (code != 0 or place.done == list(NAMES)) and (code >= 0 or not passed)


def finish(place, told):
    """Go on until it has passed, at most as often as there are steps; what never began is begun."""
    answers, doubts = [], []
    for _ in range(len(NAMES) + 1):
        runs = json.loads(place.bench.command("status", "--json").out or "[]")
        assert all(run["status"] in {"finished", "abandoned"} for run in runs), told
        if any(run["outcome"] == "passed" for run in runs):  # two that begin in one second stand in any order
            return
        words = [word for name in doubts for word in ("--done" if name in place.done else "--redo", name)]
        resumed = place.bench.command("resume", "last", "--json", *words)
        if any(words in resumed.err for words in ("has not started", "never began", "there are no runs yet")):
            resumed = place.bench.run()
        answers.append(f"{words}: exit code {resumed.code}, {resumed.out[-500:]} {resumed.err}")
        assert resumed.code in {0, 1, 4}, f"{told}; {answers[-1]}"
        doubts = doubtful(resumed.out)
    pytest.fail("\n".join([f"it is never finished: {told}", *answers]))


def doubtful(out):
    """The steps in doubt that a command names at its end."""
    problems = [problem for line in out.splitlines() for problem in json.loads(line).get("problems", ())]
    return [problem.partition(" ")[0] for problem in problems if " is in doubt on " in problem]
