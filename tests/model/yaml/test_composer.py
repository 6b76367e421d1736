"""A YAML text becomes plain values, or is refused with all of its faults; a hostile one never does harm."""

from __future__ import annotations

import time

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from runner.model.yaml import document
from runner.model.yaml.finding import InvalidFileError
from runner.model.yaml.yaml_file import MAX_BYTES

HUGE = MAX_BYTES - 100
LOADER = []


@pytest.fixture(scope="module", params=["libyaml", "python"], autouse=True)
def parser(request):
    """Everything holds for both of PyYAML's parsers."""
    if request.param == "libyaml" and not yaml.__with_libyaml__:
        pytest.skip("PyYAML was built without libyaml")
    LOADER[:] = [yaml.CSafeLoader if request.param == "libyaml" else yaml.SafeLoader]
    return request.param


def load(data, *, file):
    return document.load(data, file=file, loader=LOADER[0])


def faults(data):
    with pytest.raises(InvalidFileError) as caught:
        load(data, file="f.yml")
    return caught.value.findings


def places(data):
    return [(each.line, each.column, each.path, each.rule.removeprefix("yaml-")) for each in faults(data)]


HOSTILE = {
    "alias": (b"a: &a [x]\nb: [*a]\n", [(1, 4, "a", "anchor"), (2, 5, "b[0]", "alias")]),
    "alias as a key": (b"a: &k x\n*k : y\n", [(1, 4, "a", "anchor"), (2, 1, "['?']", "alias")]),
    "deep flow": (b"[" * 100_000 + b"]" * 100_000, [(1, 25, "[0]" * 24, "depth")]),
    "deep flow mapping": (b"{a: " * 60_000, [(1, 97, ".".join("a" * 24), "depth")]),
    "deep block": (b"".join(b" " * i + b"a:\n" for i in range(600)), [(25, 25, ".".join("a" * 24), "depth")]),
    "deep compact sequence": (b"- " * 130_000, [(1, 49, "[0]" * 24, "depth")]),
    "deep complex keys": (b"? " * 130_000, [(1, 49, "['?']" * 24, "depth")]),
    "python tag": (b'a: !!python/object/apply:os.system ["id"]', [(1, 4, "a", "tag")]),
    "standard tag": (b"a: !!str 1", [(1, 4, "a", "tag")]),
    "private tag": (b"a: !unsafe x", [(1, 4, "a", "tag")]),
    "bare tag": (b"a: ! x", [(1, 4, "a", "tag")]),
    "tag on the whole": (b"!!map\na: 1", [(1, 1, "", "tag")]),
    "duplicate key": (b"a: 1\n'a': 2", [(2, 1, "a", "duplicate-key")]),
    "nested duplicate": (b"s:\n- x: 1\n  x: 2\n", [(3, 3, "s[0].x", "duplicate-key")]),
    "merge key": (b"a: {<<: {b: 1}}", [(1, 5, "a['<<']", "merge")]),
    "complex key": (b"? [a]\n: 1", [(1, 3, "['?']", "key")]),
    "template without quotes": (b"a: {{ b }}", [(1, 5, "a['?']", "key")]),
    "number as a key": (b"1: a\n-1.5: b\n", [(1, 1, "1", "key"), (2, 1, "['-1.5']", "key")]),
    "boolean and null as keys": (b"a: {true: 1, ~: 2}", [(1, 5, "a.true", "key"), (1, 14, "a['~']", "key")]),
    "several documents": (b"a: 1\n---\nb: 2", [(2, 1, "", "documents")]),
    "65,000 documents": (b"---\n" * 65_000, [(2, 1, "", "documents"), (2, 1, "", "mapping")]),
    "too many values": (b"".join(b"k%d: 1\n" % i for i in range(15_000)), [(10_000, 8, "", "nodes")]),
    "too many items": (b"a: [" + b"1," * 100_000 + b"]", [(1, 39_999, "", "nodes")]),
    "too large": (b"a: " + b"x" * 300_000, [(1, 1, "", "size")]),
    "too large to decode": (b"\xff" * 300_000, [(1, 1, "", "size")]),
    "NUL": (b'a: "x\x00"', [(1, 6, "", "character")]),
    "NUL by escape": (b'a: "x\\0"', [(1, 4, "a", "character")]),
    "escape sequence by escape": (b'a: ["\\e[31m"]', [(1, 5, "a[0]", "character")]),
    "control character in a comment": (b"a: 1 # \x1b[1A", [(1, 8, "", "character")]),
    "direction override": ("a: x\u202ey".encode(), [(1, 5, "", "character")]),
    "line break that not all count": ("a: 1 # c\u2028b: 2".encode(), [(1, 9, "", "character")]),
    "line break that hides": (b"a: 1 # c\rb: 2\r\n", [(1, 9, "", "character")]),
    "byte order mark inside": (b"a: 1\n\xef\xbb\xbfb: 1", [(2, 1, "", "character")]),
    "latin-1": ("a: é\nb:\n- ü".encode("latin-1"), [(1, 4, "", "encoding"), (3, 3, "", "encoding")]),
    "encoded surrogate": (b"a: \xed\xa0\x80", [(1, column, "", "encoding") for column in (4, 5, 6)]),
    "UTF-16": ("a: 1".encode("utf-16"), [(1, 1, "", "encoding")]),
    "UTF-32": ("a: 1".encode("utf-32"), [(1, 1, "", "encoding")]),
    "YAML directive": (b"%YAML 1.1\n---\na: 1", [(1, 1, "", "directive")]),
    "TAG directive": (b"%TAG !e! tag:x\n---\na: !e!x 1", [(1, 1, "", "directive"), (3, 4, "", "syntax")]),
    "infinity": (b"a: 1.0e+400\nb: .inf\nc: -.INF", [(i, 4, p, "number") for i, p in enumerate("abc", 1)]),
    "not a number": (b"a: .nan", [(1, 4, "a", "number")]),
    "5,001 digits": (b"a: " + b"9" * 5001, [(1, 4, "a", "number")]),
    "65 bits": (b"a: 9223372036854775808\nb: -9223372036854775809", [(1, 4, "a", "number"), (2, 4, "b", "number")]),
    "unterminated quote": (b'a: "foo\nb: 1\n', [(3, 1, "", "syntax")]),
    "unterminated quote, long": (b"a: 'x" + b"\n" * HUGE, [(HUGE + 1, 1, "", "syntax")]),
    "tab as indentation": (b"a:\n\tb: 1\n", [(2, 1, "", "syntax")]),
    "colon in plain text": (b"a: b: c", [(1, 5, "", "syntax")]),
    "empty": (b"", [(1, 1, "", "mapping")]),
    "empty document": (b"---\n", [(2, 1, "", "mapping")]),
    "only blanks": (b" " * HUGE, [(1, 1, "", "mapping")]),
    "only a comment": (b"# a\n", [(1, 1, "", "mapping")]),
    "list": (b"- a\n", [(1, 1, "", "mapping")]),
    "scalar": (b"a", [(1, 1, "", "mapping")]),
    "anchor as long as the file": (b"a: &" + b"a" * HUGE + b" 1", [(1, 4, "a", "anchor")]),
    "escaped tag as long as the file": (b"a: !<" + b"%41" * (HUGE // 3) + b"> 1", [(1, 4, "a", "tag")]),
}


@pytest.mark.parametrize(("data", "expected"), HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_file_is_refused_where_it_is_hostile(data, expected):
    started = time.process_time()
    assert places(data) == expected
    assert time.process_time() - started < 2  # nothing hangs; with libyaml each takes less than 50 ms


@pytest.mark.parametrize("data", [rb'"\ud800"', rb'"\U00110000"', rb'"\UFFFFFFFF"'])
def test_an_escape_that_names_no_character_is_refused(data):
    assert len(faults(b"a: " + data)) == 1


@pytest.mark.parametrize(
    "data",
    [
        b"\xff" * HUGE,
        b"\0" * HUGE,
        b"%\n" * (HUGE // 2),
        b"a: 1\n...\n" + b"".join(b"%%TAG !%d! a\n" % i for i in range(17_000)),  # takes a parser seconds
        b"a: 1\n" * 9000,
        b"a: [" + b"&a 1," * 5000 + b"]",
        b"{" + b"? a, " * 9000 + b"}",
    ],
    ids=["not UTF-8", "NUL", "percent", "directives", "duplicates", "anchors", "flow duplicates"],
)
def test_no_more_than_a_hundred_faults_are_shown(data):
    assert len(faults(data)) == 100


def test_every_fault_is_found_at_once():
    data = b"""\
a: &x !t
  b: 1
  b: *x
c: [!!str d, .inf]
e: "\\0"
f: {<<: *x, 1: 2}
g: \xff
h: [
"""
    assert list(map(str, faults(data)))[:-1] == [
        "f.yml:1:4: a: anchor 'x' is not allowed; write the value out [error: yaml-anchor]",
        "f.yml:1:4: a: tag '!t' is not allowed [error: yaml-tag]",
        "f.yml:3:3: a.b: key 'b' is already given in line 2 [error: yaml-duplicate-key]",
        "f.yml:3:6: a.b: alias 'x' is not allowed; write the value out [error: yaml-alias]",
        "f.yml:4:5: c[0]: tag 'tag:yaml.org,2002:str' is not allowed [error: yaml-tag]",
        "f.yml:4:14: c[1]: a number must be finite; if it is text, put it in quotes [error: yaml-number]",
        "f.yml:5:4: e: U+0000 is not allowed in text [error: yaml-character]",
        "f.yml:6:5: f['<<']: merge key '<<' is not allowed; write the keys out [error: yaml-merge]",
        "f.yml:6:9: f['<<']: alias 'x' is not allowed; write the value out [error: yaml-alias]",
        "f.yml:6:13: f.1: a key must be text, not the number 1; put it in quotes [error: yaml-key]",
        "f.yml:7:4: byte 0xFF is not UTF-8 [error: yaml-encoding]",
    ]
    assert faults(data)[-1].message.startswith("is not valid YAML: ")


@pytest.mark.parametrize(
    ("data", "hint"),
    [
        (b"a:\n\tb: 1", "indent with spaces, not tabs, and put text that starts with @ or ` in quotes"),
        (b"a: `b`", "indent with spaces, not tabs, and put text that starts with @ or ` in quotes"),
        (b"a: fix: it", "put text with a colon in quotes"),
        (b"a: {{ b }}", "put a {{ template }} in quotes"),
    ],
)
def test_a_common_mistake_gets_a_hint(data, hint):
    assert [each.hint for each in faults(data)] == [hint]


def test_a_syntax_error_says_where_the_trouble_began():
    (fault,) = faults(b"a: 1\nb: 'c\nd: 2\n")
    assert fault.message == (
        "is not valid YAML: found unexpected end of stream while scanning a quoted scalar (from line 2)"
    )


DISPUTED = """
yes no on off y n True FALSE NULL 010 0o17 0x1f 0b1 1_000 1:30:00 2025-02-20 2025-02-20T10:00:00Z 1e3 1e400 1.5e3
12e4567 -.5 = << 1.2.3 +
"""


@pytest.mark.parametrize("plain", DISPUTED.split())
def test_what_readers_disagree_about_is_text(plain):
    assert load(f"a: {plain}".encode(), file="f").value == {"a": plain}


@pytest.mark.parametrize(
    ("plain", "value"),
    [
        *[("", None), ("~", None), ("null", None), ("true", True), ("false", False)],
        *[("0", 0), ("-7", -7), ("+7", 7), ("9223372036854775807", 2**63 - 1), ("-9223372036854775808", -(2**63))],
        *[("1.5", 1.5), ("-0.25", -0.25), (".5", 0.5), ("1.0e+3", 1000.0), ("007.5", 7.5), ("0." + "1" * HUGE, 1 / 9)],
        *[("'true'", "true"), ('"1"', "1"), ("'<<'", "<<"), ("x" * HUGE, "x" * HUGE), ('"\\u2028"', "\u2028")],
    ],
    ids=lambda value: str(value)[:20],
)
def test_a_scalar_has_one_meaning(plain, value):
    read = load(f"a: {plain}".encode(), file="f").value["a"]
    assert (type(read), read) == (type(value), value)


class Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data):
        return True


READABLE = st.text(st.characters(exclude_categories=["Cc", "Cs"]) | st.sampled_from("\n\r\t"))
AMBIGUOUS = st.sampled_from(
    ["yes", "1e3", "010", "2025-02-20", "<<", "=", "~", "", "0x1f", ".inf", "1:30", "- a", "%a"]
)
STRINGS = READABLE | AMBIGUOUS | st.from_regex(r"[-+0-9.e:_]{1,6}", fullmatch=True)
NUMBERS = st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | STRINGS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(STRINGS, inner, max_size=4),
    max_leaves=20,
)
STYLES = st.sampled_from([None, True, False])


@given(VALUES, STYLES)
def test_what_pyyaml_writes_is_read_back(value, style):
    data = yaml.dump({"a": value}, Dumper=Dumper, default_flow_style=style, sort_keys=False).encode()
    read = load(data, file="f").value
    assert (read, repr(read)) == ({"a": value}, repr({"a": value}))  # repr: 1 is not 1.0, nor True


WORDS = st.text(st.characters(categories=["L"]), min_size=1, max_size=8)
TREES = st.recursive(
    WORDS.map("x".__add__),
    lambda inner: st.lists(inner) | st.dictionaries(WORDS.map("k".__add__), inner),
    max_leaves=20,
)


@given(TREES, STYLES)
def test_a_position_points_at_the_key_or_at_the_item(value, style):
    text = yaml.dump({"k": value}, Dumper=Dumper, default_flow_style=style, allow_unicode=True, width=4096)
    document = load(text.encode(), file="f")
    lines = document.text.split("\n")
    for place in document.marks:
        line, column = document.position(place)
        here = lines[line - 1][column - 1 :]
        value = document.at(place)
        key = place[-1] if place and isinstance(place[-1], str) else next(iter(value), "") if value else ""
        begins = [key, "[", "{", "-", value] if isinstance(value, str | list | dict) else [key]
        assert here.startswith(tuple(str(each) for each in begins)), (place, line, column)


def nodes(node, place=()):
    yield place, (node.start_mark.index, node.end_mark.index)
    for key, value in node.value if isinstance(node, yaml.MappingNode) else ():
        yield from nodes(value, (*place, key.value))
    for number, item in enumerate(node.value if isinstance(node, yaml.SequenceNode) else ()):
        yield from nodes(item, (*place, number))


@given(TREES, STYLES)
def test_a_span_is_what_pyyaml_takes_for_the_value(value, style):
    text = yaml.dump({"k": value}, Dumper=Dumper, default_flow_style=style, allow_unicode=True, width=40)
    document = load(text.encode(), file="f")

    spans = {place: (span.start, span.end) for place in document.marks if (span := document.span(place))}

    assert spans == dict(nodes(yaml.compose(text, Loader=LOADER[0])))
    assert all(document.position_at(start) >= document.position(place) for place, (start, _) in spans.items())


INDICATORS = st.text("ab1 \n\t:-?[]{},&*!|>'\"%@`#.<~\\\r\0\ufeff\u2028é", max_size=60)


def read_or_refused(data):
    try:
        return load(data, file="f")
    except InvalidFileError as error:
        return error


@given(st.binary(max_size=300) | INDICATORS.map(str.encode))
def test_any_bytes_are_read_or_refused_in_words_that_a_terminal_can_show(data):
    match read_or_refused(data):
        case InvalidFileError() as error:
            assert 1 <= len(error.findings) <= 100
            assert all(1 <= each.line <= data.count(b"\n") + 2 and each.column >= 1 for each in error.findings)
            assert str(error).replace("\n", "").isprintable()
        case document:
            assert isinstance(document.value, dict)
