"""A runbook is read from its file as a whole, or refused with every fault at once."""

from __future__ import annotations

from datetime import timedelta

import pytest
import yaml
from harness import ROOT
from harness.fakes import RUNBOOK, runbook_file
from harness.runbook_files import read_runbook
from hypothesis import given
from hypothesis import strategies as st

from runner.kinds.steps.command_step import CommandStep
from runner.kinds.steps.manual_step import ManualStep
from runner.kinds.steps.sql_step import SqlStep
from runner.kinds.verifications.command_probe import CommandProbe
from runner.kinds.verifications.confirm import Confirm
from runner.kinds.verifications.exit_code import Exit
from runner.kinds.verifications.hold_for import HoldFor
from runner.kinds.verifications.that import That
from runner.model.category import Category
from runner.model.escalation_policy import Declared, Escalation, Unresolved
from runner.model.reader import to_runbook
from runner.model.runbook import FollowUp, Input, Runbook, Scope, Trigger
from runner.model.step import Effect, Step, Undo
from runner.model.verification import Verification
from runner.model.yaml.document import load
from runner.model.yaml.finding import MAX_FINDINGS, InvalidFileError

WHOLE = """\
id: RUN-007
title: "A title: with 90 % of everything"
category: recovery
severity: critical
owner: team-7
trigger: {event: Somebody asks}
scope:
  handles: [This]
  excludes: [That, {what: More, see: RUN-008}]
hosts: db_primary:!db9
inputs:
  watch: {type: duration, default: 5m, help: How long}
prerequisites:
  - confirm: Somebody is there
    why: Two see more than one
  - name: The database answers
    sql: SELECT 1 AS one
    verify: [{that: row.one == 1}]
steps:
  - id: act
    name: Act
    why: |
      Because
      it must be
    effect: destructive
    approve: Really?
    hosts: app[0]
    command: rm -r "{{ place }}"
    timeout: 30s
    become: true
    become_user: app
    capture: {gone: stdout}
    verify:
      - {says: It ends well, exit: [0, 1]}
      - {command: test ! -e /x, within: 2m, every: 250ms}
      - {command: test ! -e /x, hold_for: "{{ watch }}"}
      - confirm: It looks well
    on_failure: undo
    undo:
      command: mkdir /x
      verify: [{exit: 0}]
  - id: tell
    name: Tell
    manual: Tell everybody
    verify: [{confirm: Everybody knows}]
escalation:
  when: [{unresolved_for: 15m}, {declared: Too much}, step_failed]
  contacts: [on-call]
  provide: [timeline, gone]
follow_up:
  - Sleep
  - {do: Write, within: 7d, if: escalated}
links: [MON-001, RISK-008]
"""


def read(text):
    return to_runbook(load(text.encode(), file="RUN-007.yml"))


def confirmed(text):
    return Verification(says=text, kinds=(Confirm(confirm=text),))


def probed(**keys):
    return Verification(says="test ! -e /x succeeds", kinds=(CommandProbe(command="test ! -e /x"),), **keys)


def test_a_file_that_says_everything():
    prerequisites = (
        Step(
            id="prerequisite-1",
            name="Somebody is there",
            why="Two see more than one",
            effect=Effect.READ,
            action=None,
            verify=(confirmed("Somebody is there"),),
            on_failure="stop",
        ),
        Step(
            id="prerequisite-2",
            name="The database answers",
            effect=Effect.READ,
            action=SqlStep(sql="SELECT 1 AS one"),
            verify=(Verification(says="row.one == 1", kinds=(That(that="row.one == 1"),)),),
            on_failure="stop",
        ),
    )
    act = Step(
        id="act",
        name="Act",
        why="Because\nit must be",
        effect=Effect.DESTRUCTIVE,
        approve="Really?",
        hosts="app[0]",
        action=CommandStep(command=("rm", "-r", "{{ place }}")),
        timeout=timedelta(seconds=30),
        become=True,
        become_user="app",
        capture={"gone": "stdout"},
        verify=(
            Verification(says="It ends well", kinds=(Exit(exit=(0, 1)),)),
            probed(within=timedelta(minutes=2), every=timedelta(milliseconds=250)),
            Verification(
                says="test ! -e /x succeeds",
                kinds=(CommandProbe(command="test ! -e /x"), HoldFor(hold_for="{{ watch }}")),
            ),
            confirmed("It looks well"),
        ),
        on_failure="undo",
        undo=Undo(
            action=CommandStep(command=("mkdir", "/x")),
            verify=(Verification(says="Exit code is 0", kinds=(Exit(exit=0),)),),
        ),
    )
    tell = Step(
        id="tell", name="Tell", action=ManualStep(manual="Tell everybody"), verify=(confirmed("Everybody knows"),)
    )
    assert read(WHOLE) == Runbook(
        id="RUN-007",
        title="A title: with 90 % of everything",
        category=Category.RECOVERY,
        severity="critical",
        owner="team-7",
        trigger=Trigger(event="Somebody asks"),
        scope=Scope.model_validate({"handles": ["This"], "excludes": ["That", {"what": "More", "see": "RUN-008"}]}),
        hosts="db_primary:!db9",
        inputs={"watch": Input(type="duration", default="5m", help="How long")},
        prerequisites=prerequisites,
        steps=(act, tell),
        escalation=Escalation(
            when=(Unresolved(unresolved_for=timedelta(minutes=15)), Declared(declared="Too much"), "step_failed"),
            contacts=("on-call",),
            provide=("timeline", "gone"),
        ),
        follow_up=("Sleep", FollowUp.model_validate({"do": "Write", "within": "7d", "if": "escalated"})),
        links=("MON-001", "RISK-008"),
    )


def test_the_smallest_file_that_loads(tmp_path):
    runbook = read_runbook(runbook_file(tmp_path))
    assert (runbook.id, [step.id for step in runbook.procedure]) == ("RUN-001", ["look"])
    assert runbook.steps[0].effect is Effect.READ


@pytest.mark.parametrize(
    ("step", "effect"),
    [
        ({"command": "ls"}, Effect.CHANGE),
        ({"wait": "5s", "verify": [{"that": "result.elapsed > 0"}]}, Effect.READ),
        ({"verify": [{"command": "ls"}]}, Effect.READ),
        ({"wait": "5s", "effect": "change", "verify": [{"that": "result.elapsed > 0"}]}, Effect.CHANGE),
    ],
)
def test_what_can_not_change_anything_is_read_unless_it_says_otherwise(step, effect, tmp_path):
    path = runbook_file(tmp_path, steps=[{"id": "a", "name": "A", "verify": [{"exit": 0}], **step}])
    assert read_runbook(path).steps[0].effect is effect


@pytest.mark.parametrize(
    ("verification", "says"),
    [
        ({"exit": 0}, "Exit code is 0"),
        ({"http": "{{ app_url }}/health"}, "GET <app_url>/health answers"),
        ({"http": "{{ app_url }}/health", "that": "status == 200"}, "status == 200"),
        ({"http": "http://a/", "json": {"version": "{{ version }}"}}, "version is <version>"),
        ({"that": ["rc == 0", "stdout == 'x'"]}, "rc == 0 and stdout == 'x'"),
        ({"sql": "SELECT 1 AS a,\n  2 AS b", "that": "row.a == 1\n  and row.b == 2"}, "row.a == 1 and row.b == 2"),
        ({"command": "ls", "hold_for": "5s"}, "ls succeeds"),
        ({"matches": "a{{2}}"}, "Output matches a<2>"),
        ({"matches": "a{#"}, "Output matches a(#"),
    ],
)
def test_a_verification_without_words_says_what_is_expected(verification, says, tmp_path):
    path = runbook_file(tmp_path, steps=[{"id": "a", "name": "A", "command": "ls", "verify": [verification]}])
    assert read_runbook(path).steps[0].verify[0].says == says


def test_the_runbooks_of_this_library_load():
    for path in sorted((ROOT / "runbooks").glob("RUN-*.yml")):
        assert read_runbook(path).id == path.stem


def test_more_faults_than_anybody_mends_at_once_are_cut_off(tmp_path):
    path = runbook_file(tmp_path, steps=[{"id": "a", "name": "A", "bad": 1}] * (MAX_FINDINGS + 1))
    with pytest.raises(InvalidFileError) as caught:
        read_runbook(path)
    assert len(caught.value.findings) == MAX_FINDINGS


@pytest.mark.parametrize(
    ("keys", "rule"),
    [
        ({"sql": "SELECT " + "".join(f"$a{number}$ " for number in range(20_000))}, "a quotation or a comment"),
        ({"sql": "SELECT %(a)s::" + " " * 100_000}, "%(a)s has no value"),
        ({"command": "{{ " * 50_000}, "is not a template: it is nested too deeply"),
        ({"shell": "{{ " + "(" * 100_000}, "is not a template: it is nested too deeply"),
        ({"command": "ls", "verify": [{"that": "(" * 100_000}]}, "is not a Jinja expression: it is nested too deeply"),
        ({"command": "ls", "verify": [{"that": "a" + "+a" * 20_000}]}, "is not a Jinja expression: it is nested too"),
        ({"command": "ls", "verify": [{"matches": "(" * 100_000}]}, "is not a regular expression: it is nested too"),
    ],
    ids=["dollars", "spaces", "braces", "parentheses", "that", "sum", "matches"],
)
def test_what_would_keep_a_reader_busy_is_refused(keys, rule, tmp_path):
    path = runbook_file(tmp_path, steps=[{"id": "a", "name": "A", "verify": [{"confirm": "Fine"}], **keys}])
    with pytest.raises(InvalidFileError) as caught:
        read_runbook(path)
    assert [finding.message[: len(rule)] for finding in caught.value.findings] == [rule]


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["", "{{", "5m", "a", "RUN-001", "sql", "undo"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["id", "sql", "verify", "undo", "that", "http", "hold_for", "x"]), inner, max_size=4
        )
    ),
    max_leaves=10,
)


@given(st.dictionaries(st.sampled_from([*yaml.safe_load(RUNBOOK), "prerequisites", "inputs", "links"]), JUNK))
def test_whatever_a_file_holds_there_is_an_answer(changes):
    # Given a runbook in which anything may stand anywhere
    document = {**yaml.safe_load(RUNBOOK), **changes}
    # When it is read
    try:
        to_runbook(load(yaml.safe_dump(document).encode(), file="f"))
    # Then it loads, or each finding has a place and a sentence
    except InvalidFileError as error:
        incomplete = [each for each in error.findings if not (each.line and each.message and each.rule)]
        if incomplete:
            pytest.fail(f"findings that say too little: {incomplete}")


def test_the_environment_of_a_runbook_is_part_of_that_of_each_program(tmp_path):
    probe = {"command": "true"}
    undo = {"shell": "rm /a", "verify": [{"command": "test ! -e /a", "env": {"A": "3"}}]}
    steps = [
        {"id": "a", "name": "A", "command": "ls", "env": {"B": "2"}, "verify": [probe], "undo": undo},
        {
            "id": "b",
            "name": "B",
            "module": {"ansible.builtin.apt": {"name": "nginx"}},
            "verify": [{"that": "result.changed"}],
        },
        {"id": "c", "name": "C", "wait": "1s", "verify": [{"http": "http://a/"}]},
    ]
    first, second, _ = read_runbook(runbook_file(tmp_path, steps=steps, env={"A": "1", "B": "1"})).steps
    (looks,), (gone,) = first.verify, first.undo.verify
    assert first.action.env == {"A": "1", "B": "2"}
    assert [each.env for each in (second.action, first.undo.action, *looks.kinds)] == [{"A": "1", "B": "1"}] * 3
    assert gone.kinds[0].env == {"A": "3", "B": "1"}


@pytest.mark.parametrize(
    ("env", "steps", "rule"),
    [
        ({"A": "{{ token }}"}, [{"module": {"ansible.builtin.apt": {"name": "a"}}}], "secret-in-arguments"),
        ({"N": "{{ text }}"}, [{"shell": "if (( N > 1 )); then ls; fi"}], "input-in-shell"),
        ({"not a name": "1"}, [{"command": "ls"}], "wrong-value"),
    ],
)
def test_the_environment_of_a_runbook_is_judged_as_that_of_a_step(tmp_path, env, steps, rule):
    inputs = {"token": {"type": "secret", "help": "T"}, "text": {"help": "T"}}
    steps = [{"id": "a", "name": "A", "verify": [{"command": "ls"}], **each} for each in steps]
    with pytest.raises(InvalidFileError) as caught:
        read_runbook(runbook_file(tmp_path, steps=steps, env=env, inputs=inputs))
    assert rule in {finding.rule for finding in caught.value.findings}
