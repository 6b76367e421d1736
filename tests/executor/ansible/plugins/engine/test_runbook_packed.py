"""What Ansible sends for one use of a module is taken apart, or left as it is."""

from __future__ import annotations

import base64
import io
import json
import zipfile

import pytest
from harness.packed_module import packed_module
from runbook_connection import NotKnownError
from runbook_packed import taken_apart

URI = "ansible.legacy.uri"


def test_the_module_and_what_it_is_given_are_those_that_ansible_has_packed():
    # Given what Ansible sends
    given = {"url": "http://127.0.0.1:9/?a='b'", "headers": {"X": "\\ \n \u00e9"}}
    # When
    packed, text = taken_apart(URI, packed_module(URI, given))
    # Then
    names = zipfile.ZipFile(io.BytesIO(base64.b64decode(packed.archive))).namelist()
    assert json.loads(text) == {"ANSIBLE_MODULE_ARGS": given}
    assert (packed.name, packed.profile, "ansible/modules/uri.py" in names) == ("ansible.modules.uri", "legacy", True)


def test_the_same_module_is_the_same_for_all_that_it_is_given():
    first, second = (taken_apart(URI, packed_module(URI, {"url": url}))[0] for url in ("http://a", "http://b"))

    assert first is second


@pytest.mark.parametrize(
    ("there", "instead"),
    [
        (b"module_fqn='ansible.modules.uri'", b"module_fqn='ansible.legacy.uri'"),
        (b"rlimit_nofile=0", b"rlimit_nofile=64"),
        (b"extensions={}", b"extensions={'coverage': {}}"),
        (b"    _ansiballz_main(\n", b"    _ansiballz_other(\n"),
    ],
)
def test_another_module_or_another_way_to_start_it_is_not_known(there, instead):
    program = packed_module(URI, {"url": "http://a"})
    assert there in program

    with pytest.raises(NotKnownError, match="the module ansible.legacy.uri"):
        taken_apart(URI, program.replace(there, instead))


def test_what_is_sent_otherwise_is_not_known():
    with pytest.raises(NotKnownError):
        taken_apart(URI, None)
