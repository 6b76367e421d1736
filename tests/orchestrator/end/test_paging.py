"""One call for each run, whatever the reasons; and who was called is told when it is over, not before and not twice."""

from __future__ import annotations

import json
import threading
from dataclasses import replace

import pytest
from harness import PATIENCE
from harness.engine import FAILED, Engine, change
from harness.fake_run import FakeChannel, FakeContact, Sends, environment_in, request_in
from harness.fault_server import FaultServer
from harness.receivers import GitHubRepository, PagerDutyAccount, SlackWorkspace

from runner.channels.github import GitHub
from runner.channels.inquiry import IncidentState
from runner.channels.local_command import CommandChannel
from runner.channels.pagerduty import PagerDuty
from runner.channels.slack import Slack
from runner.channels.webhook import Webhook
from runner.cli.system import clock
from runner.core.errors import AuditError
from runner.core.events import Event, EventType
from runner.escalation.call_rules import Stop
from runner.escalation.incidents import Incidents
from runner.executor.target import Target
from runner.model.runbook import FollowUp
from runner.orchestrator.end.paging import Pager
from runner.orchestrator.recorder import Recorder
from runner.store.log.audit_log import AuditLog
from runner.store.log.log_reader import read
from runner.store.run_state import RunState

TARGET = Target({"all": ("db1",)}, {"db1": "staging"})
POLICY = {"contacts": ["on-call"], "provide": ["timeline"]}


@pytest.fixture
def channel():
    return FakeChannel()


@pytest.fixture
def pager_of(tmp_path, channel):
    """Makes the pager of a run of its own in one state directory; its recorder is `pager.recorder`."""
    env, opened = environment_in(tmp_path, clock=clock), []

    def make(number=0, severity="P2", **escalation):
        policy = {"when": ["step_failed"], **POLICY, **escalation}
        request = request_in(tmp_path, channel=channel, escalation=policy, severity=severity)
        run_id = f"20260101T000000Z-{number:08x}"
        directory = env.state.begin(RunState(run=run_id, runbook="RUN-001", title="T", started="", user="alice"))
        log = AuditLog.open(env.state.audit, clock=env.clock, actor=env.actor)
        opened.extend([log.close, directory.release])
        pager = Pager(replace(request, run_id=run_id), env, Recorder(run_id, log, directory, env.clock))
        pager.recorder, pager.target, pager.steps = pager._recorder, TARGET, request.source.runbook.steps
        return pager

    yield make
    for close in opened:
        close()


@pytest.fixture
def incidents(tmp_path):
    return Incidents(tmp_path / "state" / "incidents")


def paged(pager):
    return [dict(record.data) for record in pager.recorder.records if record.type == EventType.PAGE_FINISHED]


def test_the_page_says_what_was_seen_where_the_step_failed(pager_of, channel):
    pager = pager_of()
    (step,) = pager.steps
    pager.recorder.ledger.expect(step.id, ["db1"], ["action"])
    seen = {"part": "action", "outcome": "failed", "reason": "exit code 42: disk full on /var"}
    pager.recorder.record_of(EventType.ACTION_FINISHED, step.id, "db1", seen)

    pager.stopped(pager.steps, None)

    (page,) = channel.sent
    assert page.summary.endswith(": step failed: Look at the disk: exit code 42: disk full on /var")


def test_what_a_host_answered_cannot_turn_the_text_of_a_page_around(pager_of, channel):
    pager = pager_of()
    pager.unrecorded.append(AuditError("no room\u202e"))

    pager.stopped([], None, Stop("stopped", "could not continue: \u202eexe"))

    (page,) = channel.sent
    assert page.summary.endswith(": could not continue: \\u202eexe")
    assert (next(iter(page.details)), page.details["not recorded"]) == ("not recorded", "no room\\u202e")


def test_a_step_that_failed_calls_the_contacts_and_what_came_of_it_is_recorded(pager_of, channel, incidents):
    pager = pager_of()
    head = str(pager.recorder.log.head)

    pager.stopped(pager.steps, None)

    (page,) = channel.sent
    assert (page.action, page.summary) == ("trigger", "RUN-001 Disk is full (staging): step failed: Look at the disk")
    assert page.details.keys() == {"incomplete", "timeline", "run", "audit head"}
    assert (page.details["run"], page.details["audit head"]) == ("20260101T000000Z-00000000", head)
    assert paged(pager) == [
        {
            "notification": paged(pager)[0]["notification"],
            "action": "trigger",
            "contact": "on-call",
            "channel": "fake",
            "level": "L1",
            "dedup_key": page.dedup_key,
            "status": "accepted",
            "attempts": 1,
            "reason": "",
        }
    ]
    assert incidents.find(page.dedup_key).contacts == ("on-call",)
    assert pager.problems() == []


def test_what_the_operator_declares_calls_though_no_step_failed(pager_of, channel):
    pager_of(when=[{"declared": "Data is at risk"}]).stopped([], "Data is at risk")

    assert [page.summary for page in channel.sent] == ["RUN-001 Disk is full (staging): declared: Data is at risk"]


@pytest.mark.parametrize("when", [["step_failed"], [{"declared": "Too much"}]])
def test_a_run_that_stopped_for_no_reason_to_call_calls_nobody(pager_of, channel, when):
    pager = pager_of(when=when)

    pager.stopped([] if "step_failed" in when else pager.steps, None)

    assert (channel.sent, pager.calls) == ([], [])


@pytest.mark.parametrize("status", ["accepted", "refused"])
def test_patience_that_is_over_calls_while_the_run_goes_on_and_its_end_calls_for_the_same_incident(
    pager_of, channel, status
):
    channel.status = status
    pager, called = pager_of(when=[{"unresolved_for": "50ms"}, "step_failed"]), threading.Event()
    pager.recorder.listeners = [lambda event: called.set() if event.type is EventType.PAGE_FINISHED else None]

    with pager.patience():
        assert called.wait(PATIENCE)
    pager.stopped(pager.steps, None)

    assert [page.summary for page in channel.sent] == [
        "RUN-001 Disk is full (staging): not resolved after 50ms",
        "RUN-001 Disk is full (staging): step failed: Look at the disk",
    ]
    assert len({page.dedup_key for page in channel.sent}) == 1


def test_a_run_that_ends_in_time_calls_nobody(pager_of, channel):
    before = threading.active_count()

    with pager_of(when=[{"unresolved_for": "10m"}]).patience():
        pass

    assert (channel.sent, threading.active_count()) == ([], before)


def test_a_run_that_only_looks_may_take_as_long_as_it_likes(pager_of, channel):
    pager, before = pager_of(when=[{"unresolved_for": "1ms"}]), threading.active_count()
    pager._request = replace(pager._request, mode="dry-run")

    with pager.patience():
        assert threading.active_count() == before

    assert channel.sent == []


def test_a_late_call_that_can_not_be_recorded_is_raised_at_the_end_of_the_block(pager_of, channel, monkeypatch):
    pager, tried = pager_of(when=[{"unresolved_for": "20ms"}]), threading.Event()

    def full(*_):
        tried.set()
        raise AuditError("the disk is full")

    monkeypatch.setattr(pager.recorder.log, "append", full)

    with pytest.raises(AuditError, match="full"), pager.patience():
        assert tried.wait(PATIENCE)

    assert channel.actions == ["trigger"]


def test_an_error_of_the_block_is_not_hidden_by_one_of_the_late_call(pager_of, monkeypatch):
    pager, tried = pager_of(when=[{"unresolved_for": "20ms"}]), threading.Event()

    def full(*_):
        tried.set()
        raise AuditError("the disk is full")

    def block():
        assert tried.wait(PATIENCE)
        raise KeyError("the block's own")

    monkeypatch.setattr(pager.recorder.log, "append", full)

    with pytest.raises(KeyError, match="own"), pager.patience():
        block()


def test_a_run_that_passes_with_no_incident_open_tells_nobody(pager_of, channel):
    pager_of().passed()

    assert channel.sent == []


def test_the_next_run_that_passes_tells_the_same_people_once_that_it_is_over(pager_of, channel, incidents):
    failed, passed, again = pager_of(1), pager_of(2), pager_of(3)

    failed.stopped(failed.steps, None)
    passed.passed()
    again.passed()

    trigger, resolve = channel.sent
    assert (trigger.action, resolve.action, resolve.dedup_key) == ("trigger", "resolve", trigger.dedup_key)
    assert incidents.find(trigger.dedup_key) is None


def test_a_run_against_other_hosts_does_not_end_the_incident(pager_of, channel, incidents):
    failed, elsewhere = pager_of(1), pager_of(2)
    elsewhere.target = Target({"all": ("db2",)}, {"db2": "staging"})

    failed.stopped(failed.steps, None)
    elsewhere.passed()

    assert channel.actions == ["trigger"]
    assert incidents.find(channel.sent[0].dedup_key)


def test_a_run_that_passes_on_more_hosts_resolves_the_incidents_about_some_of_them(pager_of, channel, incidents):
    failed, mixed, passed = pager_of(1, next_after="10m"), pager_of(2), pager_of(3)
    mixed.target = Target({"all": ("db2", "db3")}, {"db2": "staging", "db3": "staging"})
    passed.target = Target({"all": ("db1", "db2")}, {"db1": "staging", "db2": "staging"})
    failed.stopped(failed.steps, None)
    mixed.stopped(mixed.steps, None)

    passed.passed()

    about_db1, about_db3, resolve = channel.sent
    assert (resolve.action, resolve.dedup_key) == ("resolve", about_db1.dedup_key)
    assert passed.remarks == [
        f"the incident about db2, db3 (run {mixed._request.run_id}) stays open until a run passes on all of these hosts"
    ]
    assert [each.dedup_key for each in incidents.all()] == [about_db3.dedup_key]


def test_a_resolve_that_does_not_arrive_keeps_the_incident_open_for_the_next_run(pager_of, channel, incidents):
    failed, first, second = pager_of(1), pager_of(2), pager_of(3)
    failed.stopped(failed.steps, None)

    channel.status = "deferred"
    first.passed()
    still = incidents.find(channel.sent[0].dedup_key)
    channel.status = "accepted"
    second.passed()

    assert first.problems() == ["on-call was not reached by fake: nobody is there"]
    assert (still.run, incidents.find(channel.sent[0].dedup_key)) == ("20260101T000000Z-00000001", None)
    assert channel.actions == ["trigger", "resolve", "resolve"]


def test_an_incident_of_which_nobody_can_have_heard_is_forgotten_and_that_is_recorded(pager_of, channel, incidents):
    pager, channel.status = pager_of(), "refused"

    pager.stopped(pager.steps, None)

    key = channel.sent[0].dedup_key
    assert (pager.problems(), pager.reached) == (["on-call was not reached by fake: nobody is there"], False)
    assert [page["status"] for page in paged(pager)] == ["refused"]
    last = pager.recorder.records[-1]
    assert (last.type, last.data["dedup_key"], incidents.find(key)) == (EventType.INCIDENT_FORGOTTEN, key, None)
    # and so a later run that passes has nobody to tell
    later = pager_of(1)
    later.passed()
    assert (channel.actions, later.problems()) == (["trigger"], [])


def test_an_incident_of_which_somebody_may_have_heard_is_kept(pager_of, channel, incidents):
    pager, channel.status = pager_of(), "deferred"

    pager.stopped(pager.steps, None)

    assert incidents.find(channel.sent[0].dedup_key).contacts == ("on-call",)


def test_a_call_that_does_not_arrive_does_not_forget_what_an_earlier_run_has_called_for(pager_of, channel, incidents):
    first, second = pager_of(1), pager_of(2)
    first.stopped(first.steps, None)
    channel.status = "refused"

    second.stopped(second.steps, None)

    assert incidents.find(channel.sent[0].dedup_key).contacts == ("on-call",)


def test_a_contact_who_is_reached_in_the_end_was_reached(pager_of, channel):
    pager, channel.status = pager_of(), "refused"
    pager.stopped([], None, Stop("stopped", "the log is full"))
    channel.status = "accepted"
    pager.stopped(pager.steps, None)

    assert (pager.reached, [call.arrived for call in pager.calls]) == (True, [False, True])


@pytest.mark.parametrize(
    "broken", ["no JSON", "[]", "{}", '{"dedup_key": "x", "run": "y", "contacts": 3}', "[" * 100_000]
)
def test_a_broken_file_of_an_incident_keeps_nobody_from_being_called(pager_of, channel, incidents, broken):
    pager = pager_of()
    pager.stopped(pager.steps, None)
    for path in incidents._files.path.glob("*.json"):
        path.write_text(broken)

    pager.stopped(pager.steps, None)
    pager_of(1).passed()

    assert channel.actions == ["trigger", "trigger", "resolve"]
    assert "is not an incident" in pager.unrecorded[0].message


def test_a_channel_with_a_defect_keeps_nobody_else_from_being_called(pager_of, channel):
    class Defect(Sends):
        key = "defect"

        def does(self, action):
            return True

        def send(self, page, *, secrets):
            raise TypeError(secrets("env:KEY"))

    pager = pager_of(contacts=["on-call"])
    pager._request.contacts["on-call"].channels = (Defect(), channel)

    pager.stopped(pager.steps, None)

    assert channel.actions == ["trigger"]
    assert pager.problems() == ["on-call was not reached by defect: a defect of this channel (TypeError)"]


def test_a_run_that_passes_says_that_somebody_else_has_resolved_the_incident_before(pager_of, channel, incidents):
    failed, passed = pager_of(1), pager_of(2)
    failed.stopped(failed.steps, None)
    channel.state = IncidentState("resolved", "Bob", None, "")

    passed.passed()

    (resolved,) = [each for each in passed.recorder.records if each.type == EventType.INCIDENT_RESOLVED]
    assert (resolved.data["by"], resolved.data["note"]) == ("Bob", "in fake")
    assert (channel.actions, incidents.all()) == (["trigger", "resolve"], [])


def test_fifty_failed_steps_are_one_incident_with_fifty_entries_and_wake_nobody_fifty_times(pager_of, channel):
    pager, channel.does_too = pager_of(), {"progress"}
    (step,) = pager.steps

    pager.stopped([step.model_copy(update={"id": f"s{n}", "name": f"Step {n}"}) for n in range(50)], None)

    assert channel.actions == ["trigger"] + ["progress"] * 49
    assert len({page.dedup_key for page in channel.sent}) == 1
    assert channel.sent[0].summary == "RUN-001 Disk is full (staging): step failed: Step 0 (and 49 more)"
    assert [page.summary.rpartition(": ")[2] for page in channel.sent[1:]] == [f"Step {n}" for n in range(1, 50)]
    assert len({page.identity for page in channel.sent}) == 50
    assert [call.action for call in pager.calls] == ["trigger"]


def test_by_slack_they_are_a_call_and_one_message_with_a_line_for_each_of_the_others(pager_of):
    pager, workspace = pager_of(), SlackWorkspace(token="the value of env:TOKEN")
    with FaultServer("ok", service=workspace) as server:
        slack = Slack(token="env:TOKEN", channel="C0000001", url=server.root)
        pager._request.contacts["on-call"].channels = (slack,)
        pager.stopped(fifty(pager), None)

    root, hand_off, more = workspace.texts
    assert root == ":hourglass_flowing_sand: *RUN-001 Disk is full (staging): step failed: 49 more*"
    assert "Step 0" in hand_off
    assert more.split("*more*")[1].splitlines()[1:] == [f"Step {n}" for n in range(1, 50)]


def by_pagerduty(pager, server, **options):
    """Let the on-call engineer be called by PagerDuty."""
    secrets = {"env:KEY": "k" * 32, "env:REST": "rest-1"}
    pager._dispatcher._secrets = secrets.__getitem__
    written = {"routing_key": "env:KEY", "url": server.url, "api": server.root, **options}
    pager._request.contacts["on-call"].channels = (PagerDuty.model_validate(written),)


WITH_TOKEN = {"token": "env:REST", "from": "on-call@example.com"}


@pytest.mark.parametrize(
    ("number", "last"),
    [(50, "step failed: Step 49"), (53, "4 more: " + "; ".join(f"step failed: Step {n}" for n in range(49, 53)))],
)
def test_by_pagerduty_without_a_token_they_are_fifty_lines_in_the_log_of_one_alert(pager_of, number, last):
    pager, account = pager_of(), PagerDutyAccount()
    (step,) = pager.steps
    with FaultServer("ok", service=account) as server:
        by_pagerduty(pager, server)
        pager.stopped([step.model_copy(update={"id": f"s{n}", "name": f"Step {n}"}) for n in range(number)], None)

    (log,) = account.log.values()
    assert log[0] == f"RUN-001 Disk is full (staging): step failed: Step 0 (and {number - 1} more)"
    expected = [*(f"step failed: Step {n}" for n in range(1, 49)), last]
    assert log[1:] == [f"RUN-001 Disk is full (staging): {reason}" for reason in expected]


def fifty(pager):
    (step,) = pager.steps
    return [step.model_copy(update={"id": f"s{n}", "name": f"Step {n}"}) for n in range(50)]


def test_by_webhook_they_are_a_call_and_one_event_with_a_line_for_each_of_the_others(pager_of):
    pager = pager_of()
    with FaultServer("204") as server:
        pager._request.contacts["on-call"].channels = (Webhook(url=server.url),)
        pager.stopped(fifty(pager), None)

    call, more = server.events
    assert (call["type"], more["type"]) == ("runbook.page.trigger", "runbook.page.progress")
    assert more["data"]["summary"] == "RUN-001 Disk is full (staging): step failed: 49 more"
    assert more["data"]["details"] == {"more": [f"Step {n}" for n in range(1, 50)]}


def test_by_a_command_they_are_a_call_and_one_start_of_it_more(pager_of, tmp_path):
    pager, heard = pager_of(), tmp_path / "heard"
    siren = tmp_path / "siren"
    siren.write_text(f"#!/bin/sh\ncat >> {heard}\necho >> {heard}\n")
    siren.chmod(0o755)
    pager._request.contacts["on-call"].channels = (CommandChannel(argv=[str(siren)]),)

    pager.stopped(fifty(pager), None)

    types = [json.loads(line)["type"] for line in heard.read_text().splitlines()]
    assert types == ["runbook.page.trigger", "runbook.page.progress"]


def test_by_pagerduty_with_a_token_the_others_are_one_note_with_a_line_for_each(pager_of):
    pager, account = pager_of(), PagerDutyAccount()
    with FaultServer("ok", service=account) as server:
        by_pagerduty(pager, server, **WITH_TOKEN)
        pager.stopped(fifty(pager), None)

    (note,) = account.all_notes
    assert note.splitlines()[2:52] == ["more:", *(f"Step {n}" for n in range(1, 50))]


def test_where_the_call_does_not_arrive_its_news_wait_with_it(pager_of):
    pager = pager_of()
    with FaultServer(("429", {"Retry-After": "3600"})) as server:
        by_pagerduty(pager, server)
        pager.stopped(fifty(pager), None)

    assert len(server.requests) == 1
    waiting = pager._dispatcher.outbox.all()
    assert [each.page.action for each in waiting] == ["trigger"] + ["progress"] * 49
    assert {bool(each.held_back(clock().wall)) for each in waiting} == {True}
    assert [call.action for call in pager.calls] == ["trigger"]


def started(pager):
    pager.recorder.note(
        EventType.RUN_STARTED, runbook="RUN-001", title="Disk is full", mode="run", provide=["timeline"]
    )


ENDED = Event(EventType.RUN_FINISHED, "20260101T000000Z-00000000", data={"outcome": "failed", "happened": "It failed"})


def test_the_hand_off_is_a_note_of_the_incident_once_for_an_attempt(pager_of):
    pager, account = pager_of(), PagerDutyAccount()
    started(pager)
    with FaultServer("ok", service=account) as server:
        by_pagerduty(pager, server, **WITH_TOKEN)
        pager.stopped(pager.steps, None, end=ENDED)
        pager.stopped([], None, Stop("stopped", "the log is full"), end=ENDED)  # as where its end cannot be recorded

    (note,) = account.all_notes
    assert note.startswith("RUN-001 Disk is full (staging): the hand-off\n\nhand-off:\nHAND-OFF RUN-001 Disk is full\n")
    assert "\nTIMELINE\n" in note
    assert [call.action for call in pager.calls] == ["trigger", "trigger"]


def test_each_attempt_has_a_hand_off_of_its_own(pager_of):
    pager, account = pager_of(), PagerDutyAccount()
    started(pager)
    with FaultServer("ok", service=account) as server:
        by_pagerduty(pager, server, **WITH_TOKEN)
        pager.stopped(pager.steps, None, end=ENDED)
        pager.recorder.note(EventType.RUN_RESUMED)
        pager.stopped(pager.steps, None, end=ENDED)

    assert len(account.all_notes) == 2


def test_a_run_that_goes_on_has_no_hand_off_yet(pager_of, channel):
    pager, channel.does_too = pager_of(), {"note"}
    started(pager)

    pager.stopped([], "Data is at risk")

    assert channel.actions == ["trigger"]


def test_a_hand_off_that_cannot_be_attached_is_sent_later_and_nobody_is_called_less_for_it(pager_of):
    pager, account = pager_of(), PagerDutyAccount()
    started(pager)
    with FaultServer("ok", service=account) as server:
        by_pagerduty(pager, server, **{**WITH_TOKEN, "api": "http://127.0.0.1:9"})
        pager.stopped(pager.steps, None, end=ENDED)

    assert [each.page.action for each in pager._dispatcher.outbox.all()] == ["note"]
    assert (pager.reached, pager.problems(), pager.recorder.history(ENDED).unreached) == (True, [], ())


def test_a_run_that_passes_ends_what_one_of_the_same_aim_has_called_for_before_it_knew_its_hosts(pager_of, channel):
    blind, seeing = pager_of(1), pager_of(2)
    blind.target = None

    blind.stopped([], None, Stop("stopped", "could not continue: no inventory"))
    seeing.passed()

    assert [(page.action, page.dedup_key) for page in channel.sent] == [
        ("trigger", channel.sent[0].dedup_key),
        ("resolve", channel.sent[0].dedup_key),
    ]


def test_a_contact_without_a_channel_is_a_problem(pager_of, channel):
    pager = pager_of(contacts=["backend-team", "on-call"])

    pager.stopped(pager.steps, None)

    assert pager.problems() == ["backend-team was not reached: this contact has no channel in contacts.yml"]
    assert channel.actions == ["trigger"]


def test_who_is_called_before_the_hosts_are_known_hears_that_they_are_not(pager_of, channel):
    pager = pager_of(when=[{"declared": "x"}])
    pager.target = None

    pager.stopped([], "x")

    (page,) = channel.sent
    assert (page.group, page.summary) == ("unknown", "RUN-001 Disk is full: declared: x")
    assert page.source == str(pager._request.inventories[0])


def test_who_was_called_before_the_hosts_were_known_hears_that_it_is_over(pager_of, channel, incidents):
    pager = pager_of(when=[{"declared": "x"}])
    pager.target = None
    pager.stopped([], "x")

    pager.target = TARGET
    pager.passed()

    trigger, resolve = channel.sent
    assert (resolve.action, resolve.dedup_key) == ("resolve", trigger.dedup_key)
    assert incidents.find(trigger.dedup_key) is None


@pytest.mark.parametrize(("severity", "called"), [("P1", 1), ("P2", 0)])
def test_for_a_critical_run_that_died_somebody_is_called_whatever_its_policy_says(pager_of, channel, severity, called):
    pager = pager_of(severity=severity, when=[{"declared": "Too much"}])

    pager.died()

    assert [page.summary for page in channel.sent] == [
        "RUN-001 Disk is full (staging): its command died, and nobody knows how it ended"
    ] * called


def test_work_that_is_left_becomes_one_ticket_each_and_their_keys_are_recorded(pager_of):
    repository = GitHubRepository(token="the value of env:GITHUB")
    work = [FollowUp(do="Document the timeline", ticket="backlog"), FollowUp(do="Tidy up", ticket="backlog")]
    pager = pager_of()
    with FaultServer("ok", service=repository) as server:
        channel = GitHub(repository="team/ops", token="env:GITHUB", url=server.root)
        pager._request.contacts["backlog"] = FakeContact((channel,))
        for _ in range(2):
            pager.open_tickets([*work, FollowUp(do="Read the report")])

    assert {issue["title"] for issue in repository.issues} == {"RUN-001: Document the timeline", "RUN-001: Tidy up"}
    assert len(repository.issues) == 2
    assert {page["reference"] for page in paged(pager)} == {"github/team/ops/7", "github/team/ops/8"}
    assert (pager.reached, pager.problems()) == (None, [])


def test_a_ticket_of_which_the_key_is_known_or_that_waits_is_not_asked_for_again(pager_of):
    repository = GitHubRepository(token="the value of env:GITHUB")
    work = [FollowUp(do="Document the timeline", ticket="backlog"), FollowUp(do="Tidy up", ticket="backlog")]
    pager = pager_of()
    with FaultServer("ok", "ok", "503", service=repository) as server:
        channel = GitHub(repository="team/ops", token="env:GITHUB", url=server.root)
        pager._request.contacts["backlog"] = FakeContact((channel,))
        pager.open_tickets(work[:1])
        pager.open_tickets(work)
        asked = len(server.requests)
        pager.open_tickets(work)

    assert (len(repository.issues), len(server.requests)) == (1, asked)
    assert [each.page.summary for each in pager._dispatcher.outbox.all()] == ["RUN-001: Tidy up"]


def test_a_ticket_that_nobody_can_open_is_a_problem_and_calls_nobody(pager_of, channel):
    pager = pager_of()

    pager.open_tickets([FollowUp(do="Tidy up", ticket="on-call")])

    assert (channel.sent, pager.reached) == ([], None)
    assert pager.problems() == ["on-call was not reached: this contact has no channel in contacts.yml"]


def test_what_follows_in_an_incident_stands_in_the_thread_that_the_call_has_opened(pager_of, incidents):
    workspace = SlackWorkspace(token="the value of env:TOKEN")
    with FaultServer("ok", service=workspace) as server:
        channel = Slack(token="env:TOKEN", channel="#deployments", url=server.root)
        first, second = pager_of(1), pager_of(2)
        for pager in (first, second):
            pager._request.contacts["on-call"].channels = (channel,)
        first.stopped(first.steps, None)
        references = incidents.find(first._key(TARGET)).references
        second.passed()

    assert references == (f"slack/#deployments/C0000001/{workspace.roots[0]['ts']}",)
    assert len(workspace.roots) == 1
    assert "resolved" in workspace.texts[0]


ASKS = {"when": ["started"], "contacts": ["on-call"], "provide": ["key", "incident", "timeline"]}
TOLD = {"key": {"type": "secret", "help": "The key"}, "incident": {"help": "What is wrong"}}
GIVEN = {"inputs": {"key": "env:KEY", "incident": "The shop is down."}, "secrets": {"key": "hunter2-and-more"}}


@pytest.mark.parametrize(
    ("given", "about"),
    [
        ({"takes": TOLD, **GIVEN}, "The shop is down; "),
        ({"reason": "Nobody can pay"}, "Nobody can pay; "),
        ({}, ""),
    ],
)
def test_what_a_runbook_hands_over_that_asks_for_somebody_is_said_first(tmp_path, monkeypatch, given, about):
    engine = Engine(tmp_path, monkeypatch)
    policy = ASKS if "takes" in given else {**ASKS, "provide": ["timeline"]}

    engine.run(change("one"), escalation=policy, **given)

    summaries = [page.summary.partition(" (local): ")[2] for page in engine.channel.sent]
    assert summaries == [f"{about}whoever has started this asks for somebody", f"{about}resolved"]


def test_the_page_of_any_other_runbook_says_why_somebody_is_called_and_nothing_before(tmp_path, monkeypatch):
    engine = Engine(tmp_path, monkeypatch)
    engine.ansible.answers["one", "action"] = FAILED

    engine.run(change("one", on_failure="escalate"), escalation={**POLICY, "when": ["step_failed"]}, reason="MON-005")

    assert engine.channel.sent[0].summary == "RUN-001 Disk is full (local): step failed: One: exit code 1"


def test_what_becomes_of_the_page_of_an_earlier_run_stands_in_the_record_of_that_run(pager_of, channel):
    channel.status = "refused"
    first, second, third = (pager_of(number) for number in range(3))
    first.stopped(first.steps, None)
    second.stopped(second.steps, None)
    channel.status = "accepted"

    third.passed()

    assert third.remarks == [
        f"the page to on-call by fake for the run {second._request.run_id} had not arrived, and is not sent any more: "
        "the incident is over"
    ]
    records = list(read(third.recorder.log.path))
    dropped = [(record.run, record.data["reason"]) for record in records if record.type == EventType.NOTIFY_DROPPED]
    assert dropped == [
        (
            first._request.run_id,
            f"a later page about the same incident takes its place, that of the run {second._request.run_id}",
        ),
        (second._request.run_id, "the incident is over"),
    ]


def test_every_run_that_has_called_for_the_incident_knows_which_run_has_ended_it(pager_of, incidents):
    first, second, third = (pager_of(number) for number in range(3))
    first.stopped(first.steps, None)
    second.stopped(second.steps, None)

    third.passed()

    over = [record for record in read(third.recorder.log.path) if record.type == EventType.INCIDENT_OVER]
    assert {record.run for record in over} == {first._request.run_id, second._request.run_id}
    assert {record.data["as_run"] for record in over} == {third._request.run_id}
    assert (third.remarks, incidents.all()) == ([], [])
