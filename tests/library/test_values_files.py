"""The files of `values` set fixed values, which are in the playbook as they are written."""

from __future__ import annotations

import pytest
import yaml
from harness.fakes import runbook_file

from runner.compiler.committed_playbook import compiled
from runner.library.library import Library
from runner.model.yaml.finding import InvalidFileError


@pytest.fixture
def load(tmp_path):
    def load(text, **changes):
        runbook_file(tmp_path, **{"values": "values/shop.yml", **changes})
        (tmp_path / "runbooks" / "values").mkdir(exist_ok=True)
        (tmp_path / "runbooks" / "values" / "shop.yml").write_text(text)
        return Library(tmp_path).source("RUN-001")

    return load


def refusals(load, text, **changes):
    with pytest.raises(InvalidFileError) as caught:
        load(text, **changes)
    return [f"{each.path} {each.message}" for each in caught.value.findings]


def test_each_value_keeps_its_type(load):
    values = {"version": "1.10", "mode": "0755", "yes_text": "yes", "slots": [1, {"a": None}], "on": True, "rate": 0.5}
    source = load(yaml.safe_dump(values))
    assert source.values == values
    assert yaml.safe_load(compiled(source))[0]["vars"] == values


def test_what_is_false_is_spelled_for_a_program_as_an_input_is(load):
    steps = [{"id": "a", "name": "A", "command": "echo {{ on }}", "verify": [{"exit": 0}]}]
    assert "{{ on | to_json }}" in compiled(load("on: false\n", steps=steps))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('a: \'{{ lookup("pipe", "id") }}\'\n', "is taken as it is written, so templates are not filled in here"),
        ("a: [1, {b: '{% if x %}'}]\n", "is taken as it is written, so templates are not filled in here"),
        (
            "ansible_user: root\n",
            "'ansible_user' begins as the settings of Ansible do; choose another name",
        ),
        ("limit: 1\n", "'limit' is an input already"),
        ("used: 1\n", "'used' is captured by look already"),
        ("a: !vault x\n", "tag '!vault' is not allowed"),
        (
            "$ANSIBLE_VAULT;1.1;AES256\n6162\n",
            "runbooks/values/shop.yml is encrypted, and what it sets would be written into the playbook; keep a "
            "secret as an input of type secret, whose default says where it is, like vault:FILE#KEY",
        ),
    ],
)
def test_what_a_file_of_values_may_not_say(load, text, sentence):
    steps = [{"id": "look", "name": "L", "command": "df", "capture": {"used": "rc"}, "verify": [{"exit": 0}]}]
    (found,) = refusals(load, text, inputs={"limit": {"help": "Most"}}, steps=steps)
    assert found.partition(" ")[2] == sentence


def test_a_name_in_two_files_and_a_file_that_is_not_there(load, tmp_path):
    (tmp_path / "runbooks").mkdir()
    (tmp_path / "runbooks" / "more.yml").write_text("a: 2\n")
    found = refusals(load, "a: 1\n", values=["values/shop.yml", "more.yml", "absent.yml"])
    assert [each.partition(" ")[2] for each in found] == [
        f"runbooks/absent.yml is not there; it is looked for in {tmp_path}",
        "'a' is set in runbooks/values/shop.yml already",
    ]
