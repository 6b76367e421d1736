"""What is given with `-e` is checked all at once; what is missing is asked for where somebody is, secrets hidden."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest
from harness.fakes import RUN_ID, runbook_file

from runner.cli.prompts import input_options
from runner.core.errors import InvalidInputError
from runner.library.library import Library
from runner.orchestrator.request import RunRequest

INPUTS = {
    "wait": {"type": "duration", "default": "5m", "help": "How long"},
    "count": {"type": "int", "min": 1, "help": "How many"},
    "sure": {"type": "bool", "default": False, "help": "Whether"},
    "level": {"type": "enum", "values": ["low", "high"], "default": "low", "help": "Which"},
    "word": {"help": "A word", "default": ""},
}
KEYS = {
    "key": {"type": "secret", "help": "The key", "default": "env:KEY"},
    "token": {"type": "secret", "help": "The token", "min_length": 8},
}
HEAD = "RUN-001 cannot start with these inputs:"
FORMS = "env:NAME, file:PATH, ansible-vault:FILE#KEY, vault-kv:MOUNT/PATH#FIELD, aws-sm:NAME#KEY, aws-ssm:/NAME, op://VAULT/ITEM/FIELD, lastpass:ITEM#FIELD, bitwarden:ITEM#FIELD, command:PROGRAM ARGUMENTS or prompt"


class Terminal(io.StringIO):
    """What a person types, or what they see."""

    def isatty(self):
        return True


@pytest.fixture
def source(here):
    def of(declared):
        return Library(here).source(str(runbook_file(here, inputs=declared)))

    return of


@pytest.fixture
def typed(monkeypatch):
    """Lets a person type these lines; gives what they see, and what they type while it is hidden."""

    def type_(*lines, hidden=()):
        seen = Terminal()
        secrets = iter(hidden)
        monkeypatch.setattr(sys, "stdin", Terminal("".join(f"{line}\n" for line in lines)))
        monkeypatch.setattr(sys, "stderr", seen)
        monkeypatch.setattr(
            "click.termui.hidden_prompt_func", lambda prompt: seen.write(f"{prompt}\n") and next(secrets)
        )
        return seen

    return type_


def asked_for(source, **before):
    """What is asked of a run of `source`, whose inputs were `before` when it began."""
    return RunRequest(RUN_ID, source, b"", {}, [], inputs=before)


def read(source, given, **how):
    return dict(input_options.give_inputs(asked_for(source), given, **how).inputs)


def refused(source, given):
    with pytest.raises(InvalidInputError) as raised:
        read(source, given)
    return raised.value.message.splitlines()


def test_values_are_of_the_type_that_the_runbook_says_and_defaults_fill_in(source):
    given = read(source(INPUTS), ["count=3", "sure=yes", "word=a=b {{ c }}"])

    assert given == {"wait": "5m", "count": 3, "sure": True, "level": "low", "word": "a=b {{ c }}"}


def test_all_that_is_wrong_is_told_at_once_and_how_it_is_mended(source):
    given = ["count", "wiat=3", "xyz=3", "level=medium", "word=\udcff", "wait=soon"]

    assert refused(source(INPUTS), given) == [
        HEAD,
        "  -e count: write it as NAME=VALUE",
        "  -e word: the value is not text in UTF-8; name a file that holds it",
        "  -e wiat: there is no such input; did you mean 'wait'?",
        "  -e xyz: there is no such input; it takes wait, count, sure, level, word",
        "  -e level: 'medium' is not one of low, high; write one of low, high (Which)",
        "  -e wait: 'soon' is not a duration; write a number and a unit, like 30s, 5m or 1h30m; "
        "write a duration, like 5m (How long)",
        "  count has no value; give -e count=..., a whole number, at least 1 (How many)",
    ]


def test_a_runbook_without_inputs_says_so(source):
    assert refused(source({}), ["x=1"]) == [HEAD, "  -e x: there is no such input; it takes none"]


def test_a_secret_is_given_by_where_it_is_and_never_repeated(source):
    lines = refused(source(KEYS), ["key=hunter2", "token=file:t"])

    assert lines == [HEAD, f"  -e key: a secret is never written down, only where it is: {FORMS}"]


def test_a_path_is_from_where_it_is_written(source, here):
    keys = {**KEYS, "key": {**KEYS["key"], "default": "file:../keys/key"}}

    assert read(source(keys), ["token=vault:~/all.yml#a.b"], planned=True) == {
        "key": f"file:{here}/keys/key",
        "token": f"vault:{Path.home()}/all.yml#a.b",
    }
    assert read(source(keys), ["token=file:t"], planned=True)["token"] == f"file:{here}/t"


def test_without_a_terminal_a_secret_that_would_be_asked_for_is_refused_with_the_flag(source):
    missing = f"give -e token=..., where it is: {FORMS} (The token)"

    assert refused(source(KEYS), []) == [HEAD, f"  token has no value; {missing}"]
    assert refused(source(KEYS), ["token=prompt"]) == [
        HEAD,
        f"  token is asked for, and there is no terminal; {missing}",
    ]


def test_a_plan_needs_no_secret(source):
    assert read(source(KEYS), [], planned=True) == {"key": "env:KEY", "token": "prompt"}


def test_what_is_missing_is_asked_for_until_it_is_good(source, typed):
    seen = typed("none", "0", "7")

    values = read(source(INPUTS), ["wait=1s"])

    assert values == {"wait": "1s", "count": 7, "sure": False, "level": "low", "word": ""}
    assert seen.getvalue() == (
        "How many: a whole number, at least 1\n"
        "  count:   'none' is not a whole number\n"
        "  count:   0 is less than 1\n"
        "  count: "
    )


def test_a_default_is_offered_to_who_wants_to_be_asked_for_everything(source, typed):
    seen = typed("", "4", "yes", "high", "")

    values = read(source(INPUTS), ["word=x"], ask_all=True)

    assert values == {"wait": "5m", "count": 4, "sure": True, "level": "high", "word": "x"}
    assert "  wait [5m]: " in seen.getvalue()
    assert "Which: one of low, high\n  level [low]: " in seen.getvalue()


def test_nobody_is_asked_as_long_as_something_is_wrong(source, typed):
    seen = typed()

    assert refused(source(INPUTS), ["level=x"])[0] == HEAD
    assert seen.getvalue() == ""


def test_a_secret_is_typed_unseen_until_it_is_good(source, typed, monkeypatch):
    monkeypatch.setenv("KEY", "hunter2")
    seen = typed(hidden=["abc", "short", "\udcff\udcff", "long enough"])

    request = input_options.give_inputs(asked_for(source(KEYS)), [])

    assert (request.inputs, request.secrets) == (
        {"key": "env:KEY", "token": "prompt"},
        {"key": "hunter2", "token": "long enough"},
    )
    assert seen.getvalue().splitlines() == [
        "The token: a secret, of at least 8 characters, which is not shown",
        "  token: ",
        "  has less than 4 characters, which cannot be kept out of what is shown",
        "  token: ",
        "  is shorter than 8 characters",
        "  token: ",
        "  that is not text in UTF-8",
        "  token: ",
    ]


def test_every_secret_that_is_not_there_is_told(source, monkeypatch):
    monkeypatch.delenv("KEY", raising=False)
    monkeypatch.setenv("TOKEN", "short")

    lines = refused(source(KEYS), ["token=env:TOKEN"])

    assert lines == [
        HEAD,
        "  key (env:KEY): the environment variable KEY is not set",
        "  token (env:TOKEN): is shorter than 8 characters",
    ]


def test_who_goes_on_keeps_the_values_and_may_say_where_a_secret_is_now(source):
    before = {"key": "env:OLD", "token": "env:TOKEN", "word": "b", "gone": 1}
    asked = asked_for(source({**KEYS, "word": {"help": "A word", "default": "a"}}), **before)

    resumed = input_options.give_inputs(asked, ["key=env:NEW"], resumed=True, planned=True)

    assert resumed.inputs == {"key": "env:NEW", "token": "env:TOKEN", "word": "b"}
