"""The workspace: its owner's only, short enough for sockets, and nothing in it is a template."""

from __future__ import annotations

import functools
import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from harness.ansible_loader import load, templates
from harness.fakes import RUN_ID
from harness.texts import WORDS
from hypothesis import given
from hypothesis import strategies as st

from runner.executor.ansible import workspace

SOCKET_PATH = 107
"""Bytes that a path of a unix socket may have (unix(7))."""

TEXT = st.text() | st.sampled_from(WORDS)
NAMES = st.from_regex(r"[a-z][a-z0-9_]*", fullmatch=True)
SCALARS = st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT
VALUES = st.recursive(
    st.none() | SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


@pytest.fixture(autouse=True)
def temporary(monkeypatch):
    """A short root for workspaces, removed with everything in it."""
    root = tempfile.mkdtemp(prefix="p-", dir="/tmp")
    monkeypatch.setattr(tempfile, "tempdir", root)
    yield root
    shutil.rmtree(root)


def test_the_directory_and_its_parts_are_their_owners_only():
    before = os.umask(0)
    try:
        made = workspace.make(RUN_ID)
        workspace.fill(made, b"[]", name="RUN-001.yml", inputs={}, captured={})
    finally:
        os.umask(before)

    parts = filter(Path.is_dir, (made, *made.iterdir()))
    modes = {path.name: oct(stat.S_IMODE(path.stat().st_mode)) for path in parts}
    assert modes == dict.fromkeys((made.name, "project", "home", "tmp", "ssh"), "0o700")
    assert made.name.startswith(f"{workspace.PREFIX}{RUN_ID[-8:]}-")


def test_what_belongs_to_one_invocation_is_wiped_and_the_next_finds_what_lasts():
    made = workspace.make(RUN_ID)
    (made / "ssh" / "connection").touch()
    workspace.fill(made, b"[]", name="RUN-001.yml", inputs={"word": "one"}, captured={"db1": {"pids": [1]}})
    (made / "link").symlink_to(made / "ssh")
    (made / "tmp" / "ansible-local-1" / "ssh").mkdir(parents=True)

    workspace.wipe(made)

    assert sorted(str(path.relative_to(made)) for path in made.rglob("*")) == [
        *("ansible.cfg", "home", "ssh", "ssh/connection", "tmp")
    ]
    workspace.wipe(made.with_name("gone"))  # somebody else was first


def test_whoever_imports_ansible_meanwhile_may_use_the_directory_for_temporary_files():
    made = workspace.make(RUN_ID)
    (made / "tmp" / "ansible-local-1").mkdir()

    workspace.fill(made, b"[]", name="RUN-001.yml", inputs={}, captured={})

    assert (made / "tmp" / "ansible-local-1").is_dir()


def test_two_of_one_run_do_not_share_anything():
    assert workspace.make(RUN_ID) != workspace.make(RUN_ID)


@pytest.mark.parametrize("length", [20, 48, 49, 50, 51, 60, 150])
def test_sockets_fit_below_it_however_long_the_users_temporary_directory_is(temporary, monkeypatch, length):
    root = f"{temporary}/{'x' * (length - len(temporary) - 1)}"
    Path(root).mkdir()
    monkeypatch.setattr(tempfile, "tempdir", root)

    made = workspace.make(RUN_ID)

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

    made = workspace.make(RUN_ID)

    assert len(os.fsencode(made / "ssh" / ("c" * 27))) <= SOCKET_PATH
    shutil.rmtree(made)


def test_the_playbook_goes_in_byte_for_byte():
    made = workspace.make(RUN_ID)
    playbook = b"\xef\xbb\xbf- hosts: all\r\n"

    path = workspace.fill(made, playbook, name="RUN-001.yml", inputs={}, captured={})

    assert (path, path.read_bytes()) == (made / "project" / "playbooks" / "RUN-001.yml", playbook)
    assert [one.name for one in path.parent.iterdir()] == ["RUN-001.yml"]
    assert (made / "ansible.cfg").read_text() == workspace.CONFIGURATION


def test_files_lie_to_the_playbook_as_they_do_in_the_library():
    made = workspace.make(RUN_ID)
    files = {"runbooks/files/motd": b"\xff", "playbooks/roles/web/tasks/main.yml": b"- meta: noop\n"}

    path = workspace.fill(made, b"[]", name="RUN-001.yml", inputs={}, captured={}, files=files)

    root = path.parent.parent
    assert {str(file.relative_to(root)): file.read_bytes() for file in root.rglob("*") if file.is_file()} == {
        **files,
        "playbooks/RUN-001.yml": b"[]",
    }


@given(inputs=st.dictionaries(NAMES, SCALARS, max_size=4))
def test_ansible_reads_each_input_as_it_is_with_its_type_and_no_template_in_it(inputs):
    made = workspace.make(RUN_ID)

    workspace.fill(made, b"", name="x.yml", inputs=inputs, captured={})

    read = load(made / workspace.INPUTS)
    assert (read, templates(list(read.values()))) == (inputs, [])
    assert [isinstance(value, bool) for value in read.values()] == [isinstance(each, bool) for each in inputs.values()]


def test_ansible_would_fill_in_what_is_not_marked():
    made = workspace.make(RUN_ID)
    (made / workspace.INPUTS).write_text(json.dumps({"x": "{{ 7 * 7 }}"}))

    assert templates(list(load(made / workspace.INPUTS).values())) == ["{{ 7 * 7 }}"]


@given(captured=st.dictionaries(TEXT, st.dictionaries(TEXT, VALUES, max_size=3), max_size=3))
def test_what_is_captured_goes_in_as_it_is_whatever_its_host_is_called(captured):
    made = workspace.make(RUN_ID)

    workspace.fill(made, b"", name="x.yml", inputs={}, captured=captured)

    assert json.loads((made / workspace.CAPTURED).read_text()) == captured


@given(
    given=st.dictionaries(st.from_regex(r"[A-Z_]+", fullmatch=True) | st.sampled_from(workspace.PASSED_ON), st.text())
)
def test_of_the_environment_only_what_is_listed_goes_on(given):
    seen = workspace.environment(given, python="/opt/python/bin/python3")

    assert seen.keys() <= {"PATH", *workspace.PASSED_ON}
    assert seen.pop("PATH").split(os.pathsep)[0] == "/opt/python/bin"
    paths = {name for name in given if name.startswith("ANSIBLE_")}
    assert seen.keys() - {"LC_ALL"} == (given.keys() & {*workspace.PASSED_ON}) - {"LC_ALL"}
    assert all(seen[name] == given[name] for name in seen.keys() - paths - {"LC_ALL"})


@functools.cache
def starts(environment):
    """Whether Ansible starts in an environment."""
    program = Path(sys.executable).with_name("ansible")
    asked = {"env": dict(environment), "stdout": subprocess.DEVNULL}
    return subprocess.run([program, "--version"], check=False, **asked).returncode == 0


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({}, False),
        ({"LC_ALL": "C"}, False),
        ({"LANG": "POSIX"}, False),
        ({"LANG": "xx_XX.UTF-8"}, False),
        ({"LANG": "C.UTF-8", "LC_CTYPE": "xx_XX.UTF-8"}, False),
        ({"LC_ALL": "xx_XX.UTF-8", "LANG": "C.UTF-8"}, False),
        ({"LC_ALL": "", "LANG": "C.UTF-8"}, True),
        ({"LC_ALL": "C.UTF-8", "LANG": "xx_XX.UTF-8"}, True),
    ],
)
def test_whatever_the_users_locale_ansible_starts_in_one_of_utf_8(given, kept):
    seen = workspace.environment({**given, "PATH": os.environ["PATH"]}, python=sys.executable)

    code = "import locale; print(locale.setlocale(locale.LC_ALL, '') and locale.nl_langinfo(locale.CODESET))"
    asked = subprocess.check_output([sys.executable, "-X", "utf8=0", "-c", code], env=seen, text=True)
    assert (asked.strip(), seen.keys() - {"PATH"} == given.keys()) == ("UTF-8", kept or "LC_ALL" in given)
    # LC_ALL is what counts where it is set, so that Ansible starts alike with all that have the same.
    locale = {"LC_ALL": seen["LC_ALL"]} if seen.get("LC_ALL") else seen
    assert starts(tuple(sorted({"PATH": seen["PATH"], **locale}.items())))


@pytest.mark.parametrize(
    ("name", "given", "seen"),
    [
        ("ANSIBLE_VAULT_PASSWORD_FILE", "pw", "{here}/pw"),
        ("ANSIBLE_VAULT_PASSWORD_FILE", "/a, b@c", "/a, b@c"),
        ("ANSIBLE_BECOME_PASSWORD_FILE", "~/pw", "{home}/pw"),
        ("ANSIBLE_VAULT_IDENTITY_LIST", "dev@pw, prod@prompt,/pw", "dev@{here}/pw,prod@prompt,/pw"),
        ("ANSIBLE_COLLECTIONS_PATH", "a:/b", "{here}/a:/b"),
        ("ANSIBLE_VAULT_PASSWORD_FILE", "", ""),
    ],
)
def test_a_path_from_here_leads_there_from_everywhere(name, given, seen):
    places = {"here": Path.cwd(), "home": Path.home()}

    assert workspace.environment({name: given}, python="/usr/bin/python3")[name] == seen.format(**places)


@pytest.mark.parametrize(
    "name", ["ANSIBLE_RUN_TAGS", "ANSIBLE_CONFIG", "PYTHONPATH", "LD_PRELOAD", "BASH_ENV", "PGPASSWORD"]
)
def test_what_changes_what_is_run_is_not_listed(name):
    assert name not in workspace.environment({name: "x"}, python="/usr/bin/python3")


@pytest.mark.parametrize("path", [{}, {"PATH": ""}])
def test_without_a_path_the_working_directory_is_not_searched(path):
    assert "" not in workspace.environment(path, python="/opt/bin/python3")["PATH"].split(os.pathsep)
