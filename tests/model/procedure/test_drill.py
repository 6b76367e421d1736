"""What a runbook says of its rehearsal is read like a procedure, with every fault where it stands."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from harness.fakes import RUNBOOK
from harness.runbook_files import read_runbook

from runner.library.library import Library
from runner.model.procedure.drill import PHASES
from runner.model.yaml.finding import InvalidFileError

STEP = {"name": "Do it", "command": "true", "verify": [{"exit": 0}]}
DRILL = {
    "probe": {"http": "http://load_balancer/health"},
    "inject": [{"id": "break", **STEP}],
    "symptom": [{"id": "look", **STEP}],
    "proof": [{"id": "prove", **STEP}],
}


@pytest.fixture
def read(tmp_path):
    def do(**changes):
        drill = {key: item for key, item in {**DRILL, **changes}.items() if item is not None}
        path = tmp_path / "RUN-001.yml"
        path.write_text(RUNBOOK + "drill: " + json.dumps(drill))
        return read_runbook(path)

    return do


def test_its_phases_have_steps_and_what_is_not_said_has_a_default(read):
    (drill,) = read().drill

    assert [step.id for step in drill.steps("inject", "symptom", "proof", "undo")] == ["break", "look", "prove"]
    assert (drill.undo, drill.budget, drill.inputs) == ((), timedelta(minutes=5), {})


def test_what_everybody_can_fill_in_may_be_left_out(read):
    (drill,) = read(
        inject={"hosts": "app", "shell": "pkill shop"},
        symptom=[{"that": "status == 503"}, {"shell": "df /data", "matches": "100%"}],
        proof={"says": "All orders are there", "hosts": "db1", "sql": "SELECT 1 AS n", "that": "row.n >= 1"},
        undo=[{"command": "systemctl start shop"}, {"command": "rm /data/fill"}],
    ).drill

    assert [
        (step.id, step.name, step.hosts, str(step.effect), [kind.key for look in step.verify for kind in look.kinds])
        for step in drill.steps("inject", "symptom", "proof", "undo")
    ] == [
        ("inject", "Break the system", "app", "change", ["exit"]),
        ("symptom1", "See that it is broken", None, "read", ["http", "that"]),
        ("symptom2", "See that it is broken", None, "read", ["matches"]),
        ("proof", "All orders are there", "db1", "read", ["sql", "that"]),
        ("undo1", "Take back what was changed for the drill", None, "change", ["exit"]),
        ("undo2", "Take back what was changed for the drill", None, "change", ["exit"]),
    ]
    assert [drill.asks_the_probe(step) for step in drill.symptom] == [True, False]


def test_what_must_hold_for_long_is_not_said_by_one_answer_of_the_probe(read):
    (drill,) = read(proof=[DRILL["probe"], {**DRILL["probe"], "hold_for": "5s"}]).drill

    assert [drill.asks_the_probe(step) for step in drill.proof] == [True, False]


def test_a_runbook_may_have_several(tmp_path):
    path = tmp_path / "RUN-001.yml"
    bad = {"id": "bad-version", "ends": "failed", "called": ["on-call"], "without_fault": "passes"}
    path.write_text(RUNBOOK + "drill: " + json.dumps([{"id": "good-version", **DRILL}, {**DRILL, **bad}]))

    assert [(drill.id, drill.ends, drill.called) for drill in read_runbook(path).drill] == [
        ("good-version", "passed", ()),
        ("bad-version", "failed", ("on-call",)),
    ]


def test_several_are_told_apart(tmp_path):
    path = tmp_path / "RUN-001.yml"
    path.write_text(RUNBOOK + "drill: " + json.dumps([DRILL, {**DRILL, "id": "other"}]))

    with pytest.raises(InvalidFileError, match="has several drills; give each an `id` of its own"):
        read_runbook(path)


def test_a_runbook_may_say_nothing_of_it(tmp_path):
    path = tmp_path / "RUN-001.yml"
    path.write_text(RUNBOOK)

    assert read_runbook(path).drill == ()


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"symptom": None}, ("drill.symptom", "is missing")),
        ({"injection": []}, ("drill.injection", "unknown key 'injection'")),
        ({"inject": [{**STEP, "id": "break", "verify": []}]}, ("drill.inject[0]", "this step has no `verify`")),
        ({"proof": [{**STEP, "id": "look"}]}, ("drill.proof[0].id", "another step is called 'look'")),
        (
            {"undo": [{**STEP, "id": "back", "command": 1}]},
            ("drill.undo[0].command", "must be a list, not the number 1"),
        ),
        (
            {"probe": {"http": "load_balancer"}},
            ("drill.probe.http", "must begin with http://, https:// or a template, not 'load_balancer'"),
        ),
        ({"probe": "http://edge"}, ("drill.probe", "a probe is a mapping with `http`, `command` or `sql`")),
        (
            {"probe": {"that": "status == 200"}},
            ("drill.probe", "asks nothing that can be asked all the time; add http, command or sql"),
        ),
        (
            {"probe": {"http": "http://edge", "within": "1m"}},
            ("drill.probe", "is asked again and again anyway; leave `within` and `hold_for` out"),
        ),
        ({"symptom": []}, ("drill.symptom", "is an empty list")),
        ({"inject": []}, ("drill", "breaks nothing; add `inject`, or `uninterrupted: true` to the probe")),
        (
            {"inject": [], "probe": {"http": "http://edge", "uninterrupted": True}},
            ("drill", "breaks nothing, so that the runbook cannot refuse it; write `without_fault: passes`"),
        ),
        (
            {"inputs": {"size": 3}},
            ("", "the `inputs` of its `drill` do not fit: size: there is no such input; it takes none"),
        ),
    ],
)
def test_what_is_wrong_is_said_where_it_stands(read, changes, expected):
    with pytest.raises(InvalidFileError) as caught:
        read(**changes)

    assert [(finding.path, finding.message) for finding in caught.value.findings] == [expected]


def test_what_ends_it_early_who_hears_of_it_and_how_it_is_restored(read):
    asked = {"says": "Too many errors", "http": "http://edge/metrics", "that": "json.errors > 5"}

    (drill,) = read(abort_if=asked, announce=["on-call"], restores="snapshot", max_hosts=2).drill

    assert [each.look.says for each in drill.abort_if] == ["Too many errors"]
    assert (drill.announce, drill.restores, drill.max_hosts) == (("on-call",), "snapshot", 2)


def test_the_alert_that_must_fire_says_in_which_time(read):
    (drill,) = Library.shipped().usable("RUN-001").runbook.drill

    assert (drill.expect_alert.says, drill.alert_within, drill.alert.look.within) == (
        "MON-005 fires",
        timedelta(minutes=1),
        None,
    )
    with pytest.raises(InvalidFileError):
        read(expect_alert="MON-005")


@pytest.mark.parametrize("name", Library.shipped().ids())
def test_what_a_shipped_runbook_waits_for_has_time_on_a_busy_machine_too(name):
    runbook = Library.shipped().usable(name).runbook
    steps = [*runbook.every_step, *(step for drill in runbook.drill for step in drill.steps(*PHASES))]
    steps += [step.undo for step in steps if step.undo]
    limits = {look.says: look.within for step in steps for look in step.verify if isinstance(look.within, timedelta)}

    assert {says: within for says, within in limits.items() if within < timedelta(seconds=10)} == {}
