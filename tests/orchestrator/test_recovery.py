"""A run whose command died is named once, as what it is, and what it left running is ended, here and on its hosts."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from harness.fake_run import ACTOR, UnwritableLog, environment_in
from harness.fakes import RUN_ID, Clock

from runner.core.errors import AuditError
from runner.core.events import Event, EventType, Outcome
from runner.executor.ansible import processes, workspace
from runner.executor.ansible.ansible_executor import AnsibleExecutor
from runner.executor.ansible.supervision import Limits
from runner.orchestrator.recovery import name_abandoned
from runner.store.log.audit_log import AuditLog
from runner.store.log.log_reader import read
from runner.store.run_state import RunState
from runner.store.state_directory import StateDirectory

STATE = RunState(run=RUN_ID, runbook="RUN-001", title="T", started="2026-01-01T00:00:00+00:00", user="alice")


@pytest.fixture
def directory(tmp_path):
    return StateDirectory.open(tmp_path / "state")


@pytest.fixture
def reaped():
    """What was to be cleaned up on hosts: each invocation, its environment, and what is to be ended there."""
    return []


@pytest.fixture
def named(directory, reaped):
    """The runs that are named as abandoned, by an executor that ends nothing on hosts."""

    def named(environ=None, state=directory, **limits):
        reap = lambda invocation, environ, hosts, _: reaped.append((invocation, environ, hosts))  # noqa: E731
        executor = AnsibleExecutor(limits=Limits(**limits), reap=reap)
        env = environment_in(directory.path.parent, state=state, environ=environ or {}, executor=executor)
        return list(name_abandoned(env))

    return named


def died(directory, **changes):
    directory.begin(replace(STATE, **changes)).release()
    if changes.get("environment"):  # which is recorded before it is in the state
        with AuditLog.open(directory.audit, clock=Clock(), actor=ACTOR) as log:
            log.append(Event(EventType.RUN_STARTED, RUN_ID))


def recorded(directory):
    path = directory.audit / "audit.jsonl"
    return [str(record.type) for record in read(path)] if path.exists() else []


def test_a_run_that_is_still_held_is_left_alone(directory, named, reaped):
    held = directory.begin(STATE)

    assert (named(), recorded(directory), reaped) == ([], [], [])
    held.release()


def test_a_dead_run_is_recorded_as_abandoned_and_named_once(directory, named, reaped):
    died(directory)

    first, second = named(), named()

    assert [(state.run, state.status, state.outcome, state.finished) for state in first] == [
        (RUN_ID, "abandoned", "unknown", "2026-01-01T00:00:00+00:00")
    ]
    assert (second, recorded(directory)) == ([], ["run.abandoned", "run.filed"])


def test_a_run_that_had_recorded_its_end_was_not_abandoned(directory, named, reaped):
    died(directory)
    with AuditLog.open(directory.audit, clock=Clock(), actor=ACTOR) as log:
        log.append(Event(EventType.RUN_FINISHED, RUN_ID, data={"outcome": "passed"}))

    assert (named(), recorded(directory)) == ([], ["run.finished", "run.filed"])
    assert (directory.run(RUN_ID).state.status, directory.run(RUN_ID).state.outcome) == ("finished", "passed")


def test_an_ended_run_whose_files_and_state_were_edited_is_not_filed_anew(directory, named, reaped):
    died(directory)
    named()
    run = directory.run(RUN_ID)
    run.update(status="running")
    report = run.path / "report.html"
    report.write_text("forged\n")

    assert (named(), recorded(directory)) == ([], ["run.abandoned", "run.filed"])
    report.unlink()
    assert [state.status for state in named()] == ["abandoned"]


def test_a_run_that_died_when_it_was_gone_on_with_is_not_what_it_came_to_before(directory, named, reaped):
    died(directory)
    with AuditLog.open(directory.audit, clock=Clock(), actor=ACTOR) as log:
        log.append(Event(EventType.RUN_FINISHED, RUN_ID, data={"outcome": "failed"}))
        log.append(Event(EventType.RUN_RESUMED, RUN_ID))

    assert [state.status for state in named()] == ["abandoned"]
    assert recorded(directory)[-2:] == ["run.abandoned", "run.filed"]


SUPERVISOR = "import sys, time; time.sleep({}); open(sys.argv[1], 'w')"


def supervisor(path, seconds, run=RUN_ID):
    """A process with the command line of one, which makes `path` when it has torn everything down."""
    words = [sys.executable, "-c", SUPERVISOR.format(seconds), str(path), "runner.executor.ansible.supervisor", run]
    return subprocess.Popen(words)


def test_a_supervisor_that_tears_its_run_down_is_waited_for(directory, named, reaped, tmp_path):
    died(directory)
    with supervisor(tmp_path / "done", 0.5), supervisor(tmp_path / "other", 60, RUN_ID[:-1] + "x") as other:
        named()
        alive = processes.is_alive(other.pid)
        other.kill()

    assert ((tmp_path / "done").exists(), alive) == (True, True)


def test_a_supervisor_that_hangs_is_ended(directory, named, reaped, tmp_path):
    died(directory)
    with supervisor(tmp_path / "done", 60) as hangs:
        named(supervisor=0.2)
        alive = processes.is_alive(hangs.pid)

    assert (alive, (tmp_path / "done").exists()) == (False, False)


def test_what_can_not_be_recorded_is_not_named_and_the_run_stays_as_it_was(directory, named, reaped):
    died(directory)

    def full(*_):
        raise AuditError("the disk is full")

    with pytest.raises(AuditError):
        named(state=UnwritableLog(directory.path, full))

    assert directory.run(RUN_ID).state.status == "running"
    assert [state.run for state in named()] == [RUN_ID]


def test_its_processes_here_are_ended_and_nobody_elses(directory, named, reaped):
    died(directory)
    marked, another = ({**os.environ, processes.MARKER: marker} for marker in (RUN_ID, RUN_ID[:-1] + "x"))
    words = ["sleep", "900"]
    with subprocess.Popen(words, env=marked) as its, subprocess.Popen(words, env=another) as other:
        named()
        alive = processes.is_alive(its.pid), processes.is_alive(other.pid)
        other.kill()

    assert alive == (False, True)


def intended(host, number, **data):
    return Event(EventType.STEP_INTENDED, RUN_ID, "restart", host, {"attempt": f"{RUN_ID}/restart/{number}", **data})


def ended(host, outcome, kind=EventType.ACTION_FINISHED):
    return Event(kind, RUN_ID, "restart", host, {"part": "action", "outcome": outcome})


@pytest.mark.parametrize(
    ("events", "attempts"),
    [
        ([], []),
        ([intended("here", 1)], [1]),
        ([intended("here", 1), ended("here", Outcome.PASSED)], []),
        ([intended("here", 1), ended("here", Outcome.FAILED)], []),
        ([intended("here", 1), ended("here", Outcome.UNKNOWN)], [1]),
        ([intended("here", 1), ended("here", Outcome.UNREACHABLE)], [1]),
        ([intended("here", 1), ended("here", Outcome.FAILED, EventType.ATTEMPT_FINISHED), intended("here", 2)], [2]),
        ([intended("here", 1), ended("there", Outcome.PASSED)], [1]),
    ],
)
def test_of_what_its_steps_have_started_only_what_belongs_to_one_that_has_not_ended_is_ended(
    directory, named, reaped, events, attempts
):
    died(directory, target={"all": ("here",)})
    with AuditLog.open(directory.audit, clock=Clock(), actor=ACTOR) as log:
        log.append(*events)
    started = {
        number: subprocess.Popen(["sleep", "900"], env={**os.environ, processes.MARKER: f"{RUN_ID}/restart/{number}"})
        for number in (1, 2)
    }

    named()

    alive = [number for number, process in started.items() if process.poll() is None]
    for process in started.values():
        process.kill()
        process.wait()
    assert alive == [number for number in (1, 2) if number not in attempts]
    assert [hosts for _, _, hosts in reaped] == [
        {"here": [f"{RUN_ID}/restart/{number}" for number in attempts]} if attempts else {"here": ()}
    ]


def test_its_private_directories_are_wiped_and_nothing_else_is(directory, named, reaped, tmp_path):
    its, other, link = tmp_path / "runbook-x", tmp_path / "precious", tmp_path / "runbook-link"
    for path in (its, other):
        path.mkdir()
    link.symlink_to(other)
    died(directory, private=(str(its), str(other), str(link), str(tmp_path / "runbook-gone")))

    named()

    assert (its.exists(), other.exists(), link.is_symlink()) == (False, True, True)
    assert directory.run(RUN_ID).state.private == ()


def test_a_private_directory_that_nobody_had_noted_yet_is_wiped_too(directory, named, reaped, tmp_path):
    its, others = workspace.make(RUN_ID), workspace.make(RUN_ID[:-8] + "ffffffff")
    died(directory)

    named()

    assert (its.exists(), others.exists()) == (False, True)
    others.rename(tmp_path / "others")


def test_a_run_that_had_come_to_its_hosts_is_ended_there_by_an_ansible_that_no_setting_of_the_users_disturbs(
    directory, named, reaped, tmp_path, monkeypatch
):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    target = {"db": ("db1", "db2"), "app": ("app1",)}
    died(directory, inventories=("/inventories/lab",), hosts="db:app", becomes=True, target=target)

    named({"HOME": "/home/alice", "PATH": "/bin", "LC_ALL": "C.UTF-8", "ANSIBLE_RUN_TAGS": "nothing"})

    ((invocation, environ, hosts),) = reaped
    assert (invocation.run_id, invocation.inventories, invocation.hosts, invocation.becomes) == (
        *(RUN_ID, ("/inventories/lab",), "db:app", True),
    )
    assert hosts == {"db1": (), "db2": (), "app1": ()}
    assert environ == {"HOME": "/home/alice", "PATH": f"{Path(sys.executable).parent}:/bin", "LC_ALL": "C.UTF-8"}
    assert not Path(invocation.workspace).exists()
    assert list(tmp_path.glob(f"{workspace.PREFIX}*")) == []


def test_a_run_that_died_before_it_knew_a_host_is_not_looked_for_anywhere(directory, named, reaped):
    died(directory, target={})

    named()

    assert reaped == []


def test_several_dead_runs_are_named_oldest_first(directory, named, reaped):
    ids = [f"2026010{day}T000000Z-{os.getpid():08x}" for day in (1, 2, 3)]
    for run in reversed(ids):
        died(directory, run=run)

    assert [state.run for state in named()] == ids


def test_what_a_machine_does_for_another_host_is_ended_on_that_machine(directory, named, reaped):
    died(directory, target={"web": ("here",)}, delegates={"lb": ("lb1",)})
    with AuditLog.open(directory.audit, clock=Clock(), actor=ACTOR) as log:
        log.append(intended("here", 1, on="lb1"))

    named()

    assert [hosts for _, _, hosts in reaped] == [{"here": (), "lb1": [f"{RUN_ID}/restart/1"]}]
