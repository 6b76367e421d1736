"""Three hosts over SSH on which a run ends at three steps in three ways: each goes on, and back, from where it stands."""

from __future__ import annotations

import json
import shutil

import pytest
from harness import PATIENCE
from harness.bench import Bench, step, wait_until
from harness.places import Place, Tree, cmdline, kill, reach, sshd_hosts

NAMES = {"a": "127.0.77.81", "b": "127.0.77.82", "c": "127.0.77.83"}
STEPS = ("one", "two", "three", "four")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    bench = Bench(tmp_path_factory.mktemp("bench"))
    with sshd_hosts(tmp_path_factory.mktemp("ssh") / "hosts", NAMES) as up:
        reach(bench, up, "pipelined")
        bench.write(*(change(bench, name) for name in STEPS), max_failures=2)
        yield Place(bench, "pipelined", tuple(up.servers.values()))


def change(bench, name):
    """A step that leaves a line on its host. There a file lets it fail, take long, or be done and not be verified."""
    mine = f"{bench.directory}/{{{{ inventory_hostname }}}}"
    words = f"test ! -e {mine}.{name}.fails; echo {name} >> {mine}.log; test ! -e {mine}.{name}.hangs || sleep 900"
    there = ["sh", "-c", f"grep -qx {name} {mine}.log && test ! -e {mine}.{name}.ails"]
    looks = {"says": f"{name} is there and well", "command": there}
    undo = {"shell": f"echo undo-{name} >> {mine}.log", "verify": [{"exit": 0}]}
    return step(name, words, verify=[looks], undo=undo, timeout="2m")


def marks(bench, host):
    path = bench.directory / f"{host}.log"
    return path.read_text().split() if path.exists() else []


def logs(bench):
    return {host: marks(bench, host) for host in NAMES}


def ledger(bench):
    """What the run knows of each step on each host."""
    state = json.loads((bench.state / "runs" / bench.run_ids()[-1] / "run.json").read_text())
    return {host: {name: state["steps"][name][host] for name in STEPS} for host in NAMES}


@pytest.fixture(scope="module")
def run_that_stopped(place, tmp_path_factory):
    """A run that failed at the first step on a, whose ssh died in the second on b, and whose third is not well on c."""
    bench = place.bench
    ends = [bench.directory / name for name in ("a.one.fails", "b.two.hangs", "c.three.ails")]
    for path in ends:
        path.touch()
    process = bench.started("run", "RUN-900", "-i", str(bench.inventory), "--yes", "--json")
    wait_until(lambda: marks(bench, "b") == ["one", "two"], "the second step has begun on b", process)
    tree = Tree(process.pid)
    kill(next(pid for pid in tree.all if cmdline(pid).startswith("ssh ") and NAMES["b"] in cmdline(pid)))
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1, err
    for path in ends:
        path.unlink()
    assert logs(bench) == {"a": [], "b": ["one", "two"], "c": ["one", "two", "three"]}
    assert ledger(bench) == {
        "a": {"one": "failed", "two": "never reached", "three": "never reached", "four": "never reached"},
        "b": {"one": "passed", "two": "unknown", "three": "never reached", "four": "never reached"},
        "c": {"one": "passed", "two": "passed", "three": "failed", "four": "never reached"},
    }
    place.nothing_is_left()
    copy = tmp_path_factory.mktemp("stopped") / "bench"
    shutil.copytree(bench.directory, copy, symlinks=True)
    return copy


@pytest.fixture
def stopped(place, run_that_stopped):
    """The bench as that run left it."""
    shutil.rmtree(place.bench.directory)
    shutil.copytree(run_that_stopped, place.bench.directory, symlinks=True)
    yield place
    place.nothing_is_left()


def test_each_host_goes_on_where_it_stands_and_nothing_is_done_twice(stopped):
    bench = stopped.bench

    resumed = bench.command("resume", "last", "--json")

    assert (resumed.code, resumed.events[-1]["outcome"]) == (0, "passed"), resumed.err
    assert logs(bench) == {host: list(STEPS) for host in NAMES}
    assert ledger(bench) == {host: dict.fromkeys(STEPS, "passed") for host in NAMES}


def test_each_host_goes_back_from_where_it_stands(stopped):
    bench = stopped.bench
    before = logs(bench)
    begun = {"a": ["one"], "b": ["one", "two"], "c": ["one", "two", "three"]}

    undone = bench.command("undo", "last", "--yes", "--json")

    assert (undone.code, undone.events[-1]["outcome"]) == (0, "undone"), undone.err
    back = {host: [f"undo-{name}" for name in reversed(begun[host])] for host in NAMES}
    assert logs(bench) == {host: [*before[host], *back[host]] for host in NAMES}
