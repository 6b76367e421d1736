"""The private directory: its owner's only, short enough for sockets, and nothing in it is a template."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from pathlib import Path

import pytest
import yaml
from fakes import RUN_ID
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.execution import private

SOCKET_PATH = 107
"""Bytes that a path of a unix socket may have (unix(7))."""

HOSTILE = ["{{ lookup('pipe', 'id') }}", "{% x %}\n", "a: b", "!unsafe x", "- x", "| \n x", "yes", "1", "~", "a\x85b"]
TEXT = st.text() | st.sampled_from(HOSTILE)
HOSTS = st.from_regex(r"[a-z][a-z0-9.-]*", fullmatch=True)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


class Tagged(str):
    """Text that stood behind `!unsafe`."""

    __slots__ = ()


class Loader(yaml.CSafeLoader):
    """Reads as Ansible does, and shows which texts are tagged."""


Loader.add_constructor("!unsafe", lambda loader, node: Tagged(loader.construct_scalar(node)))


def load(path):
    return yaml.load(path.read_text(), Loader)


def untagged(value):
    """Every text in `value` that Ansible would template."""
    if isinstance(value, dict):
        return [text for item in (*value, *value.values()) for text in untagged(item)]
    if isinstance(value, list):
        return [text for item in value for text in untagged(item)]
    return [value] if isinstance(value, str) and not isinstance(value, Tagged) else []


@pytest.fixture(autouse=True)
def temporary(monkeypatch):
    """A short root for private directories, removed with everything in it."""
    root = tempfile.mkdtemp(prefix="p-", dir="/tmp")
    monkeypatch.setattr(tempfile, "tempdir", root)
    yield root
    shutil.rmtree(root)


def test_the_directory_and_its_parts_are_their_owners_only():
    before = os.umask(0)
    try:
        made = private.make(RUN_ID)
    finally:
        os.umask(before)

    modes = {path.name: oct(stat.S_IMODE(path.stat().st_mode)) for path in (made, *made.iterdir())}
    assert modes == dict.fromkeys((made.name, "project", "home", "tmp", "ssh", "inventory"), "0o700")
    assert made.name.startswith(f"{private.PREFIX}{RUN_ID[-8:]}-")


def test_two_of_one_run_do_not_share_anything():
    assert private.make(RUN_ID) != private.make(RUN_ID)


@pytest.mark.parametrize("length", [20, 48, 49, 50, 51, 60, 150])
def test_sockets_fit_below_it_however_long_the_users_temporary_directory_is(temporary, monkeypatch, length):
    root = f"{temporary}/{'x' * (length - len(temporary) - 1)}"
    Path(root).mkdir()
    monkeypatch.setattr(tempfile, "tempdir", root)

    made = private.make(RUN_ID)

    try:
        # Ansible names ssh's control socket by 10 characters; ssh first binds it with a dot and 16 random ones behind.
        longest = made / "ssh" / ("c" * 10 + "." + "r" * 16)
        assert len(os.fsencode(longest)) <= SOCKET_PATH
    finally:
        shutil.rmtree(made)


def test_bytes_count_and_not_characters(temporary, monkeypatch):
    root = f"{temporary}/{'ü' * 24}"
    Path(root).mkdir()
    monkeypatch.setattr(tempfile, "tempdir", root)

    made = private.make(RUN_ID)

    assert len(os.fsencode(made / "ssh" / ("c" * 27))) <= SOCKET_PATH
    shutil.rmtree(made)


def test_the_playbook_goes_in_byte_for_byte():
    made = private.make(RUN_ID)
    playbook = b"\xef\xbb\xbf- hosts: all\r\n"

    path = private.fill(made, playbook, name="RUN-001.yml", inputs={}, captured={})

    assert (path, path.read_bytes()) == (made / "project" / "RUN-001.yml", playbook)
    assert [one.name for one in path.parent.iterdir()] == ["RUN-001.yml"]
    assert (made / "ansible.cfg").read_bytes() == b""


@settings(max_examples=60, deadline=None)
@given(inputs=st.dictionaries(TEXT, VALUES, max_size=4))
def test_no_input_can_be_templated(inputs):
    made = private.make(RUN_ID)

    private.fill(made, b"", name="x.yml", inputs=inputs, captured={})

    read = load(made / "inputs.yml")
    assert (read, untagged(read)) == (inputs, [])


def test_half_a_surrogate_pair_becomes_a_question_mark():
    made = private.make(RUN_ID)

    private.fill(made, b"", name="x.yml", inputs={"word\ud800": "caf\udce9"}, captured={})

    assert load(made / "inputs.yml") == {"word?": "caf?"}


@settings(max_examples=60, deadline=None)
@given(captured=st.dictionaries(HOSTS, st.dictionaries(TEXT, VALUES, max_size=3), max_size=3))
def test_no_captured_value_can_be_templated_and_each_host_has_its_own(captured):
    made = private.make(RUN_ID)

    private.fill(made, b"", name="x.yml", inputs={}, captured=captured)

    read = load(made / "inventory" / "captured.yml")["all"]["hosts"]
    assert read == captured
    assert [untagged(values) for values in read.values()] == [[] for _ in captured]


@settings(deadline=None)
@given(given=st.dictionaries(st.from_regex(r"[A-Z_]+", fullmatch=True) | st.sampled_from(private.PASSED_ON), st.text()))
def test_of_the_environment_only_what_is_listed_goes_on(given):
    seen = private.environment(given, python="/opt/python/bin/python3")

    assert seen.keys() <= {"PATH", *private.PASSED_ON}
    assert seen.pop("PATH").split(os.pathsep)[0] == "/opt/python/bin"
    assert seen == {name: given[name] for name in private.PASSED_ON if name in given}


@pytest.mark.parametrize(
    "name", ["ANSIBLE_RUN_TAGS", "ANSIBLE_CONFIG", "PYTHONPATH", "LD_PRELOAD", "BASH_ENV", "PGPASSWORD"]
)
def test_what_changes_what_is_run_is_not_listed(name):
    assert name not in private.environment({name: "x"}, python="/usr/bin/python3")


@pytest.mark.parametrize("path", [{}, {"PATH": ""}])
def test_without_a_path_the_working_directory_is_not_searched(path):
    assert "" not in private.environment(path, python="/opt/bin/python3")["PATH"].split(os.pathsep)
