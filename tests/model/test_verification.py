"""One verification: a probe or the step's own result, tolerances, and how often it is sampled."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pydantic import ValidationError

from runner.kinds.verifications.base import VerificationKind
from runner.kinds.verifications.command_probe import CommandProbe
from runner.kinds.verifications.confirm import Confirm
from runner.kinds.verifications.exit_code import Exit
from runner.kinds.verifications.hold_for import HoldFor
from runner.kinds.verifications.http_probe import HttpProbe
from runner.kinds.verifications.json_output import Json
from runner.kinds.verifications.matches import Matches
from runner.kinds.verifications.oncall_probe import OnCall
from runner.kinds.verifications.sql_probe import SqlProbe
from runner.kinds.verifications.that import That
from runner.kinds.verifications.value_trend import Trend
from runner.model.step import Step
from runner.model.verification import Verification

SECOND = timedelta(seconds=1)
PROBE = HttpProbe(http="http://a/")
ONCALL = OnCall.model_validate({"oncall": {"schedule": "PABC123", "token": "{{ token }}"}})


def verification(*kinds, **keys):
    return Verification(says="Fine", kinds=kinds, **keys)


@pytest.mark.parametrize(
    ("kinds", "conditions"),
    [
        ((PROBE,), ["status == 200"]),
        ((PROBE, That(that="status == 204")), ["status == 204"]),
        ((PROBE, That(that=["status == 200", "json.a > 1"])), ["status == 200", "json.a > 1"]),
        ((PROBE, Matches(matches="ok")), ["content is search('ok', multiline=true)"]),
        ((CommandProbe(command="ls"),), ["rc == 0"]),
        ((CommandProbe(command="ls"), Matches(matches="a")), ["stdout is search('a', multiline=true)"]),
        ((Exit(exit=0),), ["rc in [0]"]),
        (
            (Exit(exit=0), Json.model_validate({"json": {"a": 1}})),
            ["rc in [0]", "json['a'] == 1 and json['a'] is not boolean"],
        ),
    ],
)
def test_all_tolerances_must_hold_or_the_probes_own(kinds, conditions):
    assert verification(*kinds).conditions("stdout") == conditions


@pytest.mark.parametrize(
    ("kinds", "text", "sentence"),
    [
        ((SqlProbe(sql="SELECT 1 AS a"),), "stdout", "sql alone says nothing about what is good; add `that`"),
        ((PROBE, Exit(exit=0)), "stdout", "exit needs a command's result; this one has no exit code"),
        (
            (SqlProbe(sql="SELECT 1 AS a"), Matches(matches="a")),
            "stdout",
            "matches needs text; this result has none, use `that`",
        ),
        ((Matches(matches="a"),), None, "matches needs text; this result has none, use `that`"),
    ],
)
def test_a_tolerance_must_fit_what_is_looked_at(kinds, text, sentence):
    with pytest.raises(ValueError, match=".") as caught:
        verification(*kinds).check(text, has_result=True)
    assert str(caught.value) == sentence


def test_a_kind_that_neither_looks_nor_judges_is_not_enough():
    class Silent(VerificationKind):
        key = "silent"

    with pytest.raises(ValueError, match="^sets no tolerance; add `that`$"):
        verification(Silent()).conditions("stdout")


def test_without_a_result_something_else_must_be_looked_at():
    sentence = "^looks at the step's result, and this step has none; add sql, http, command or confirm$"
    with pytest.raises(ValueError, match=sentence):
        verification(That(that="rc == 0")).check(None, has_result=False)
    verification(PROBE).check(None, has_result=False)
    verification(Confirm(confirm="Fine")).check(None, has_result=False)


@pytest.mark.parametrize(
    ("keys", "kinds", "samples"),
    [
        ({}, (PROBE,), 1),
        ({"within": 120 * SECOND, "every": 0.25 * SECOND}, (PROBE,), 481),
        ({"within": 2.5 * SECOND}, (PROBE,), 4),
        ({"within": "{{ patience }}"}, (PROBE,), "(patience_seconds / 1) | round(0, 'ceil') | int + 1"),
        ({"every": 2 * SECOND}, (PROBE, HoldFor(hold_for="5s")), 4),
        ({}, (PROBE, HoldFor(hold_for="{{ watch }}")), "(watch_seconds / 1) | round(0, 'ceil') | int + 1"),
        (
            {"every": 0.25 * SECOND},
            (PROBE, HoldFor(hold_for="{{ watch }}")),
            "(watch_seconds / 0.25) | round(0, 'ceil') | int + 1",
        ),
    ],
)
def test_the_first_sample_is_taken_at_once_and_the_last_at_the_end(keys, kinds, samples):
    assert verification(*kinds, **keys).samples == samples


@pytest.mark.parametrize(
    ("within", "limit"),
    [(None, "10s"), (60 * SECOND, "10s"), ("{{ long }}", "10s"), (3 * SECOND, "3s"), (0.5 * SECOND, "0.5s")],
)
def test_a_probe_takes_no_longer_than_the_verification_may(within, limit):
    probe = verification(
        CommandProbe(command="ls"), within=within, **({"every": 0.1 * SECOND} if within else {})
    ).probe()
    assert probe.args["argv"] == ["timeout", "--kill-after=5s", limit, "ls"]


def test_who_judges():
    assert verification(Confirm(confirm="Fine")).human
    assert not verification(PROBE).human
    assert verification(Exit(exit=3)).good_exits
    assert not verification(That(that="rc == 3")).good_exits
    assert verification(Exit(exit=3)).probe() is None


@pytest.mark.parametrize(
    ("keys", "keywords"),
    [
        ({}, {}),
        ({"become": True}, {"become": True}),
        ({"become": False}, {"become": False}),
        ({"become_user": "postgres"}, {"become": True, "become_user": "postgres"}),
        ({"become": True, "become_user": "postgres"}, {"become": True, "become_user": "postgres"}),
    ],
)
def test_whom_a_probe_is_made_as(keys, keywords):
    assert verification(PROBE, **keys).privilege == keywords


@pytest.mark.parametrize(
    ("kinds", "keys", "sentence"),
    [
        ((Exit(exit=0),), {"become": True}, "becomes another user, and has nothing to do as such"),
        ((Confirm(confirm="Fine"),), {"become_user": "app"}, "becomes another user, and has nothing to do as such"),
        ((PROBE,), {"become": False, "become_user": "app"}, "becomes nobody, and has a `become_user`"),
        ((ONCALL,), {"become": True}, "asks from the machine where runbookctl runs"),
    ],
)
def test_who_cannot_be_another_user(kinds, keys, sentence):
    with pytest.raises(ValidationError, match=sentence):
        verification(*kinds, **keys)


def test_what_is_compared_with_a_first_look_is_not_made_again_later():
    rises = Trend.model_validate({"trend": {"that": "json.used", "rises": None, "within": "9s"}})
    verify = (Verification(says="-", kinds=(PROBE,)), Verification(says="-", kinds=(PROBE, rises)))
    step = Step(id="a", name="A", action=None, verify=verify)

    assert [number for number, _ in step.repeated] == [1]
    assert verify[1].within == 9 * SECOND
    with pytest.raises(ValidationError, match="says twice how long it may take"):
        Verification(says="-", kinds=(PROBE, rises), within=SECOND)
