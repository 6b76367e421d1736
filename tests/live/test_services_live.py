"""However a run ends, a service that a passed step has started lives, and what an unfinished step has started is gone.

Each run starts every kind of service in one step, and ends in each way once, on this machine or over SSH.
`RUNBOOK_SERVICES=each` starts them one by one, and goes every way.
"""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import shutil
import signal
from dataclasses import dataclass
from pathlib import Path

import pytest
from harness import PATIENCE
from harness.bench import step, wait_until
from harness.places import WAYS, Tree, kill

from runner.core.errors import InvalidInputError
from runner.executor.ansible import processes
from runner.lab.demo_workspace import workspace
from runner.lab.lab_processes import free_port
from runner.lab.postgres import Postgres

EACH = os.environ.get("RUNBOOK_SERVICES") == "each"
UNFINISHED = 10
"""Seconds in which what belongs to an unfinished step is gone."""

QUIET = "</dev/null >/dev/null 2>&1"


@dataclass
class Services:
    """The lines of shell that start a service each and write down its process, in a directory of its own."""

    directory: Path
    cluster: Path
    names: tuple[str, ...] = ("nohup", "setsid", "double-fork", "tmux", "pg_ctl")

    def lines(self):
        return "\n".join(getattr(self, f"_{name.replace('-', '_')}")(self.directory / name) for name in self.names)

    def _nohup(self, path):
        return f"nohup sleep 617 {QUIET} & echo $! > {path}"

    def _setsid(self, path):
        return f"setsid sleep 617 {QUIET} & echo $! > {path}"

    def _double_fork(self, path):
        return f"( ( exec sleep 617 {QUIET} ) & echo $! > {path} )"

    def _tmux(self, path):
        socket = self.directory / "tmux.socket"
        return f"tmux -f /dev/null -S {socket} new-session -d 'echo $PPID > {path}; exec sleep 617'; sleep 0.3"

    def _pg_ctl(self, path):
        words = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"] if os.geteuid() == 0 else []
        options = f"-c listen_addresses=127.0.0.1 -c port={free_port('127.0.0.1')}"
        words += [str(self.cluster / "pg_ctl"), "-D", str(self.cluster / "data"), "-w", "-l", os.devnull, "-o", options]
        return f"{shlex.join([*words, 'start'])} {QUIET}; head -n 1 {self.cluster / 'data' / 'postmaster.pid'} > {path}"

    def pids(self):
        there = (self.directory / name for name in self.names)
        return {path.name: int(path.read_text()) for path in there if path.exists()}

    def alive(self):
        return {name: processes.is_alive(pid) for name, pid in self.pids().items()}

    def all(self):
        """Every process of theirs."""
        return {each for pid in self.pids().values() for each in (pid, *processes.descendants(pid))}

    def stop(self):
        found = self.all()
        for pid in found:  # PostgreSQL gives its shared memory back
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGQUIT)
                os.kill(pid, signal.SIGTERM)
        wait_until(lambda: not any(map(processes.is_alive, found)), "the services have stopped")


@pytest.fixture(scope="module")
def cluster():
    """The data and the programs of a PostgreSQL that does not run yet."""
    try:
        with workspace() as directory:
            with Postgres.running(directory / "postgres") as made:
                binaries = made.binaries
            if os.geteuid() == 0:  # nobody runs a copy
                binaries = next((directory / "postgres" / "site").rglob("bin/postgres")).parent
                shutil.copy(made.binaries / "pg_ctl", binaries)
            (directory / "postgres" / "pg_ctl").symlink_to(binaries / "pg_ctl")
            yield directory / "postgres"
    except InvalidInputError as error:
        pytest.skip(f"no PostgreSQL here: {error.message}")


@pytest.fixture
def services(bench, cluster, request):
    made = Services(bench.directory / "services", cluster, *([(request.param,)] if EACH else []))
    if "tmux" in made.names and not shutil.which("tmux"):
        made.names = tuple(name for name in made.names if name != "tmux")
    made.directory.mkdir()
    yield made
    made.stop()


def begun(place, services, *, slow, deadline=None):
    """The command, once it is in the midst of its third step; the services are there by then."""
    bench, keys = place.bench, {"deadline": deadline} if deadline else {}
    taken_back = {"shell": f"echo undone >> {place.log}", "verify": [{"exit": 0}]}
    bench.write(
        step("change", f"echo change >> {place.log}", undo=taken_back),
        step("services", f"{services.lines()}\necho services >> {place.log}"),
        step("slow", f"echo slow >> {place.log}; {slow}", timeout="2m"),
        **keys,
    )
    process = bench.started("run", "RUN-900", "-i", str(bench.inventory), "--yes", "--json")
    done = ["change", "services", "slow"]
    wait_until(lambda: place.done == done or process.poll() is not None, "the slow step has begun")
    if place.done != done and deadline in ("5s", "15s"):
        process.communicate()
        place.log.unlink(missing_ok=True)
        services.stop()
        return begun(place, services, slow=slow, deadline={"5s": "15s", "15s": "1m"}[deadline])
    assert place.done == done, process.communicate()
    return process


def failed(place, services):
    process = begun(place, services, slow=f"test -e {place.bench.directory / 'mended'}")
    process.communicate(timeout=PATIENCE)
    assert process.returncode == 1
    (place.bench.directory / "mended").touch()


SLOW = "(setsid sleep 616 &); (env -i setsid sleep 616 &); sleep 615"


def resume_and_undo(place, services):
    failed(place, services)
    resumed = place.bench.command("resume", "last", "--json")
    assert (resumed.code, place.done[-1]) == (0, "slow"), resumed.err
    undone = place.bench.command("undo", "last", "--json", "--yes")
    assert place.done[-1] == "undone", undone.err


def cancel(place, services):
    process = begun(place, services, slow=SLOW)
    assert place.bench.command("cancel", "last").code == 0
    process.communicate(timeout=PATIENCE)


def signalled(number):
    def end(place, services):
        process = begun(place, services, slow=SLOW)
        process.send_signal(number)
        process.communicate(timeout=PATIENCE)

    return end


def deadline(place, services):
    process = begun(place, services, slow=SLOW, deadline="5s")
    process.communicate(timeout=PATIENCE)
    assert process.returncode == 124


def killed(*victims):
    def end(place, services):
        process = begun(place, services, slow=SLOW)
        tree = Tree(process.pid)
        pids = [getattr(tree, victim) for victim in victims]
        for pid in pids:  # that none of them learns of the other's death
            os.kill(pid, signal.SIGSTOP)
        for pid in pids:
            kill(pid)
        process.communicate(timeout=PATIENCE)
        run = place.bench.run_ids()[-1]
        after = place.bench.command("status")
        assert (after.code, f"abandoned: the run {run}" in after.err) == (0, "command" in victims), after.err
        if "command" in victims:
            state = json.loads((place.bench.state / "runs" / run / "run.json").read_text())
            assert (state["status"], state["private"]) == ("abandoned", [])

    return end


ENDS = {
    "resume-and-undo": resume_and_undo,
    "cancel": cancel,
    "ctrl-c": signalled(signal.SIGINT),
    "sigterm": signalled(signal.SIGTERM),
    "deadline": deadline,
    "kill-command": killed("command"),
    "kill-supervisor": killed("supervisor"),
    "kill-both": killed("command", "supervisor"),
}


CHOSEN = {
    "local": ("sigterm", "kill-supervisor", "kill-both"),
    "pipelined": ("resume-and-undo", "cancel"),
}
WITHOUT_SERVICES = {"ctrl-c", "deadline", "kill-command"}
"""What is tried elsewhere in every case: to a service they are what `sigterm`, `cancel` and `kill-both` are."""

CASES = [(end, way) for way in WAYS for end in (ENDS if EACH else CHOSEN.get(way, ()))]


def test_each_end_is_tried():
    assert {end for end, _ in CASES} | WITHOUT_SERVICES == set(ENDS)


@pytest.mark.parametrize("services", Services.names if EACH else ["all"], indirect=True)
@pytest.mark.parametrize(
    ("end", "place"), [pytest.param(end, way, id=f"{end}-{way}") for end, way in CASES], indirect=["place"]
)
def test_the_services_live_and_what_was_unfinished_is_gone(place, services, end):
    ENDS[end](place, services)

    def left():
        return {pid: words for pid, words in place.processes().items() if pid not in services.all()}

    with contextlib.suppress(AssertionError):
        wait_until(lambda: not left(), "what was unfinished is gone", seconds=UNFINISHED, every=0.1)
    assert (left(), services.alive()) == ({}, dict.fromkeys(services.names, True))
