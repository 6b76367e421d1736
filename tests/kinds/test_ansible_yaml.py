"""A playbook is written one way, and reads back as what it was made of."""

from __future__ import annotations

import tempfile

import pytest
import yaml
from harness.ansible_loader import load
from harness.texts import WORDS
from hypothesis import given
from hypothesis import strategies as st

from runner.kinds import ansible_yaml
from runner.kinds.ansible_yaml import Block, Play, Playbook, Task, dump

TEXT = st.text(max_size=300)
LINES = st.lists(TEXT, max_size=5).map("\n".join)
TEMPLATES = st.lists(st.sampled_from(["{{ a }}", "word", "'q'", '"d"', "a b  c", ":", "#", "\\"]), max_size=30).map(
    " ".join
)
VALUES = st.recursive(
    LINES
    | TEMPLATES
    | st.sampled_from(WORDS)
    | st.integers()
    | st.booleans()
    | st.none()
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT.filter(bool), inner, max_size=3),
    max_leaves=8,
)
KEYS = TEXT | LINES | st.integers() | st.booleans() | st.none() | st.text("ab ", min_size=115, max_size=130)


def read(text):
    """As Ansible does."""
    with tempfile.NamedTemporaryFile("w", suffix=".yml", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        return load(file.name)


def test_a_playbook_reads_like_one_that_a_person_wrote():
    look = Task("Look", "ansible.builtin.command", {"argv": ["ls", "{{ place }}"]}, {"register": "result"})
    block = Block("A step", [look], {"tags": ["step-a"]}, rescue=[Task("Go on", "ansible.builtin.debug", {"msg": "x"})])
    play = Play("A play", "all", [block], {"gather_facts": False})

    assert (
        Playbook(["Title", "", "  more"], [play]).render()
        == """\
# Title
#
#   more
---
- name: A play
  hosts: all
  gather_facts: false
  tasks:
    - name: A step
      tags:
        - step-a
      block:
        - name: Look
          ansible.builtin.command:
            argv:
              - ls
              - "{{ place }}"
          register: result
      rescue:
        - name: Go on
          ansible.builtin.debug:
            msg: x
"""
    )


def test_a_block_without_rescue_has_none():
    assert "rescue" not in Block("A", []).data()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("plain", "plain"),
        ("yes", "'yes'"),
        ("a: b", "'a: b'"),
        ("one\ntwo\n", "|\n  one\n  two"),
        ("one\ntwo", "|-\n  one\n  two"),
        ("{{ a }}", '"{{ a }}"'),
        ("{{ a | default('x') }}", "\"{{ a | default('x') }}\""),
        ('{{ a | default("x") }}', "'{{ a | default(\"x\") }}'"),
        (f"{{{{ {'good and ' * 20}good }}}}", f">-\n  {{{{ {'good and ' * 11}good and\n  {'good and ' * 8}good }}}}"),
    ],
)
def test_each_text_has_the_style_that_reads_best(value, text):
    assert dump({"key": value}) == f"---\nkey: {text}\n"


@given(VALUES)
def test_whatever_is_written_reads_back_the_same(value):
    assert read(dump({"key": value})) == {"key": value}


@given(VALUES)
def test_the_same_value_always_gives_the_same_text(value):
    assert dump({"a": value, "b": [value]}) == dump({"a": value, "b": [value]})


class Reference(yaml.SafeDumper):
    """PyYAML's own way through a document, with the same manners."""

    def ignore_aliases(self, data):
        return True

    def increase_indent(self, flow=False, indentless=False):  # noqa: FBT002
        super().increase_indent(flow, False)  # noqa: FBT003


Reference.add_representer(str, ansible_yaml._Dumper.yaml_representers[str])


@given(st.lists(VALUES, min_size=1) | st.dictionaries(KEYS, VALUES, min_size=1))
def test_the_text_is_the_one_that_pyyaml_gives(value):
    # Given any keys: also those that are too long, or of several lines, to stand before a colon
    ways = {"sort_keys": False, "allow_unicode": True, "explicit_start": True, "default_flow_style": False}
    # Then the short way to the text changes none of its bytes
    assert dump(value) == yaml.dump(value, Dumper=Reference, width=110, **ways)


@pytest.mark.parametrize(("word", "remark"), [("x" * 200, True), ("short", False)])
def test_a_line_that_must_be_long_is_excused(word, remark):
    # Given lines of an author's own, which are not broken
    play = Play("A play", "all", [Task("Do", "ansible.builtin.shell", {"cmd": f"a\nb {word}\n"})])
    # When they are written
    text = Playbook(["Title"], [play]).render()
    # Then yamllint, which ansible-lint asks, is told not to count them
    assert ("# yamllint disable rule:line-length\n" in text) is remark
    assert read(text)[0]["tasks"][0]["ansible.builtin.shell"]["cmd"] == f"a\nb {word}\n"
