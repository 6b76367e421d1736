"""A secret is never in what is left, however programs spell it and wherever it is broken or cut."""

from __future__ import annotations

import base64
import html
import json
import re
import shlex
import subprocess
import textwrap
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from runner.core.events import Outcome
from runner.core.redaction import MASK, Redaction

SECRET = 'it\'s 5 €/h & "more"\\n'
SECRETS = st.text(
    st.characters(blacklist_categories=("Cs",), blacklist_characters="\0"), min_size=4, max_size=60
).filter(lambda text: len(text.strip()) >= 4)
"""What can be a secret."""


def _json(text):
    return json.dumps(text)[1:-1]


SPELLINGS = {
    "as it is": lambda text: text,
    "json": _json,
    "json in UTF-8": lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    "json in json": lambda text: _json(_json(text)),
    "url": lambda text: quote(text, safe=""),
    "url of small letters": lambda text: re.sub("%..", lambda code: code[0].lower(), quote(text, safe="")),
    "path of a url": quote,
    "form": quote_plus,
    "shell": shlex.quote,
    "shell's trace": lambda text: "'" + text.replace("'", "'\\''") + "'",
    "python": repr,
    "python's bytes": lambda text: repr(text.encode()),
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64 for urls": lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
    "hex": lambda text: text.encode().hex(),
    "html": html.escape,
    "sql": lambda text: "'" + text.replace("'", "''") + "'",
}


@pytest.mark.parametrize("spelled", SPELLINGS.values(), ids=SPELLINGS)
@given(secret=SECRETS, before=st.sampled_from(["", "password=", "x "]), after=st.sampled_from(["", " end", "\n"]))
@settings(max_examples=60)
def test_no_spelling_of_a_secret_is_left(spelled, secret, before, after):
    text = spelled(secret)

    left = Redaction([secret]).text(before + text + after)

    assert MASK in left
    assert text not in left


@given(SECRETS, st.binary(max_size=20), st.binary(max_size=20), st.booleans())
def test_base64_of_a_text_around_a_secret_tells_nothing_of_it(secret, before, after, urls):
    encode = base64.urlsafe_b64encode if urls else base64.b64encode
    whole = encode(before + secret.encode() + after).decode()

    left = Redaction([secret]).text(f"Authorization: Basic {whole}")

    # What is left beside the mask are characters in which there are bits of a neighbour.
    assert MASK in left
    assert len(left.replace(MASK, "")) <= len("Authorization: Basic ") + (len(before) + len(after)) * 4 / 3 + 8


@given(SECRETS, st.integers(1, 20), st.sampled_from(["\n", "\r\n", "\n    ", "\\n"]))
def test_a_secret_that_is_broken_into_lines_is_found(secret, width, end):
    assume(not any(mark in secret for mark in " \t\r\n\\"))
    whole = base64.b64encode(secret.encode()).decode().rstrip("=")
    for text in (secret, whole):
        lines = end.join(text[at : at + width] for at in range(0, len(text), width))

        assert Redaction([secret]).text(f"<{lines}>") == f"<{MASK}>"


def test_each_line_of_a_secret_of_several_is_one():
    key = "-----BEGIN KEY-----\nabcdefgh\nijklmnop\n-----END KEY-----\n"
    hidden = Redaction([key])

    assert hidden.text(f"key:\n{textwrap.indent(key, '  ')}done") == "key:\n  ***\ndone"
    assert hidden.text("a line: ijklmnop.") == "a line: ***."


@pytest.mark.parametrize("unit", ["bytes", "characters"])
def test_what_a_cut_left_of_a_secret_is_found_too(unit):
    gap = f"\n[... 12345 {unit} left out ...]\n"

    assert Redaction(["hunter2hunter2"]).text(f"a hunter2hun{gap}er2 b") == f"a ***{gap}*** b"
    assert Redaction(["hunter2hunter2"]).text(f"a{gap}b") == f"a{gap}b"


def test_what_a_real_shell_prints_while_it_traces_tells_nothing():
    traced = subprocess.run(
        ["bash", "-xc", 'true "$SECRET"; printf %q "$SECRET" >&2'],
        env={"SECRET": SECRET},
        capture_output=True,
        text=True,
        check=True,
    ).stderr

    assert Redaction([SECRET]).text(traced).count(MASK) == 3
    assert "more" not in Redaction([SECRET]).text(traced)


def test_only_the_secret_goes():
    assert Redaction(["hunter2!", "s3cret"]).text("a hunter2!s3cret b hunter2 s3cr") == "a *** b hunter2 s3cr"


@given(st.text())
def test_without_a_secret_everything_stays(text):
    assert Redaction().text(text) == text
    assert Redaction().data({"a": [text]}) == {"a": [text]}


def test_it_is_found_in_all_of_json_but_not_in_our_own_words():
    hidden = Redaction(["stdout", "123456"])
    said = {"stdout": "in stdout", "facts": {"stdout": ["stdout", {"stdout": 1}]}, "pin": 123456, "rc": 0, "no": None}

    assert hidden.data(said, ours=2) == {
        "stdout": "in ***",
        "facts": {"stdout": ["***", {"***": 1}]},
        "pin": "***",
        "rc": 0,
        "no": None,
    }
    assert hidden.data({"stdout": True}) == {"***": True}


def test_a_word_of_a_vocabulary_stays_one():
    assert Redaction(["hunter2!"]).data(Outcome.PASSED) is Outcome.PASSED


def test_it_does_not_tell_what_it_knows():
    assert "hunter2" not in repr(Redaction(["hunter2!"]))


def test_the_values_in_a_condition_are_cleaned_before_any_of_them_is_cut():
    observed = [[{"name": "stdout", "value": f"{'x' * 990} {SECRET}", "worst": ""}]]

    clean = Redaction([SECRET]).report({"kind": "failed", "result": {}, "observed": observed})

    assert clean["observed"] == [[{"name": "stdout", "value": f"{'x' * 990} ***", "worst": ""}]]
