"""Which runbooks a step leads to: they come to an end, and capture what is wanted of them."""

from __future__ import annotations

import pytest
import yaml
from harness.engine import change
from harness.fakes import RUNBOOK

from runner.compiler.compiler import compile_runbook
from runner.model.procedure.branch_steps import expand
from runner.model.procedure.called_runbooks import by_hand, faults, in_lines
from runner.model.reader import to_runbook
from runner.model.yaml.document import load
from runner.model.yaml.finding import InvalidFileError


def runbook(name, *steps, **changes):
    document = {**yaml.safe_load(RUNBOOK), "id": name, "steps": list(steps), **changes}
    return to_runbook(expand(load(yaml.safe_dump(document).encode(), file=f"{name}.yml")))


def calls(run, **keys):
    return {"id": "help", "name": "Help", "run": run, "verify": [{"command": "ls /help"}], **keys}


def found(*runbooks):
    known = {each.id: each for each in runbooks}
    return [message for _, message in faults(runbooks[0], runbooks[0].steps[0], known.get)]


def test_a_line_of_three_is_fine_and_one_that_does_not_end_or_is_too_long_is_not():
    end = runbook("RUN-003", change("last", capture={"lag": "stdout"}))

    assert found(runbook("RUN-001", calls("RUN-003", capture={"seconds": "lag"})), end) == []
    assert found(runbook("RUN-001", calls("RUN-002")), runbook("RUN-002", calls("RUN-003")), end) == []
    assert found(runbook("RUN-001", calls("RUN-002")), runbook("RUN-002", calls("RUN-001"))) == [
        "leads back to RUN-001: RUN-001 runs RUN-002 runs RUN-001"
    ]
    assert found(
        runbook("RUN-001", calls("RUN-002")),
        runbook("RUN-002", calls("RUN-003")),
        runbook("RUN-003", calls("RUN-004")),
        runbook("RUN-004", change("last")),
    ) == ["is too deep: RUN-001 runs RUN-002 runs RUN-003 runs RUN-004; at most 3 runbooks may be within each other"]
    assert found(runbook("RUN-001", calls("RUN-009"))) == []


def test_what_it_does_is_told_with_where_it_is_needed_and_what_takes_it_back():
    undo = {"command": "back", "verify": [{"exit": 0}]}
    decides = {
        "id": "is-it",
        "name": "Is it?",
        "decide": [{"if": "used > 1", "stop": "It is full"}, {"else": "nothing"}],
    }
    inner = change("last", only_if="used > 1", approve="Go?", undo=undo, each=["a", "b"], on="lb")
    known = {
        each.id: each
        for each in (
            runbook("RUN-002", calls("RUN-003"), decides),
            runbook("RUN-003", inner),
        )
    }

    assert in_lines(runbook("RUN-001", calls("RUN-002")).steps[0], known.get, {}) == (
        "RUN-002",
        "  Help: RUN-003",
        f"    Last: {known['RUN-003'].steps[0].action.describe()}",
        "      only if used > 1",
        "      for each of a, b (2 items)",
        "      on lb",
        "      asks Go?",
        "      undo back",
        "  Is it?: a if used > 1; b else: nothing is done",
        "  End the run here: end the run here: It is full",
        "    only if is_it == 'a'",
    )


def test_what_it_is_given_is_told_as_far_as_that_is_known():
    takes = {name: {"type": "string", "help": "A"} for name in ("host", "lag", "why")}
    secret = {"token": {"type": "secret", "default": "env:T", "help": "T"}}
    below = calls("RUN-003", inputs={"host": "{{ host }}", "lag": "{{ lag }}", "why": "{{ token }}"})
    known = {
        "RUN-002": runbook("RUN-002", below, inputs={**takes, **secret}),
        "RUN-003": runbook("RUN-003", change("last"), inputs=takes),
    }
    step = calls("RUN-002", inputs={"host": "{{ primary }}", "lag": "{{ lag_seconds }}", "why": "full"})
    outer = runbook("RUN-001", change("look", capture={"lag_seconds": "rc"}), step, inputs={"primary": takes["host"]})

    first, second, *_ = in_lines(outer.steps[1], known.get, {"primary": "db1"})

    assert first == "RUN-002 with host=db1, lag={{ lag_seconds }}, why=full"
    assert second == "  Help: RUN-003 with host=db1, lag={{ lag }}, why={{ token }}"


def test_what_it_does_not_capture_is_named():
    end = runbook("RUN-003", change("last", capture={"lag": "stdout"}))

    assert found(runbook("RUN-001", calls("RUN-003", capture={"seconds": "lagg"})), end) == [
        "RUN-003 captures no 'lagg'; did you mean 'lag'?"
    ]


@pytest.mark.parametrize(
    ("keys", "rule"),
    [
        ({"run": "RUN-001"}, "wrong-hand-over"),
        ({"undo": {"command": "ls", "verify": [{"exit": 0}]}}, "wrong-undo"),
        ({"capture": {"lag": "rows | length"}}, "no-result"),
        ({"verify": [{"exit": 0}]}, "wrong-verification"),
        ({"retry": 3}, "wrong-retry"),
        ({"inputs": {"a": "{{ nothing }}"}}, "unknown-name"),
    ],
)
def test_what_such_a_step_cannot_have(keys, rule):
    with pytest.raises(InvalidFileError) as caught:
        runbook("RUN-001", calls("RUN-002", **keys) if "run" not in keys else calls(**keys))

    assert {each.rule for each in caught.value.findings} == {rule}


def test_plain_ansible_asks_a_person_to_do_it():
    step = calls("RUN-002", inputs={"count": 3, "where": "{{ place }}", "token": "{{ secret }}"})
    takes = {"place": {"help": "Where"}, "secret": {"type": "secret", "help": "What"}}
    made = runbook("RUN-001", step, inputs=takes)

    prompt = by_hand(made, made.steps[0])

    assert prompt.splitlines()[1] == (
        "ansible-playbook -i INVENTORY RUN-002.yml --limit '{{ ansible_play_hosts | join(',') }}' "
        "-e '{{ {'count': 3, 'where': place} | to_json }}' -e @FILE"
    )
    playbook = yaml.safe_load(compile_runbook(made, str).render())
    pause, block = playbook[0]["tasks"]
    assert pause["ansible.builtin.pause"]["prompt"].startswith(prompt.splitlines()[0])
    assert [task["name"].partition(" | ")[0] for task in block["block"]] == [
        "RUN-001/help/verify/1/probe",
        "RUN-001/help/verify/1",
    ]
