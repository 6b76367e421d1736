"""While nobody acknowledges, the next level is called when its time has come: by the run, or by any later command."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from datetime import timedelta

import pytest
from harness.engine import FAILED, Engine, change
from harness.fake_run import FakeChannel, FakeContact
from harness.fakes import RUN_ID

from runner.channels.inquiry import IncidentState
from runner.core.errors import ExitCode
from runner.core.events import Event, EventType
from runner.orchestrator.end.paging import Pager
from runner.orchestrator.recorder import Recorder
from runner.orchestrator.run_plan import target_of
from runner.render.history.run_history import history
from runner.store.log.log_reader import read

POLICY = {
    "when": ["step_failed"],
    "next_after": "10m",
    "contacts": ["on-call", "lead", "director"],
    "provide": ["timeline"],
}


class AskedChannel(FakeChannel):
    """A channel that knows how the incident stands."""

    status_there = "triggered"
    since_there = None

    def incident(self, dedup_key, *, secrets):
        del secrets
        self.asked = dedup_key
        return IncidentState(self.status_there, "Ada", self.since_there, "")


class Night:
    """A run that has failed, its contacts by level, and a clock that is told to go on."""

    def __init__(self, engine):
        self.engine = engine
        self.channels = {name: AskedChannel() for name in POLICY["contacts"]}
        levels = dict(zip(self.channels, ("L1", "L2", "L3"), strict=True))
        self.contacts = {name: FakeContact((each,), levels[name]) for name, each in self.channels.items()}

    def fail(self):
        self.engine.ansible.answers["one", "action"] = FAILED
        request = self.engine.request(change("one", on_failure="escalate"), escalation=POLICY)
        self.engine.asked_for = replace(request, contacts={**request.contacts, **self.contacts})
        return self.engine.do()

    @property
    def called(self):
        """Everybody who was called so far, and how often."""
        return {name: channel.actions.count("trigger") for name, channel in self.channels.items() if channel.sent}

    def climb(self):
        """What any later command does; the seconds until it must be looked at again."""
        with self.pager() as pager:
            return pager.climb()

    @contextlib.contextmanager
    def pager(self):
        """The escalation of the run in any later command."""
        env, request = self.engine.env, self.engine.asked_for
        with env.state.open_log(clock=env.clock, actor=env.actor) as log:
            recorder = Recorder(RUN_ID, log, env.state.run(RUN_ID), env.clock)
            recorder.records += read(log.path, run=RUN_ID)
            pager = Pager(request, env, recorder)
            pager.target = target_of(env.state.run(RUN_ID).state)
            yield pager

    def note(self, kind, **data):
        env = self.engine.env
        with env.state.open_log(clock=env.clock, actor=env.actor) as log:
            log.append(Event(kind, RUN_ID, data=data))


@pytest.fixture
def night(tmp_path, monkeypatch):
    return Night(Engine(tmp_path, monkeypatch))


def test_whoever_is_called_next_reads_how_long_nobody_has_acknowledged(night):
    night.fail()
    night.engine.env.clock.forward(725)
    night.climb()

    assert night.channels["lead"].sent[0].summary.endswith("L1 was called and nobody has acknowledged for 12m5s")
    assert night.channels["lead"].sent[0].details["called"] == ["00:00:00 L1 on-call by fake: it arrived"]


def test_levels_that_nobody_can_reach_share_the_time_of_one(night):
    class Hangs(AskedChannel):
        def send_within(self, page, *, secrets, patience):
            night.engine.env.clock.forward(min(patience.seconds, patience.untold))
            return super().send_within(page, secrets=secrets, patience=patience)

    night.channels |= {name: Hangs(status="deferred") for name in ("on-call", "lead")}
    for name in ("on-call", "lead"):
        night.contacts[name].channels = (night.channels[name],)

    night.fail()

    assert night.called == {"on-call": 1, "lead": 1, "director": 1}
    given = [round(channel.given[0].seconds, 1) for channel in night.channels.values()]
    assert given == [8.0, 5.3, 2.5]


def test_level_by_level_until_everybody_is_called(night):
    night.fail()
    assert night.called == {"on-call": 1}
    # one second before its time nobody else is called
    night.engine.env.clock.forward(599)
    assert (night.climb(), night.called) == (1.0, {"on-call": 1})
    night.engine.env.clock.forward(1)
    assert (night.climb(), night.called) == (600.0, {"on-call": 1, "lead": 1})
    night.engine.env.clock.forward(600)
    assert (night.climb(), night.called) == (None, {"on-call": 1, "lead": 1, "director": 1})
    night.engine.env.clock.forward(6000)
    assert (night.climb(), night.called) == (None, {"on-call": 1, "lead": 1, "director": 1})


def test_the_end_of_the_run_says_who_is_called_next_and_when_until_somebody_has_it(night):
    result = night.fail()
    ended = night.engine.env.clock().wall

    with night.pager() as pager:
        assert pager.follows == result.follows
    night.note(EventType.INCIDENT_ACKNOWLEDGED, by="ada", note="")
    with night.pager() as pager:
        assert pager.follows is None
    assert (result.follows.contacts, result.follows.at - ended) == (("lead",), timedelta(minutes=10))


def test_after_an_undo_the_incident_stays_open_and_the_next_level_is_still_due(night):
    change_it = change("zero", undo={"command": "back", "verify": [{"exit": 0}]})
    night.engine.ansible.answers["one", "action"] = FAILED
    request = night.engine.request(change_it, change("one", effect="read", on_failure="escalate"), escalation=POLICY)
    night.engine.asked_for = replace(request, contacts={**request.contacts, **night.contacts})
    night.engine.do()

    result = night.engine.undo()

    assert (result.outcome, result.follows.contacts) == ("undone", ("lead",))
    assert result.remarks == ("the incident for which on-call was called stays open: taking back resolves none",)


def test_the_page_of_a_higher_level_says_why_they_are_called_and_is_an_incident_of_its_own(night):
    night.fail()
    night.engine.env.clock.forward(600)
    night.climb()

    first, second = night.channels["on-call"].sent[0], night.channels["lead"].sent[0]
    assert second.summary.endswith("L1 was called and nobody has acknowledged for 10m")
    assert second.dedup_key == f"{first.dedup_key}/L2"
    assert second.details["outcome"] == "failed"
    assert second.details["continue with"] == first.details["continue with"]


def test_a_level_that_is_called_later_finds_the_hand_off_at_its_incident_as_well(night):
    for channel in night.channels.values():
        channel.does_too = {"note"}
    night.fail()
    night.engine.env.clock.forward(600)
    night.climb()

    assert told(night) == {"on-call": ["trigger", "note"], "lead": ["trigger", "note"]}
    notes = [night.channels[name].sent[1] for name in ("on-call", "lead")]
    assert [note.dedup_key.endswith("/L2") for note in notes] == [False, True]
    assert all(note.details["hand-off"].startswith("HAND-OFF RUN-001 Disk is full\n") for note in notes)


def test_the_page_says_who_may_decide_what(night):
    night.contacts["director"] = replace(night.contacts["director"], name="Director", authority=("Close the shop",))

    night.fail()

    assert night.channels["on-call"].sent[0].details["who decides"] == ["L3 Director: Close the shop"]


def test_the_page_says_who_is_called_next_while_nobody_acknowledges(night):
    night.contacts["lead"] = replace(night.contacts["lead"], name="Lead")
    night.contacts["director"] = replace(night.contacts["director"], name="Director")

    night.fail()
    for _ in range(2):
        night.engine.env.clock.forward(600)
        night.climb()

    assert [night.channels[name].sent[0].details["if nobody acknowledges"] for name in night.channels] == [
        "L2 Lead is called 10m after this",
        "L3 Director is called 10m after this",
        "nobody else is called",
    ]


def test_whoever_is_not_called_at_that_hour_is_named_with_who_is_called_in_their_place(night):
    night.contacts["on-call"] = replace(night.contacts["on-call"], hours=("mon-sun 23:58-23:59 UTC",))

    night.fail()

    assert night.called == {"lead": 1}
    said = "on-call is called mon-sun 23:58-23:59 UTC only; lead instead"
    assert night.channels["lead"].sent[0].details["not called"] == [said]
    assert [each.data for each in night.engine.records if each.type == EventType.CONTACT_PASSED_OVER] == [
        {"contact": "on-call", "hours": "mon-sun 23:58-23:59 UTC", "instead": "lead"}
    ]
    night.engine.env.clock.forward(600)
    night.climb()
    assert (night.called, len(night.channels["director"].sent[0].details["not called"])) == (
        {"lead": 1, "director": 1},
        1,
    )


def test_whoever_acknowledges_ends_the_climb(night):
    night.fail()
    night.note(EventType.INCIDENT_ACKNOWLEDGED, by="bob")
    night.engine.env.clock.forward(6000)

    assert (night.climb(), night.called) == (None, {"on-call": 1})


@pytest.mark.parametrize("status", ["acknowledged", "resolved"])
def test_an_acknowledgement_on_the_other_side_counts_and_is_recorded(night, status):
    night.fail()
    night.channels["on-call"].status_there = status
    night.engine.env.clock.forward(600)

    assert (night.climb(), night.called) == (None, {"on-call": 1})
    assert night.channels["on-call"].asked == night.channels["on-call"].sent[0].dedup_key
    (noted,) = [each for each in night.engine.records if each.type == EventType.INCIDENT_ACKNOWLEDGED]
    assert noted.data == {"by": "Ada", "note": f"{status} in fake"}


def test_where_no_page_has_arrived_the_next_level_is_called_at_once(night):
    night.channels["on-call"].status = "refused"

    night.fail()

    assert night.called == {"on-call": 1, "lead": 1}
    (page,) = night.channels["lead"].sent
    assert page.summary.endswith("nobody has acknowledged as no page has arrived")
    # and hears how the run ends, though it calls them before that is recorded
    assert (page.details["outcome"], page.details["hosts"]) == ("failed", {"changed and not verified": ["db1"]})


def test_a_page_that_may_have_arrived_has_its_time_before_the_next_level_is_called(night):
    night.channels["on-call"].status, night.channels["on-call"].doubt = "deferred", True

    night.fail()

    assert (night.climb(), night.called) == (600.0, {"on-call": 1})
    night.engine.env.clock.forward(600)
    assert (night.climb(), night.called) == (600.0, {"on-call": 1, "lead": 1})


def test_another_cause_is_told_to_those_who_know_of_the_incident_and_to_nobody_else(night):
    night.fail()
    night.engine.resume()

    assert night.called == {"on-call": 2}


def told(night):
    """What each contact heard, in order."""
    return {name: channel.actions for name, channel in night.channels.items() if channel.sent}


@pytest.fixture
def taken(night):
    """A night in which somebody took the incident, and the run was resumed in vain ten minutes later."""
    for channel in night.channels.values():
        channel.does_too = {"progress"}
    night.fail()
    night.note(EventType.INCIDENT_ACKNOWLEDGED, by="bob", note="I look")
    night.engine.env.clock.forward(600)
    night.result = night.engine.resume()
    return night


def test_that_a_later_attempt_failed_is_told_to_whoever_has_the_incident(taken):
    assert told(taken) == {"on-call": ["trigger", "progress"]}
    (_, news) = taken.channels["on-call"].sent
    assert news.summary.endswith("step failed: One: exit code 1")
    assert news.details["what happened"].startswith("alice started RUN-001")
    assert f" ack {RUN_ID} " in news.details["continue with"][0]
    assert taken.result.acknowledged == ""
    assert (taken.result.exit_code, [call.action for call in taken.result.calls]) == (ExitCode.ESCALATED, ["progress"])
    assert history(taken.engine.records).acknowledged is None


def test_if_nobody_takes_the_later_attempt_the_next_level_is_called_in_its_time(taken):
    taken.engine.env.clock.forward(599)
    assert (taken.climb(), told(taken)) == (1.0, {"on-call": ["trigger", "progress"]})
    taken.engine.env.clock.forward(1)
    assert (taken.climb(), told(taken)) == (600.0, {"on-call": ["trigger", "progress"], "lead": ["trigger"]})


def test_whoever_takes_the_later_attempt_ends_the_climb(taken):
    taken.note(EventType.INCIDENT_ACKNOWLEDGED, by="bob")
    taken.engine.env.clock.forward(6000)

    assert (taken.climb(), told(taken)) == (None, {"on-call": ["trigger", "progress"]})
    assert history(taken.engine.records).acknowledged.by == "bob"


@pytest.mark.parametrize(("after", "called"), [(-1, ["lead"]), (0, [])])
def test_on_the_other_side_only_an_acknowledgement_of_the_later_attempt_counts(taken, after, called):
    channel = taken.channels["on-call"]
    channel.status_there = "acknowledged"
    channel.since_there = taken.engine.env.clock().wall + timedelta(seconds=after)
    taken.engine.env.clock.forward(600)
    taken.climb()

    assert [name for name in told(taken) if name != "on-call"] == called


def test_another_cause_of_the_same_attempt_is_news_and_nobody_is_asked_to_take_it_again(night):
    night.channels["on-call"].does_too = {"progress"}
    night.fail()
    night.note(EventType.INCIDENT_ACKNOWLEDGED, by="bob")
    with night.pager() as pager:
        pager.declare("Data may be lost")
    night.engine.env.clock.forward(6000)

    assert (night.climb(), told(night)) == (None, {"on-call": ["trigger", "progress"]})
    (_, news) = night.channels["on-call"].sent
    assert " ack " not in str(news.details["continue with"])
    assert "if nobody acknowledges" not in news.details
    assert pager.acknowledged.startswith("bob at ")


def test_news_that_do_not_reach_whoever_has_the_incident_call_the_next_level_at_once(night):
    night.channels["on-call"].does_too = {"progress"}
    night.fail()
    night.note(EventType.INCIDENT_ACKNOWLEDGED, by="bob")
    night.channels["on-call"].status = "refused"
    night.engine.env.clock.forward(60)

    result = night.engine.resume()

    assert told(night) == {"on-call": ["trigger", "progress"], "lead": ["trigger"]}
    assert result.exit_code is ExitCode.ESCALATED


def test_when_a_later_run_passes_every_level_hears_of_it(night):
    night.fail()
    night.engine.env.clock.forward(600)
    night.climb()
    night.engine.ansible.answers.clear()

    night.engine.resume()

    assert [night.channels[name].actions[-1] for name in ("on-call", "lead")] == ["resolve", "resolve"]
    assert night.channels["director"].sent == []


def test_without_a_time_to_wait_everybody_is_called_at_once(night):
    at_once = {key: value for key, value in POLICY.items() if key != "next_after"}
    night.engine.ansible.answers["one", "action"] = FAILED
    request = night.engine.request(change("one", on_failure="escalate"), escalation=at_once)
    night.engine.asked_for = replace(request, contacts={**request.contacts, **night.contacts})

    night.engine.do()

    assert night.called == {"on-call": 1, "lead": 1, "director": 1}
    night.engine.env.clock.forward(timedelta(days=1).total_seconds())
    assert night.climb() is None
