"""Whoever has an incident says so once, from any terminal: it is recorded, and the channels hear of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from harness.engine import FAILED, Engine, change
from harness.fake_run import ACTOR
from harness.fakes import RUN_ID
from harness.fault_server import FaultServer

from runner.core.errors import InvalidInputError
from runner.core.events import Event, EventType
from runner.core.redaction import MASK
from runner.render import report
from runner.render.run_status import status
from runner.services.incident_response import (
    CalledNext,
    LadderClock,
    acknowledge,
    call_next_levels,
    escalate,
    level_that_follows,
)
from runner.services.notifications import undelivered_pages
from runner.services.run_list import run_history
from runner.store.log.log_reader import read
from runner.store.state_check import LoggedRuns

POLICY = {"when": ["step_failed"], "contacts": ["on-call"], "provide": ["timeline"]}
BOB = replace(ACTOR, user="bob")
SECRET = "hunter2-and-more"


@pytest.fixture
def server():
    with FaultServer("200") as server:
        yield server


@pytest.fixture
def engine(tmp_path, monkeypatch):
    return Engine(tmp_path, monkeypatch)


def history_of(engine):
    return run_history(engine.env.state, RUN_ID, engine.env.clock())


def disagreements(engine):
    runs = LoggedRuns()
    for record in read(engine.env.state.log_path):
        runs.add(record)
    return runs.disagreements(engine.env.state)


def failed(engine, contacts="on-call: {name: On-call}\n"):
    engine.ansible.answers["one", "action"] = FAILED
    engine.run(change("one", on_failure="escalate"), escalation=POLICY)
    (engine.asked_for.source.path.parent / "contacts.yml").write_text(contacts)


def test_who_has_it_is_recorded_and_stands_in_everything_that_tells_of_the_run(engine, server):
    failed(engine, f"on-call: {{name: On-call, channels: [{{webhook: {{url: '{server.url}'}}}}]}}\n")

    done = acknowledge(replace(engine.env, actor=BOB), RUN_ID, " on it ")

    told = history_of(engine)
    assert (done.by, done.already, done.problems) == ("bob", "", ())
    (page,) = (event["data"] for event in server.events)
    assert (page["action"], page["dedup_key"]) == ("acknowledge", engine.channel.sent[0].dedup_key)
    assert page["summary"] == "RUN-001 Disk is full (local): acknowledged by bob: on it"
    assert (told.acknowledged.by, told.acknowledged.note) == ("bob", "on it")
    assert status(told, usually={}).acknowledged == told.acknowledged.words == "bob at 00:00:00 UTC: on it"
    assert "Acknowledged by bob" in report.render(told, "md")
    assert [moment.detail for moment in told.timeline if moment.what == "acknowledged"] == ["bob: on it"]


@pytest.mark.parametrize("passes", [True, False])
def test_a_person_has_somebody_called_for_any_run_and_a_later_one_that_passes_ends_the_incident(engine, server, passes):
    failed(engine, f"on-call: {{name: On-call, channels: [{{webhook: {{url: '{server.url}'}}}}]}}\n")
    if passes:
        engine.ansible.answers.clear()
        engine.resume()

    done = escalate(replace(engine.env, actor=BOB), "last", " Data may be lost ")

    (page,) = (event["data"] for event in server.events)
    assert (done.reached, done.problems, page["action"]) == (True, (), "trigger")
    assert page["summary"] == "RUN-001 Disk is full (local): declared: Data may be lost"
    assert page["dedup_key"] == engine.channel.sent[0].dedup_key
    assert [moment.detail for moment in history_of(engine).timeline if moment.what == "declared"] == [
        "bob: Data may be lost"
    ]
    assert history_of(engine).outcome == ("passed" if passes else "failed")


def test_nobody_has_it_where_no_page_arrives_and_it_waits_in_the_outbox(engine):
    with FaultServer("400") as server:
        failed(engine, f"on-call: {{name: On-call, channels: [{{webhook: {{url: '{server.url}'}}}}]}}\n")
        done = escalate(engine.env, RUN_ID, "Data may be lost")

    assert (done.reached, done.problems) == (False, ("on-call was not reached by webhook: answered 400",))
    assert [page.contact for page in undelivered_pages(engine.env.state)[0]] == ["on-call"]


TAKES = {"key": {"type": "secret", "help": "The key"}, "typed": {"type": "secret", "help": "A key that is typed"}}


def test_a_secret_that_a_person_types_into_a_reason_or_a_note_is_in_nothing_that_is_recorded_or_sent(engine, server):
    engine.ansible.answers["one", "action"] = FAILED
    given = {"inputs": {"key": "env:KEY", "typed": "prompt"}, "secrets": {"key": SECRET, "typed": "as typed"}}
    engine.run(change("one", on_failure="escalate"), escalation=POLICY, takes=TAKES, **given)
    url = f"channels: [{{webhook: {{url: '{server.url}'}}}}]"
    (engine.asked_for.source.path.parent / "contacts.yml").write_text(f"on-call: {{name: On-call, {url}}}\n")
    env = replace(engine.env, secrets={"env:KEY": SECRET}.__getitem__)

    escalate(env, RUN_ID, f"token {SECRET}")
    acknowledge(env, RUN_ID, f"it is {SECRET}")

    assert history_of(engine).acknowledged.note == f"it is {MASK}"
    assert [event["data"]["summary"] for event in server.events] == [
        f"RUN-001 Disk is full (local): declared: token {MASK}",
        f"RUN-001 Disk is full (local): acknowledged by alice: it is {MASK}",
    ]
    assert all(SECRET not in repr(event) for event in server.events)
    assert SECRET not in engine.env.state.log_path.read_text()


def test_so_is_one_that_only_the_run_itself_could_read(engine, server):
    engine.ansible.answers["one", "action"] = FAILED
    engine.ansible.secrets = ["vaulted-and-more"]
    given = {"inputs": {"key": "env:KEY", "typed": "prompt"}, "secrets": {"key": SECRET, "typed": "as typed"}}
    engine.run(change("one", on_failure="escalate"), escalation=POLICY, takes=TAKES, **given)
    url = f"channels: [{{webhook: {{url: '{server.url}'}}}}]"
    (engine.asked_for.source.path.parent / "contacts.yml").write_text(f"on-call: {{name: On-call, {url}}}\n")
    env = replace(engine.env, secrets={}.__getitem__)

    escalate(env, RUN_ID, f"as typed, vaulted-and-more, {SECRET}")
    acknowledge(env, RUN_ID, "it is vaulted-and-more")

    assert [event["data"]["summary"] for event in server.events] == [
        f"RUN-001 Disk is full (local): declared: {MASK}, {MASK}, {MASK}",
        f"RUN-001 Disk is full (local): acknowledged by alice: it is {MASK}",
    ]
    assert "vaulted-and-more" not in engine.env.state.log_path.read_text()


def test_a_secret_that_has_changed_since_is_masked_as_it_is_now(engine, server):
    engine.ansible.answers["one", "action"] = FAILED
    given = {"inputs": {"key": "env:KEY", "typed": "prompt"}, "secrets": {"key": SECRET, "typed": "as typed"}}
    engine.run(change("one", on_failure="escalate"), escalation=POLICY, takes=TAKES, **given)

    acknowledge(replace(engine.env, secrets={"env:KEY": "rotated-since"}.__getitem__), RUN_ID, "rotated-since")

    assert history_of(engine).acknowledged.note == MASK


@pytest.mark.parametrize(("mode", "because"), [("run", "  "), ("dry-run", "why")])
def test_what_cannot_be_escalated_is_refused(engine, mode, because):
    engine.run(change("one"), mode=mode)

    with pytest.raises(InvalidInputError):
        escalate(engine.env, RUN_ID, because)


def test_an_acknowledgement_long_after_the_end_makes_the_run_no_longer(engine):
    failed(engine)
    took = history_of(engine).seconds
    engine.env.clock.forward(3600)

    acknowledge(engine.env, "last")

    assert history_of(engine).seconds == took


def test_report_and_hand_off_in_the_directory_of_the_run_know_what_came_after_its_end(engine, server):
    failed(engine, f"on-call: {{name: On-call, channels: [{{webhook: {{url: '{server.url}'}}}}]}}\n")
    directory = engine.directory_of_the_run.path

    escalate(engine.env, RUN_ID, "the data is wrong")
    acknowledge(replace(engine.env, actor=BOB), RUN_ID, "on it")

    text = report.render(history_of(engine), "handoff")
    assert (directory / "handoff.md").read_text() == text
    assert "the data is wrong" in text
    assert "on it" in (directory / "report.md").read_text()
    assert disagreements(engine) == []


def test_files_of_a_run_that_somebody_has_edited_stay_as_they_are(engine):
    failed(engine)
    (engine.directory_of_the_run.path / "handoff.md").write_text("all is well")
    before = disagreements(engine)

    acknowledge(engine.env, RUN_ID)

    assert (len(before), disagreements(engine)) == (1, before)


def test_the_second_one_hears_who_was_first(engine):
    failed(engine)
    acknowledge(replace(engine.env, actor=BOB), RUN_ID)

    again = acknowledge(engine.env, RUN_ID)

    assert (again.already, again.sent) == ("bob at 00:00:00 UTC", ())


def test_that_contacts_cannot_be_read_any_more_keeps_nobody_from_having_it(engine):
    failed(engine, "on-call: 7\n")

    done = acknowledge(engine.env, RUN_ID)

    assert "cannot be read, so no channel is told" in done.problems[0]
    assert history_of(engine).acknowledged.by == "alice"


def test_a_run_for_which_nobody_was_called_has_no_incident(engine):
    engine.run(change("one"))

    with pytest.raises(InvalidInputError, match=f"nobody was called for the run {RUN_ID}"):
        acknowledge(engine.env, RUN_ID)


def test_an_incident_that_is_over_needs_nobody(engine):
    failed(engine)
    engine.ansible.answers.clear()
    engine.resume()

    with pytest.raises(InvalidInputError, match="ended as passed: its incident is over"):
        acknowledge(engine.env, RUN_ID)


def test_one_that_a_later_run_has_ended_needs_nobody(engine):
    failed(engine)
    with engine.env.state.open_log(clock=engine.env.clock, actor=engine.env.actor) as log:
        log.append(Event(EventType.INCIDENT_OVER, RUN_ID, data={"as_run": "20260102T000000Z-0123abcd"}))

    with pytest.raises(InvalidInputError, match="is over: the run 20260102T000000Z-0123abcd has passed"):
        acknowledge(engine.env, RUN_ID)


LADDER = {**POLICY, "contacts": ["on-call", "lead"], "next_after": "10m"}


def two_levels(server):
    url = f"channels: [{{webhook: {{url: '{server.url}'}}}}]"
    return f"on-call: {{name: On-call, {url}}}\nlead: {{name: Lead, level: L2, {url}}}\nbackend-team: {{name: B}}\n"


def test_any_later_command_calls_the_next_level_once_its_time_has_come(engine, server):
    engine.ansible.answers["one", "action"] = FAILED
    engine.run(change("one", on_failure="escalate"), escalation=LADDER)
    (engine.asked_for.source.path.parent / "contacts.yml").write_text(two_levels(server))
    engine.env.clock.forward(599)
    early = call_next_levels(engine.env)
    engine.env.clock.forward(1)

    late, later = call_next_levels(engine.env), call_next_levels(engine.env)

    assert (early, later) == (CalledNext(), CalledNext())
    assert [(run, call.contact, call.arrived) for run, call in late.calls] == [(RUN_ID, "lead", True)]
    (page,) = (event["data"] for event in server.events)
    assert page["dedup_key"] == f"{engine.channel.sent[0].dedup_key}/L2"


def test_who_looks_every_few_seconds_reads_no_more_than_must_be_read_and_calls_no_later(engine, server):
    engine.ansible.answers["one", "action"] = FAILED
    engine.run(change("one", on_failure="escalate"), escalation=LADDER)
    (engine.asked_for.source.path.parent / "contacts.yml").write_text(two_levels(server))
    clock, read = LadderClock(), []

    def looked(seconds):
        engine.env.clock.forward(seconds)
        read.append(clock.is_due(RUN_ID, engine.env))
        return call_next_levels(engine.env, clock).calls

    calls = [looked(wait) for wait in (0, 5, LadderClock.MOST, 5, 525, 4, 1, 1)]

    assert read == [True, False, True, False, True, False, True, False]
    assert list(map(len, calls)) == [0, 0, 0, 0, 0, 0, 1, 0]


def test_who_has_it_keeps_the_next_level_asleep(engine, server):
    engine.ansible.answers["one", "action"] = FAILED
    engine.run(change("one", on_failure="escalate"), escalation=LADDER)
    (engine.asked_for.source.path.parent / "contacts.yml").write_text(two_levels(server))
    acknowledge(engine.env, RUN_ID)
    engine.env.clock.forward(6000)

    assert call_next_levels(engine.env) == CalledNext()


def test_a_runbook_that_is_gone_is_said_and_keeps_no_other_incident_waiting(engine):
    engine.ansible.answers["one", "action"] = FAILED
    engine.run(change("one", on_failure="escalate"), escalation=LADDER)
    engine.asked_for.source.path.unlink()
    engine.env.clock.forward(6000)

    (problem,) = call_next_levels(engine.env).problems

    assert problem.startswith(f"nobody more can be called for the run {RUN_ID}: ")


def test_who_is_called_next_and_when_is_known_until_somebody_has_it(engine):
    engine.ansible.answers["one", "action"] = FAILED
    policy = {**POLICY, "contacts": ["on-call", "boss"], "next_after": "20m"}
    engine.run(change("one", on_failure="escalate"), escalation=policy)
    people = "on-call: {name: On-call}\nboss: {name: Boss, level: L2}\n"
    (engine.asked_for.source.path.parent / "contacts.yml").write_text(people)
    state, now = engine.directory_of_the_run.state, engine.env.clock().wall

    before = level_that_follows(history_of(engine), state, now)
    acknowledge(engine.env, RUN_ID)

    assert (before.contacts, before.at - now) == (("boss",), timedelta(minutes=20))
    assert level_that_follows(history_of(engine), state, now) is None


def test_a_run_that_was_refused_on_its_hosts_is_one_incident_whoever_calls_for_it(engine, server):
    policy, people = {**POLICY, "when": ["refused"]}, "on-call: {name: On-call, channels: [{webhook: {url: '%s'}}]}\n"
    engine.ansible.environments = {"db1": "production"}  # where a reason is missing
    engine.run(change("one"), escalation=policy)
    (engine.asked_for.source.path.parent / "contacts.yml").write_text(people % server.url)

    escalate(engine.env, RUN_ID, "help")

    own, (declared,) = engine.channel.sent[0], (event["data"] for event in server.events)
    assert (declared["dedup_key"], declared["summary"]) == (
        own.dedup_key,
        "RUN-001 Disk is full (production): declared: help",
    )
