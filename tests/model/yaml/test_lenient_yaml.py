"""YAML that others wrote is read as YAML allows it, and whatever is in it, it is read or refused with a place."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from runner.model.yaml.finding import InvalidFileError
from runner.model.yaml.lenient_yaml import MAX_BYTES, documents, plain


def positioned(value):
    """`value` as Python has it, with each key's position."""
    if value.is_mapping:
        return {each.place[-1]: (*each.position, positioned(each)) for each in value.values()}
    return [positioned(each) for each in value.items()] if value.kind == "a list" else value.text


def told(text):
    with pytest.raises(InvalidFileError) as caught:
        documents(text if isinstance(text, bytes) else text.encode(), file="a.yml")
    return caught.value.message


def test_values_stand_where_they_are_written():
    data = b"a: &x {b: 1}\nc: [*x, ~]\n---\n- d\n---\n"

    assert [positioned(each) for each in documents(data, file="a.yml")] == [
        {"a": (1, 1, {"b": (1, 8, "1")}), "c": (2, 1, [{"b": (1, 8, "1")}, None])},
        ["d"],
    ]


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("a: &a {x: 1, y: 2}\nr: {<<: *a, y: 3}", {"x": "1", "y": "3"}),
        ("a: &a {x: 1}\nb: &b {x: 2, y: 2}\nr: {<<: [*a, *b]}", {"x": "1", "y": "2"}),
        ("a: &a {x: 1}\nb: &b {<<: *a, y: 2}\nr: {<<: *b}", {"x": "1", "y": "2"}),
        ("a: &a {x: 1}\nb: &a {x: 2}\nr: {<<: *a}", {"x": "2"}),
        ("r: &r {x: 1, <<: *r}", {"x": "1"}),
        ("r: {'<<': 1}", {"<<": "1"}),
        ("r: {[a]: 1, x: 2}", {"x": "2"}),
    ],
)
def test_merge_keys_and_anchors(text, keys):
    [document] = documents(text.encode(), file="a.yml")

    assert {each.place[-1]: each.text for each in document.get("r").values()} == keys


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("a: ]", "a.yml:1:4: is not valid YAML"),
        ("a: *b", "a.yml:1:4: is not valid YAML: found undefined alias 'b'"),
        ("a: 1\nb: 2\na: 3", "a.yml:3:1: is not valid YAML: key 'a' is given twice"),
        ("a: {<<: 1}", "a.yml:1:5: is not valid YAML: only a mapping can be merged"),
        ("é: \x01", "a.yml:1:4: U+0001 is not allowed [error: yaml-character]"),
        ("é: ".encode() + b"\xff", "a.yml:1:4: byte 0xFF is not UTF-8 [error: yaml-encoding]"),
        ("[" * 5000, "a.yml:1:1: is too deep [error: yaml-depth]"),
        ("#" * (MAX_BYTES + 1), "a.yml:1:1: is larger than 8 MiB [error: yaml-size]"),
        (
            "a0: &a0 {"
            + ", ".join(f"k{n}: 1" for n in range(1000))
            + "}\n"
            + "".join(f"a{n}: &a{n} {{<<: *a{n - 1}, l{n}: 1}}\n" for n in range(1, 200)),
            "a.yml:97:12: is not valid YAML: more than 100,000 keys are merged",
        ),
    ],
)
def test_what_is_refused(text, what):
    assert told(text).startswith(what)


@given(st.one_of(st.binary(), st.text(alphabet="ab:&*<>-[]{},'\"!#%\n |?")))
@example('"\\UFFFFFFFF"')
def test_whatever_is_in_a_file_it_is_read_or_refused(data):
    try:
        read = documents(data if isinstance(data, bytes) else data.encode(), file="a.yml")
    except InvalidFileError:
        return
    assert all(value.position.line > 0 for value in read)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: 1\nb: [x, !vault y, ~]\n", {"a": "1", "b": ["x", "y", "~"]}),
        ("a: 1\na: 2\n", {"a": "2"}),
        ("", None),
        ("a: [", None),
        ("[" * 200_000, None),
        ("- " * 100_000, None),
    ],
)
def test_what_is_there_is_read_without_a_check(text, value):
    assert plain(text) == value
