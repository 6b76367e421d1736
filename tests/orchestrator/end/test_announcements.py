"""Whoever a runbook names in `announce` hears that a run begins, how far it is and how it ended, and is not called."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, replace

import pytest
from harness import PATIENCE
from harness.engine import change
from harness.fake_run import FakeChannel, Killed, environment_in, request_in
from harness.fakes import RUN_ID
from harness.fault_server import FaultServer
from harness.receivers import PagerDutyAccount, SlackWorkspace

from runner.channels.pagerduty import PagerDuty
from runner.channels.slack import Slack
from runner.core.events import Event, EventType, Outcome
from runner.executor.target import Target
from runner.orchestrator.continuation.resumption import plan_undo
from runner.orchestrator.end.announcements import OFTEN, SELDOM, RunAnnouncer
from runner.orchestrator.end.paging import Pager
from runner.orchestrator.recorder import Recorder
from runner.store.log.audit_log import AuditLog
from runner.store.run_state import RunState

RUN = "20260101T000000Z-00000001"


@dataclass
class Chat(FakeChannel):
    """A channel that can do everything."""

    def does(self, action):
        return True


@pytest.fixture
def announcer_of(tmp_path):
    """Makes the announcer of a run of the least runbook, whose on-call engineer has `channel`."""
    opened = []

    def make(channel, *, every=None, mode="run", **changes):
        env = environment_in(tmp_path, secrets={"env:TOKEN": "xoxb-1", "env:KEY": "k" * 32}.__getitem__)
        request = request_in(tmp_path, channel=channel, **{"announce": ["on-call"], **changes})
        request = request.__class__(**{**vars(request), "run_id": RUN, "mode": mode, "reason": "MON-005 fires"})
        directory = env.state.begin(RunState(run=RUN, runbook="RUN-001", title="T", started="", user="alice"))
        log = AuditLog.open(env.state.audit, clock=env.clock, actor=env.actor)
        opened.extend([log.close, directory.release])
        recorder = Recorder(RUN, log, directory, env.clock)
        pager = Pager(request, env, recorder)
        pager.target = Target({"all": ("db1",)}, {"db1": "staging"})
        announcer = RunAnnouncer(request, env, recorder, pager, every=every)
        announcer.pager, announcer.step = pager, request.source.runbook.steps[0].id
        return announcer

    yield make
    for close in opened:
        close()


def goes(announcer, kind):
    announcer.hear(Event(kind, RUN, announcer.step, "db1", {"outcome": "passed"}))


def wait_for(channel, messages):
    deadline = time.monotonic() + PATIENCE
    while len(channel.sent) < messages:
        assert time.monotonic() < deadline, channel.actions
        time.sleep(0.01)


def test_a_run_is_announced_followed_and_its_end_told_in_one_thread(announcer_of):
    chat = Chat()
    announcer = announcer_of(chat, every=0.05)

    with announcer.running():
        goes(announcer, EventType.STEP_INTENDED)
        wait_for(chat, 1)
        goes(announcer, EventType.STEP_FINISHED)
        wait_for(chat, len(chat.sent) + 2)
    announcer.ended(Outcome.FAILED, "the disk is still full")

    assert [chat.sent[at].summary for at in (0, -2, -1)] == [
        "RUN-001 Disk is full (staging): started by alice: MON-005 fires",
        "RUN-001 Disk is full (staging): 1 of 1 steps are done; now: Look at the disk",
        "RUN-001 Disk is full (staging): failed: the disk is still full",
    ]
    assert {page.dedup_key for page in chat.sent} == {RUN}
    assert ({*chat.actions}, announcer.pager.calls, announcer.pager.reached) == ({"announce"}, [], None)


def test_a_deployment_that_passed_is_a_change_at_pagerduty_and_a_thread_in_slack(announcer_of):
    workspace, account = SlackWorkspace(), PagerDutyAccount()
    with FaultServer("ok", service=workspace) as slack, FaultServer("ok", service=account) as events:
        announcer = announcer_of(Chat(), category="deployment")
        announcer.pager._request.contacts["on-call"].channels = (
            Slack(token="env:TOKEN", channel="#deployments", url=slack.root),
            PagerDuty(routing_key="env:KEY", url=events.url),
        )
        with announcer.running():
            goes(announcer, EventType.STEP_INTENDED)
        announcer.ended(Outcome.PASSED, "every verification has passed on every host")

    assert account.changes == ["RUN-001 Disk is full (staging): passed: every verification has passed on every host"]
    assert account.alerts == {}
    assert len(workspace.roots) == 1
    assert workspace.roots[0]["text"].startswith(":package: *RUN-001 Disk is full (staging): passed")


def test_a_run_that_is_resumed_goes_on_in_the_thread_in_which_it_began(announcer_of):
    workspace = SlackWorkspace()
    with FaultServer("ok", service=workspace) as server:
        first = announcer_of(Chat())
        slack = (Slack(token="env:TOKEN", channel="#deployments", url=server.root),)
        first.pager._request.contacts["on-call"].channels = slack
        with first.running():
            goes(first, EventType.STEP_INTENDED)
        first.ended(Outcome.FAILED, "")
        again = Recorder(RUN, first._recorder.log, first._recorder.directory, first._env.clock)
        again.records += first._recorder.records
        pager = Pager(first._request, first._env, again)
        second = RunAnnouncer(first._request, first._env, again, pager)
        second.step = first.step
        with second.running():
            goes(second, EventType.STEP_INTENDED)
        second.ended(Outcome.PASSED, "")

    assert (len(workspace.roots), len(workspace.messages)) == (1, 5)
    assert workspace.roots[0]["text"].startswith(":mega: *RUN-001 Disk is full")


@pytest.mark.parametrize(("changes", "mode"), [({"announce": []}, "run"), ({}, "preflight")])
def test_nobody_hears_of_a_run_that_announces_nothing_or_only_looks(changes, mode, announcer_of):
    chat = Chat()
    announcer = announcer_of(chat, mode=mode, **changes)

    with announcer.running():
        assert "runbook-announcements" not in [thread.name for thread in threading.enumerate()]
        announcer._recorder.note(EventType.STEP_INTENDED, step=announcer.step)
    announcer.ended(Outcome.PASSED, "")

    assert chat.sent == []


def test_a_run_that_was_refused_before_its_first_step_is_not_worth_a_word(announcer_of):
    chat = Chat()
    announcer = announcer_of(chat)

    with announcer.running():
        pass
    announcer.ended(Outcome.ABORTED, "denied")

    assert chat.sent == []


@pytest.mark.parametrize(("severity", "every"), [("P0", OFTEN), ("critical", OFTEN), ("P2", SELDOM), ("info", SELDOM)])
def test_a_critical_run_is_told_of_more_often(severity, every, announcer_of):
    assert announcer_of(Chat(), severity=severity)._every == every


TELLS = {"id": "tell", "name": "Tell them", "announce": {"to": "on-call", "stage": "initial", "says": "Out it goes"}}


@pytest.fixture
def telling(engine):
    """A run between two steps of which a contact is told something, and the channel by which."""
    engine.channel.does_too = frozenset({"announce"})
    steps = [change("one"), {**TELLS, "on_failure": "stop"}, change("two")]
    return engine, lambda **keys: engine.run(*steps, **keys)


def test_a_step_tells_its_message_once_in_the_conversation_of_the_run(telling):
    engine, run = telling
    engine.ansible.hosts["all"] = ["db1", "db2"]

    result = run()

    assert result.outcome == "passed"
    (page,) = engine.channel.sent
    assert (page.action, page.summary) == ("announce", "RUN-001 Disk is full (local): Out it goes")
    assert (page.dedup_key, page.details["stage"]) == (RUN_ID, "initial")
    assert engine.outcomes["tell", "db1"] == engine.outcomes["tell", "db2"] == "passed"
    # And it is no change of the hosts, which an undo would have to leave
    stays = plan_undo(engine.asked_for, engine.env.state).stays
    assert [change.step for change in stays] == ["two", "one"]


@pytest.mark.parametrize(
    ("status", "able", "outcome", "reason"),
    [
        ("accepted", True, "passed", ""),
        ("deferred", True, "passed", ""),
        ("refused", True, "failed", "on-call: nobody is there"),
        ("accepted", False, "failed", "on-call has no channel that takes messages"),
    ],
)
def test_a_step_fails_where_its_message_is_told_neither_now_nor_later(telling, status, able, outcome, reason):
    engine, run = telling
    engine.channel.status = status
    engine.channel.does_too = frozenset({"announce"} if able else ())

    result = run()

    ended = [record.data for record in engine.records if record.type == EventType.ACTION_FINISHED]
    told = next(data for data, step in zip(ended, ["one", "tell"], strict=False) if step == "tell")
    assert (result.outcome, told["outcome"], told.get("reason", "")) == (outcome, outcome, reason)
    assert engine.done("db1") == ["one", "tell", *(["two"] if outcome == "passed" else [])]
    # And what waits is said, and is in the outbox
    waiting = [*(engine.env.state.path / "outbox").glob("*.json")]
    assert len(waiting) == (status in {"deferred", "refused"})
    assert ("on-call was not reached by fake: nobody is there" in result.problems) == bool(waiting)


def test_a_run_that_died_before_it_had_told_something_tells_it_under_the_same_name(telling):
    engine, run = telling

    # Given a command that dies when it is about to tell something
    def dies(event):
        if (event.type, event.step) == (EventType.STEP_INTENDED, "tell"):
            raise Killed

    listeners = engine.env.listeners
    engine.env = replace(engine.env, listeners=[*listeners, dies])
    with pytest.raises(Killed):
        run()
    assert engine.channel.sent == []
    # When the run goes on
    engine.env = replace(engine.env, listeners=listeners)
    result = engine.resume()
    # Then it is told, under a name by which a receiver knows a repetition, and nothing else is done again
    assert result.outcome == "passed"
    assert [page.identity.rpartition("/")[0] for page in engine.channel.sent] == [f"{RUN_ID}/tell"]
    assert engine.done("db1").count("one") == 1


def test_a_dry_run_tells_nobody_and_shows_the_message(telling):
    engine, _run = telling
    steps = [change("one"), TELLS]

    result = engine.run(*steps, mode="dry-run")

    shown = [record.data["commands"] for record in engine.records if record.type == EventType.COMMANDS_RENDERED]
    assert (result.outcome, engine.channel.sent) == ("planned", [])
    assert "Out it goes" in shown[-1]["db1"]


def test_a_message_that_cannot_be_filled_in_is_told_to_nobody(telling):
    engine, run = telling
    engine.ansible.commands["tell"] = {"args": {"msg": "{{ x }}"}, "module": "d", "missing": ["'x' is undefined"]}

    result = run()

    assert (result.outcome, engine.channel.sent) == ("failed", [])
    assert "the message cannot be filled in: 'x' is undefined" in result.happened
