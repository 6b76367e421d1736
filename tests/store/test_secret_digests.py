"""A later command finds the secrets of a run in what a person types, and nobody finds the secrets in what it reads."""

from __future__ import annotations

import hashlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.core.redaction import MASK
from runner.store.secret_digests import MOST_SLOW, NAME, SecretDigests

SECRETS = ["hunter2-and-more", "as typed ❤", "-----BEGIN KEY-----\nMIIEvQ/IBADAN\n-----END KEY-----\n"]


@pytest.fixture
def run(tmp_path):
    directory = tmp_path / "20261128T101112Z-abcd"
    directory.mkdir(mode=0o700)
    SecretDigests(directory).keep(SECRETS)
    return directory


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("it is hunter2-and-more", f"it is {MASK}"),
        ("xhunter2-and-morex as typed ❤", f"x{MASK}x {MASK}"),
        ("a line of the key: MIIEvQ/IBADAN.", f"a line of the key: {MASK}."),
        ("hunter2-and-mor", "hunter2-and-mor"),
        ("", ""),
    ],
)
def test_a_secret_is_masked_wherever_it_stands_in_a_text(run, text, masked):
    assert SecretDigests(run).mask(text) == masked


@given(st.text(max_size=300))
@settings(max_examples=30)
def test_any_other_text_stays(tmp_path_factory, text):
    directory = tmp_path_factory.getbasetemp() / "20261128T101112Z-other"
    directory.mkdir(exist_ok=True)
    SecretDigests(directory).keep(SECRETS[:2])

    assert SecretDigests(directory).mask(text) == text


def test_what_is_kept_has_no_secret_and_is_another_in_every_run(run, tmp_path):
    kept = (run / NAME).read_text()
    other = tmp_path / "20261128T101112Z-efgh"
    other.mkdir()
    SecretDigests(other).keep(SECRETS)

    assert not any(part in kept for secret in SECRETS for part in secret.split())
    assert {each["slow"] for each in json.loads(kept)}.isdisjoint(
        each["slow"] for each in json.loads((other / NAME).read_text())
    )
    assert SecretDigests(other).mask(SECRETS[0]) == MASK


def test_only_what_takes_milliseconds_to_try_tells_a_secret(run):
    slow = hashlib.scrypt(SECRETS[0].encode(), salt=run.name.encode(), n=2048, r=8, p=1, dklen=16).hex()
    (kept,) = (each for each in json.loads((run / NAME).read_text()) if each["slow"] == slow)

    assert kept.keys() == {"length", "quick", "slow"}
    assert kept["quick"] in range(256)


def test_what_is_learnt_later_is_kept_beside_what_is_there(run):
    SecretDigests(run).keep(["another one"])

    assert SecretDigests(run).mask(f"another one {SECRETS[0]}") == f"{MASK} {MASK}"


@pytest.mark.parametrize("content", ["", "[1]", '{"a": 1}', '[{"length": 4}]'])
def test_a_run_of_an_earlier_version_knows_none(tmp_path, content):
    (tmp_path / NAME).write_text(content)

    assert SecretDigests(tmp_path).mask("it is hunter2-and-more") == "it is hunter2-and-more"


def test_a_long_text_does_not_take_long_and_no_secret_is_left_in_it(run):
    text = "hunter2-and-mor " * 20 * MOST_SLOW + "hunter2-and-more"

    assert SecretDigests(run).mask(text).endswith(MASK)
