"""A step that one machine does for others over SSH, whose command is killed: what it left there is ended there.

`RUNBOOK_TEST_KILLS` says at how many instants, `RUNBOOK_TEST_SEED` at which ones.
"""

from __future__ import annotations

import json
import os
import random
import sys
import time

import pytest
from harness import PATIENCE
from harness.bench import Bench, step, wait_until
from harness.places import Place, Tree, kill, sshd_hosts

KILLS = int(os.environ.get("RUNBOOK_TEST_KILLS", "1"))
SEED = int(os.environ.get("RUNBOOK_TEST_SEED", "1"))
WEBS = ("web1", "web2")


@pytest.fixture(scope="module")
def up(tmp_path_factory):
    with sshd_hosts(tmp_path_factory.mktemp("ssh") / "hosts", {"lb1": "127.0.77.98"}) as hosts:
        yield hosts


@pytest.fixture
def place(tmp_path, up):
    """Two hosts of this machine, and another one behind a real sshd that works for them."""
    bench = Bench(tmp_path)
    local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    balancer = {**up.hosts["lb1"].variables(), "ansible_pipelining": True}
    children = {"web": {"hosts": dict.fromkeys(WEBS, local)}, "balancers": {"hosts": {"lb1": balancer}}}
    text = json.dumps({"all": {"vars": {"runbook_environment": "lab"}, "children": children}})
    bench.inventory.write_text(text)
    return Place(bench, "pipelined", tuple(up.servers.values()))


def drain(place, seconds):
    """It says what it does, where and for whom; only whoever is on the balancer has that name in the environment."""
    words = 'echo "$VERB $FOR"@"$(printenv RUNBOOK_DEMO_HOST || echo nowhere)" >> "$LOG"; sleep ' + str(seconds)
    keys = {"VERB": "drain", "FOR": "{{ step_host }}", "LOG": str(place.log)}
    undo = {"shell": words.replace(str(seconds), "0"), "env": {**keys, "VERB": "refill"}, "verify": [{"exit": 0}]}
    return step("drain", words, on="balancers", env=keys, undo=undo)


def marks(place):
    return place.log.read_text().splitlines() if place.log.exists() else []


def test_what_was_left_on_the_machine_that_works_for_others_is_ended_there_and_done_once_more_on_a_word(place):
    # Given a run that is killed with all its processes while the balancer is at it for the first of two hosts
    bench = place.bench
    bench.write(drain(place, 60), hosts="web")
    process = bench.started("run", "RUN-900", "-i", str(bench.inventory), "--yes", "--json")
    wait_until(lambda: marks(place), "it has begun there", process)
    for pid in Tree(process.pid).all:
        kill(pid)
    process.communicate(timeout=PATIENCE)
    # When the next command finds that
    bench.command("status", "--json")
    # Then
    place.nothing_is_left()
    assert marks(place) == ["drain web1@lb1"]
    begun = [each["data"]["runbook"] for each in bench.records() if each["type"] == "runbook.step.intended"]
    assert [each["on"] for each in begun] == ["lb1"]
    # And an undo takes back what may have been done, on that machine, for that host, on the word of somebody
    refused = bench.command("undo", "last", "--yes", "--json")
    assert (refused.code, marks(place)) == (4, ["drain web1@lb1"]), refused.err
    undone = bench.command("undo", "last", "--yes", "--json", "--redo", "undo-drain@web1")
    assert (undone.code, marks(place)) == (0, ["drain web1@lb1", "refill web1@lb1"]), undone.err


@pytest.mark.parametrize("seed", range(SEED, SEED + KILLS))
def test_killed_at_any_instant_it_is_done_once_for_each_host(place, seed):
    # Given
    bench, pick = place.bench, random.Random(seed)
    bench.write(drain(place, 0.1), hosts="web")
    process = bench.started("run", "RUN-900", "-i", str(bench.inventory), "--yes", "--json")
    # When
    time.sleep(pick.uniform(0.3, 4.0))
    kill(pick.choice(Tree(process.pid).all))
    out, err = process.communicate(timeout=PATIENCE)
    # Then somebody goes on with it, and says what they see there
    told, passed = [f"seed {seed}: {out[-300:]} {err}"], process.returncode == 0
    for _ in range(4):
        if passed:
            break
        doubtful = [name for name in WEBS if f"drain is in doubt on {name}" in told[-1]]
        seen = all(f"drain {name}@lb1" in marks(place) for name in doubtful)
        resumed = bench.command(
            "resume", "last", "--json", *(["--done" if seen else "--redo", "drain"] * bool(doubtful))
        )
        if any(each in resumed.err for each in ("has not started", "never began", "there are no runs yet")):
            resumed = bench.run()
        passed = resumed.code == 0
        told.append(f"exit code {resumed.code}, {resumed.out[-400:]} {resumed.err}")
    assert sorted(marks(place)) == [f"drain {name}@lb1" for name in WEBS], "\n".join(told)
    place.nothing_is_left()
