"""Who is trained does the steps alone, is told little, and is graded by what they needed."""

from __future__ import annotations

from datetime import timedelta

import pytest
from harness.fakes import runbook_file

from runner.core.errors import ExecutionError
from runner.lab.drills.plain_ansible import Inventory
from runner.library.library import Library
from runner.services.drills.trainee import AlertText, TrainingSession, neighbours

STEPS = [
    {"id": "look", "name": "See that it is full", "effect": "read", "command": "df /", "verify": [{"exit": 0}]},
    {
        "id": "clear",
        "name": "Make room",
        "why": "Nothing can be written",
        "command": "rm {{ file }}",
        "verify": [{"says": "There is room", "command": "test ! -e /srv/fill", "within": "5m"}],
    },
]


class Person:
    """Says what it was told to say, and remembers what it was told and asked."""

    name = "alice"

    def __init__(self, *says, names=()):
        self.says, self.names, self.told, self.asked = list(says), list(names), [], []

    def find(self, alert):
        self.asked.append(alert)
        return self.names.pop(0)

    def do(self, step, *, told, seconds):
        self.asked.append((step.number, step.of, step.name, step.hints[:told]))
        return self.says.pop(0)

    def tell(self, text):
        self.told.append(text)


class Phases:
    """A system of which each look fails as often as it was told to."""

    def __init__(self, *failures, hosts=("app1",)):
        self.inventory = Inventory({"app": list(hosts)}, {host: {} for host in hosts})
        self.failures, self.looks = list(failures), []

    def shown(self, step, host):
        return f"{step.action.describe()} on {host}"

    def look_once(self, step, looks):
        self.looks.append((step.id, [each.within for each in looks]))
        if self.failures and (why := self.failures.pop(0)):
            raise ExecutionError("the look at a step failed", hint=why)


@pytest.fixture
def train(tmp_path, clock):
    library = Library(tmp_path)
    scope = {"handles": ["A disk is full"], "excludes": [{"what": "The host is gone", "see": "RUN-002"}]}
    runbook_file(tmp_path, hosts="app", steps=STEPS, scope=scope)
    other = {"handles": ["The host is gone"], "excludes": [{"what": "Only its disk is full", "see": "RUN-001"}]}
    runbook_file(tmp_path, id="RUN-002", hosts="app", scope=other)
    runbook_file(tmp_path, id="RUN-003", hosts="app", category="deployment", scope={"handles": ["A release"]})

    def do(person, phases, *, alert_only=False):
        source = library.usable("RUN-001")
        session = TrainingSession(library, source, person, clock, alert_only, timedelta(minutes=30))
        return session.follow(phases, "status 507")

    do.library = library
    return do


def test_steps_done_without_being_told_what_to_type_are_their_own(train):
    person, phases = Person("done", "hint", "done"), Phases()

    training = train(person, phases)

    assert person.asked == [
        (1, 2, "See that it is full", ()),
        (2, 2, "Make room", ()),
        (2, 2, "Make room", ("Nothing can be written: There is room",)),
    ]
    assert [(each.step, each.hints, each.own, each.verified) for each in training.steps] == [
        ("look", 0, True, False),
        ("clear", 1, True, True),
    ]
    assert phases.looks == [("clear", [timedelta(seconds=10)])]
    assert (training.own, training.wrong_turns, training.counts, training.person) == (1, 0, True, "alice")


def test_what_is_not_done_yet_is_a_wrong_turn(train):
    person, phases = Person("done", "done", "done"), Phases("app1: /srv/fill is there")

    training = train(person, phases)

    assert (person.told, training.wrong_turns, training.counts) == (
        ["it is not so yet: app1: /srv/fill is there"],
        1,
        True,
    )


def test_what_is_typed_is_told_for_each_host_where_it_is_not_the_same(train):
    person = Person("done", "hint", "hint", "done")

    train(person, Phases(hosts=("app1", "app2")))

    assert person.asked[-1][3][1] == "app1: rm {{ file }} on app1\napp2: rm {{ file }} on app2"


@pytest.mark.parametrize(
    "needs",
    [{"only_if": "full == 'yes'"}, {"each": "{{ full }}"}],
    ids=["only_if", "each"],
)
def test_a_step_that_needs_what_an_earlier_one_has_captured_is_not_looked_at(train, tmp_path, needs):
    first = {**STEPS[0], "capture": {"full": "stdout"}}
    runbook_file(tmp_path, hosts="app", steps=[first, {**STEPS[1], **needs}], scope={"handles": ["A disk is full"]})
    phases = Phases("app1: 'full' is undefined")

    training = train(Person("done", "done"), phases)

    assert (phases.looks, training.wrong_turns, [each.verified for each in training.steps]) == ([], 0, [False, False])


def test_a_training_in_which_every_step_was_told_does_not_count(train):
    person = Person("hint", "hint", "done", "hint", "hint", "hint", "done")

    training = train(person, Phases())

    assert person.asked[-1][3] == ("Nothing can be written: There is room", "rm {{ file }} on app1")
    assert ([each.own for each in training.steps], training.share, training.counts) == ([False, False], 0.0, False)


def test_what_nobody_looks_at_is_not_their_own_by_saying_so(train):
    training = train(Person("done", "hint", "hint", "hint", "done"), Phases())

    assert [(each.own, each.verified) for each in training.steps] == [(True, False), (False, True)]
    assert (training.share, training.counts) == (0.0, False)


def test_whoever_gives_up_has_not_done_it(train):
    training = train(Person("done", "give up"), Phases())

    assert (training.gave_up, training.counts, len(training.steps)) == (True, False, 1)


def test_with_the_alert_alone_the_wrong_runbook_sends_them_on(train):
    person = Person("done", "done", names=["RUN-002", "RUN-003", "RUN-009", "RUN-001"])

    training = train(person, Phases(), alert_only=True)

    assert person.asked[0] == AlertText("MON-001", "", "P2", ("app1",), "status 507")
    assert person.told[:2] == [
        "RUN-002 does not handle this: Only its disk is full; see RUN-001",
        "RUN-003 is not for this: it handles A release",
    ]
    assert (training.astray, training.wrong_turns, training.alert_only) == (("RUN-002", "RUN-003", "RUN-009"), 3, True)


def test_whoever_does_not_find_it_has_done_nothing(train):
    training = train(Person(names=[""]), Phases(), alert_only=True)

    assert (training.gave_up, training.steps) == (True, ())


def test_neighbours_are_what_may_be_taken_for_it(train):
    every = [train.library.usable(name) for name in ("RUN-001", "RUN-002", "RUN-003")]

    assert [each.id for each in neighbours(every[0], every)] == ["RUN-001", "RUN-002"]
