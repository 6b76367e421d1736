"""A playbook is written one way, and reads back as what it was made of."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from runner.playbook import Block, Play, Playbook, Task, Unsafe, dump, unsafe

TEXT = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x24F, exclude_characters="\x7f"), max_size=300)
LINES = st.lists(TEXT, max_size=5).map("\n".join)
TEMPLATES = st.lists(st.sampled_from(["{{ a }}", "word", "'q'", '"d"', "a b  c", ":", "#", "\\"]), max_size=30).map(
    " ".join
)
VALUES = st.recursive(
    LINES | TEMPLATES | st.integers() | st.booleans() | st.none() | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT.filter(bool), inner, max_size=3),
    max_leaves=8,
)


class Loader(yaml.SafeLoader):
    """As Ansible's: it knows the tag."""


Loader.add_constructor("!unsafe", lambda loader, node: Unsafe(loader.construct_scalar(node)))


def read(text):
    return yaml.load(text, Loader=Loader)


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
        (Unsafe("{{ a }}"), '!unsafe "{{ a }}"'),
        (Unsafe("plain"), "!unsafe 'plain'"),
        (f"{{{{ {'good and ' * 20}good }}}}", f">-\n  {{{{ {'good and ' * 11}good and\n  {'good and ' * 8}good }}}}"),
    ],
)
def test_each_text_has_the_style_that_reads_best(value, text):
    assert dump({"key": value}) == f"---\nkey: {text}\n"


@given(VALUES)
def test_whatever_is_written_reads_back_the_same(value):
    assert read(dump({"key": value})) == {"key": value}


@given(VALUES)
def test_what_is_unsafe_is_marked_to_the_leaf(value):
    def texts(item):
        if isinstance(item, str):
            return [item]
        parts = [*item, *item.values()] if isinstance(item, dict) else item if isinstance(item, list) else []
        return [text for part in parts for text in texts(part)]

    written = read(dump(unsafe({"key": value})))

    assert written == {"key": value}
    assert all(type(text) is Unsafe for text in texts(written))


@given(VALUES)
def test_the_same_value_always_gives_the_same_text(value):
    assert dump({"a": value, "b": [value]}) == dump({"a": value, "b": [value]})


@pytest.mark.parametrize(("word", "remark"), [("x" * 200, True), ("short", False)])
def test_a_line_that_must_be_long_is_excused(word, remark):
    # Given lines of an author's own, which are not broken
    play = Play("A play", "all", [Task("Do", "ansible.builtin.shell", {"cmd": f"a\nb {word}\n"})])
    # When they are written
    text = Playbook(["Title"], [play]).render()
    # Then yamllint, which ansible-lint asks, is told not to count them
    assert ("# yamllint disable rule:line-length\n" in text) is remark
    assert read(text)[0]["tasks"][0]["ansible.builtin.shell"]["cmd"] == f"a\nb {word}\n"
