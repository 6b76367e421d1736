"""A baseline is taken by a prerequisite that nobody has written, and by nothing that is known only later."""

from __future__ import annotations

import pytest
import yaml
from harness.fakes import runbook_file
from harness.registry_files import write_registry

from runner.compiler.committed_playbook import compiled
from runner.library.library import Library
from runner.model.yaml.finding import InvalidFileError

PROBE = {"sql": "SELECT count(*) AS used FROM t", "become_user": "postgres"}
COMPARES = {**PROBE, "says": "Within the baseline", "baseline": "row.used", "that": "row.used <= baseline * 1.2"}
STEP = {"id": "roll-out", "name": "Roll out", "command": "deploy", "hosts": "db"}


def source(root, *verify, **step):
    verify = list(verify) or [{"exit": 0}, COMPARES]
    about = {"prerequisites": [{"confirm": "Fine"}], "env": {"A": "b"}}
    about |= {key: step.pop(key) for key in ("watch", "prerequisites") if key in step}
    runbook_file(root, steps=[{**STEP, "verify": verify, **step}], **about)
    return Library(root).source("RUN-001")


def test_a_prerequisite_takes_it_where_the_step_is_done(tmp_path):
    made = source(tmp_path)

    taken = made.document.value["prerequisites"][1]
    assert taken == {
        "name": "Baseline: Within the baseline",
        "why": "A later verification compares with it",
        "look": {"sql": PROBE["sql"]},
        "hosts": "db",
        "become_user": "postgres",
        "capture": {"baseline_roll_out_2": "row.used"},
        "verify": [
            {
                "says": "It is a number",
                "that": "(row.used) is number and (row.used) is not boolean and (row.used) - (row.used) == 0",
            }
        ],
    }
    step = made.runbook.prerequisites[1]
    assert (step.id, step.effect, step.on_failure, step.hosts) == ("prerequisite-2", "read", "stop", "db")


def test_it_is_not_taken_where_the_step_is_not_needed_as_far_as_that_is_known_before(tmp_path):
    found = [
        source(tmp_path, COMPARES, only_if=condition, capture={"made": "stdout"}).document.value["prerequisites"][1]
        for condition in ("region == 'north'", "made == ''")
    ]
    assert [taken.get("only_if") for taken in found] == ["region == 'north'", None]


def test_the_condition_compares_with_what_was_taken(tmp_path):
    plays = yaml.safe_load(compiled(source(tmp_path)))

    tasks = [task for play in plays for block in play["tasks"] for task in block.get("block", ())]
    (captured,) = [task["ansible.builtin.set_fact"] for task in tasks if "ansible.builtin.set_fact" in task]
    assert captured == {"baseline_roll_out_2": "{{ row.used }}"}
    judged = next(task for task in tasks if "row.used <= baseline * 1.2" in str(task.get("ansible.builtin.assert")))
    assert judged["vars"]["baseline"] == "{{ baseline_roll_out_2 }}"


def test_an_undo_compares_as_well_and_a_long_name_is_cut(tmp_path):
    undo = {"command": "roll-back", "verify": [COMPARES]}
    long = f"a{'-very' * 12}-id"

    assert [list(step.capture) for step in source(tmp_path, {"exit": 0}, undo=undo).runbook.prerequisites[1:]] == [
        ["baseline_undo_roll_out_1"]
    ]
    (_, taken) = source(tmp_path, COMPARES, id=long).runbook.prerequisites
    assert [(len(name), name[-2:]) for name in taken.capture] == [(62, "_0")]


def test_a_rollback_trigger_that_is_watched_compares_as_well(tmp_path):
    condition = {
        "sql": "SELECT count(*) AS errors FROM log",
        "baseline": "row.errors",
        "that": "row.errors > baseline * 2",
    }
    write_registry(tmp_path, condition=condition)

    made = source(tmp_path, {"exit": 0}, watch=["DEP-006"])

    assert [step.capture for step in made.runbook.prerequisites[1:]] == [{"baseline_trigger_dep_006_1": "row.errors"}]
    assert '"{{ baseline_trigger_dep_006_1 }}"' in compiled(made)


def test_a_prerequisite_has_none(tmp_path):
    with pytest.raises(InvalidFileError) as caught:
        source(tmp_path, prerequisites=[{"name": "Ask", "verify": [COMPARES]}])
    assert [(finding.path, finding.message) for finding in caught.value.findings] == [
        ("prerequisites[0].verify[0].baseline", "is made before step 1 itself")
    ]


def test_as_people_write_it_it_has_the_baseline_and_not_its_prerequisite(tmp_path):
    written = source(tmp_path).document.written

    assert (written["prerequisites"], written["steps"][0]["verify"][1]) == ([{"confirm": "Fine"}], COMPARES)


@pytest.mark.parametrize(
    ("verify", "step", "message"),
    [
        (
            {**COMPARES, "sql": "SELECT %(x)s AS used", "params": {"x": "{{ found }}"}},
            {"capture": {"found": "stdout"}},
            "is taken before step 1, when 'found' is not known yet",
        ),
        (
            {**COMPARES, "baseline": "row.used * item"},
            {"each": [1]},
            "is taken before step 1, when 'item' is not known yet",
        ),
        ({**COMPARES, "that": "row.used > 1"}, {}, "no `that` beside it compares with it"),
        ({**COMPARES, "baseline": "row."}, {}, "is not a Jinja expression: expected name or number"),
        ({"baseline": "rc", "that": "rc <= baseline"}, {}, "has nothing to ask before step 1"),
    ],
)
def test_what_cannot_be_taken_is_refused_where_it_is_written(tmp_path, verify, step, message):
    with pytest.raises(InvalidFileError) as caught:
        source(tmp_path, verify, **step)

    found = {(finding.path, finding.message) for finding in caught.value.findings}
    assert ("steps[0].verify[0].baseline", message) in found
