"""Runs that died are recovered only when somebody asks for it, and a run is cancelled by whoever may write to its state."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from harness.engine import FAILED, Engine, change, undoing
from harness.fake_run import Killed, UnwritableLog, environment_in
from harness.fakes import RUN_ID, runbook_file
from harness.fault_server import FaultServer

from runner.core.errors import AuditError, InvalidInputError
from runner.core.events import Event, EventType
from runner.orchestrator.recovery import name_abandoned
from runner.render.history.run_history import history
from runner.services.run_list import find_run, listed_runs
from runner.services.runs import CancelledRun, cancel_run, recover_abandoned
from runner.store.log.log_reader import read
from runner.store.manifest import differences
from runner.store.run_state import RunState


@pytest.fixture
def env(tmp_path):
    return environment_in(tmp_path)


@pytest.fixture
def dead(env, tmp_path):
    """A run whose command died."""
    path = str(runbook_file(tmp_path / "library"))
    state = RunState(run=RUN_ID, runbook="RUN-001", title="T", started="", user="alice", path=path)
    env.state.begin(state).release()


def listed(env):
    with listed_runs(env.state, env.clock()) as runs:
        return [(run.run, run.status, run.outcome) for run in runs.all()]


def test_to_list_runs_changes_nothing_though_it_says_that_one_is_abandoned(env, dead):
    assert listed(env) == [(RUN_ID, "abandoned", "")]
    assert (env.state.run(RUN_ID).state.status, env.executor.cleaned_up) == ("running", [])
    assert not env.state.log_path.exists()


def test_a_run_that_died_is_recovered_once_and_somebody_is_called_for_it(env, dead):
    first, second = recover_abandoned(env), recover_abandoned(env)

    assert [(each.run.run, each.run.status) for each in first.runs] == [(RUN_ID, "abandoned")]
    assert [(call.contact, call.arrived) for call in first.runs[0].calls] == [("on-call", False)]
    assert (second.runs, first.failure, [run.run_id for run in env.executor.cleaned_up]) == ((), None, [RUN_ID])
    assert listed(env) == [(RUN_ID, "abandoned", "unknown")]


def test_a_run_that_died_and_cannot_be_recorded_is_told_and_left_as_it_is(env, dead):
    def full(*_):
        raise AuditError("the disk is full")

    recovery = recover_abandoned(replace(env, state=UnwritableLog(env.state.path, full)))

    assert (recovery.runs, recovery.failure.message) == ((), "the disk is full")
    assert env.state.run(RUN_ID).state.status == "running"


def test_somebody_is_called_once_for_a_run_that_died_and_cannot_be_recorded_and_hears_that(env, dead, tmp_path):
    def full(*_):
        raise AuditError("the disk is full")

    with FaultServer("200") as server:
        contacts = f"on-call: {{name: On-call, channels: [{{webhook: {{url: '{server.url}'}}}}]}}\n"
        (tmp_path / "library" / "runbooks" / "contacts.yml").write_text(contacts)
        broken = replace(env, state=UnwritableLog(env.state.path, full))
        first, second = recover_abandoned(broken), recover_abandoned(broken)

    assert [[call.arrived for call in each.calls] for each in first.unrecorded] == [[True]]
    (page,) = (event["data"] for event in server.events)
    assert (second.unrecorded, page["details"]["not recorded"]) == ((), "the disk is full")


@pytest.fixture
def called(tmp_path, dead):
    """The pages to whom the runbook of the dead run names."""
    with FaultServer("200") as server:
        contacts = f"on-call: {{name: On-call, channels: [{{webhook: {{url: '{server.url}'}}}}]}}\n"
        (tmp_path / "library" / "runbooks" / "contacts.yml").write_text(contacts)
        yield server


@pytest.fixture
def no_room(env, dead):
    """Nothing can be filed of the run, and no incident remembered, as on a full disk; the log has room for records."""
    (env.state.directory(RUN_ID).path / "manifest.json.new").mkdir()
    (env.state.path / "incidents").touch()


def test_a_run_whose_end_is_recorded_is_over_and_nobody_is_called_though_its_state_cannot_be_saved(
    env, called, no_room
):
    with env.open_log() as log:
        log.append(Event(EventType.RUN_STARTED, RUN_ID), Event(EventType.RUN_FINISHED, RUN_ID, data=PASSED))

    first, second = recover_abandoned(env), recover_abandoned(env)

    assert (first.runs, first.unrecorded, first.failure, first) == ((), (), None, second)
    (problem,) = first.called.problems
    assert problem == (
        f"the run {RUN_ID} has ended (passed), and its state cannot be saved: {env.state.runs_path / RUN_ID}: "
        "Is a directory; make room, or use --state-dir"
    )
    broken = replace(env, state=UnwritableLog(env.state.path, _full))
    assert (recover_abandoned(broken).unrecorded, called.events) == ((), [])


def test_nobody_is_called_twice_for_a_run_that_died_where_nothing_but_the_log_can_be_written(env, called, no_room):
    recovered = [recover_abandoned(env) for _ in range(2)]

    calls = [call.arrived for each in recovered for run in (*each.runs, *each.unrecorded) for call in run.calls]
    assert (calls, len(called.events)) == ([True], 1)
    assert [record.type for record in read(env.state.log_path)].count(EventType.RUN_ABANDONED) == 1


PASSED = {"outcome": "passed"}


def _full(*_):
    raise AuditError("the disk is full")


def test_a_run_that_died_is_called_for_though_the_command_that_found_it_died_as_well(env, dead):
    found = name_abandoned(env)
    next(found)
    found.close()  # it was recorded, and nobody was called yet

    (recovered,) = recover_abandoned(env).runs

    assert [call.contact for call in recovered.calls] == ["on-call"]


@pytest.fixture
def engine(tmp_path, monkeypatch):
    """A run on two hosts that is killed in the midst of its second step."""
    engine = Engine(tmp_path, monkeypatch)
    engine.ansible.hosts = {"all": ("a", "b"), "b": ("b",)}

    def killed(*_):
        raise Killed

    engine.ansible.answers["two", "action"] = killed
    return engine


@pytest.fixture
def killed(engine):
    """The same, once it is killed; its first step had passed."""
    with pytest.raises(Killed):
        engine.run(undoing("one"), change("two", hosts="b"), change("three"), escalation=POLICY)
    return engine


POLICY = {"when": ["abandoned"], "contacts": ["on-call"], "provide": ["timeline"]}


def test_whoever_is_called_for_a_run_that_died_hears_how_each_host_stands_as_report_and_status_say(killed):
    with FaultServer("200") as server:
        contacts = (
            f"on-call: {{name: On-call, channels: [{{webhook: {{url: '{server.url}'}}}}]}}\nbackend-team: {{name: B}}\n"
        )
        (killed.directory / "runbooks" / "contacts.yml").write_text(contacts)
        recover_abandoned(killed.env)

    standing = {"unknown": ["b"], "changed, and verified as far as it went": ["a"]}
    (page,) = (event["data"] for event in server.events)
    assert page["details"]["hosts"] == standing
    assert [line.partition("  # ")[2] for line in page["details"]["continue with"]] == [
        "says that you have it: nobody else is called then",
        "continues where it stopped; look first: it may ask for --done or --redo two",
        "undoes what it changed",
        "shows what happened",
    ]
    (end,) = [record for record in killed.records if record.type == EventType.RUN_ABANDONED]
    assert end.data["happened"] == "its command died during Two, and nobody knows how it ended"
    run = history(killed.records)
    assert (run.status, run.standing) == ("abandoned", {how: tuple(hosts) for how, hosts in standing.items()})
    directory = killed.directory_of_the_run.path
    text = (directory / "handoff.md").read_text()
    assert "Its command died during Two, and nobody knows how it ended." in text
    assert "\nHOSTS\n  unknown: b\n  changed, and verified as far as it went: a\n" in text
    filed = list(read(killed.env.state.log_path))[-1]
    assert {"report.html", "handoff.md"} <= json.loads((directory / "manifest.json").read_bytes()).keys()
    assert (filed.type, [*differences(directory, filed.data["manifest_sha256"])]) == (EventType.RUN_FILED, [])


def test_what_had_failed_before_a_command_died_is_said(engine):
    engine.ansible.answers["one", "action", "a"] = FAILED
    with pytest.raises(Killed):
        engine.run(change("one", on_failure="continue"), change("two", hosts="b"), max_failures=1)

    recover_abandoned(engine.env)

    text = (engine.directory_of_the_run.path / "report.md").read_text()
    assert (
        "ts command died during Two, and nobody knows how it ended; before that, One failed on a: exit code 1" in text
    )


def test_a_run_that_died_is_gone_on_with_as_it_was_left(killed):
    recover_abandoned(killed.env)
    killed.ansible.answers.clear()

    assert killed.resume().outcome == "passed"
    settled = [record.data["reason"] for record in killed.records if record.type == EventType.STEP_SETTLED]
    assert settled == ["its verifications hold"]


def test_nobody_can_be_called_for_a_run_whose_runbook_is_gone(env, dead, tmp_path):
    (tmp_path / "library" / "runbooks" / "RUN-001.yml").unlink()

    (recovered,) = recover_abandoned(env).runs

    assert (recovered.calls, "RUN-001" in recovered.not_called) == ((), True)


def test_a_run_is_asked_to_stop_and_waited_for(env):
    held = env.state.begin(RunState(run=RUN_ID, runbook="RUN-001", title="T", started="", user="alice"))

    late = cancel_run(env.state, "last", "bob", at_once=True, patience=0)
    requests = held.cancelled()
    held.release()

    assert late == CancelledRun(RUN_ID, stopped=False, seconds=0)
    assert requests == ["cancelled by bob"] * 2
    with pytest.raises(InvalidInputError, match="is not in progress"):
        cancel_run(env.state, RUN_ID, "bob")


def test_the_newest_run_that_suits_is_the_last_one(env):
    ids = [f"2026010{day}{RUN_ID[8:]}" for day in (1, 2)]
    for run in ids:
        env.state.begin(RunState(run=run, runbook="RUN-001", title="T", started="", user="alice")).release()

    found = find_run(env.state, "last"), find_run(env.state, "last", suits=lambda run: run.path.name == ids[0])

    assert [run.path.name for run in found] == [ids[1], ids[0]]
    with pytest.raises(InvalidInputError, match="none suits"):
        find_run(env.state, "last", suits=lambda _: False, none="none suits")


def test_a_run_that_died_after_it_had_passed_and_before_people_heard_of_it_has_passed(tmp_path, monkeypatch):
    engine, calls = Engine(tmp_path, monkeypatch), {"when": ["step_failed"], "contacts": ["on-call"]}
    engine.ansible.answers["one", "action"] = FAILED
    engine.run(change("one", on_failure="escalate"), severity="P1", escalation={**calls, "provide": ["timeline"]})
    engine.ansible.answers.clear()

    def die(event):
        if event.type is EventType.RUN_PASSED:
            raise Killed

    engine.env.listeners.append(die)
    with pytest.raises(Killed):
        engine.resume()
    with FaultServer("200") as server:
        channel = f"{{webhook: {{url: '{server.url}'}}}}"
        text = f"on-call: {{name: On-call, channels: [{channel}]}}\nbackend-team: {{name: Backend}}\n"
        (tmp_path / "runbooks" / "contacts.yml").write_text(text)
        first, second = recover_abandoned(engine.env), recover_abandoned(engine.env)

    assert [(each.run.status, each.run.outcome, len(each.calls)) for each in first.runs] == [("finished", "passed", 1)]
    assert second.runs == ()
    assert [event["data"]["action"] for event in server.events] == ["resolve"]
    assert (engine.state["status"], engine.state["outcome"]) == ("finished", "passed")
    assert (engine.records[-1].type, engine.records[-1].data["outcome"]) == (EventType.RUN_FINISHED, "passed")
