"""A dataclass or a regular expression of ours does what one of the standard library does, and is compiled when it is used."""

from __future__ import annotations

import copy
import dataclasses
import pickle
import re
import subprocess
import sys
from dataclasses import field
from typing import Any, ClassVar

import pytest

from runner.core.deferred import dataclass, regex


def classes(dataclass: Any) -> dict[str, Any]:
    """The same classes, made by the one `dataclass` or by the other."""

    @dataclass
    class Plain:
        a: int
        b: list[int] = field(default_factory=list)

    @dataclass(slots=True)
    class Slots:
        a: int
        b: str = "b"

    @dataclass(frozen=True)
    class Frozen:
        """With a documentation, a default that is a class attribute, and a class variable."""

        a: int
        b: str = "b"
        c: ClassVar[int] = 5

        def twice(self) -> int:
            return self.a * 2

    @dataclass(frozen=True, slots=True)
    class Both:
        a: int
        hidden: str = field(default="b", repr=False)
        aside: int = field(default=0, compare=False)
        made: tuple[int, ...] = field(default=(), init=False)

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Named:
        a: int
        b: int = 2

    @dataclass(frozen=True)
    class Empty:
        pass

    @dataclass(frozen=True)
    class Checked:
        a: int

        def __post_init__(self) -> None:
            if self.a < 0:
                raise ValueError("less than nothing")

    @dataclass(frozen=True)
    class Own:  # noqa: PLW1641 - that is what is tried
        a: int

        def __repr__(self) -> str:
            return "mine"

        def __eq__(self, other: object) -> bool:
            return isinstance(other, Own)

    @dataclass(frozen=True)
    class Hashed:
        a: dict[str, int]

        def __hash__(self) -> int:
            return 5

    @dataclass(frozen=True)
    class Extended(Frozen):
        d: int = 4

    return {name: value for name, value in locals().items() if isinstance(value, type)}


STOCK, OURS = classes(dataclasses.dataclass), classes(dataclass)
CALLS = {
    "Plain": [((1,), {}), ((1, [2]), {}), ((), {"a": 1}), ((), {}), ((1, 2, 3), {}), ((1,), {"x": 1})],
    "Slots": [((1,), {}), ((1, "c"), {}), ((), {})],
    "Frozen": [((1,), {}), ((1, "c"), {}), ((), {"b": "c", "a": 1}), ((), {})],
    "Both": [((1,), {}), ((1, "x", 3), {}), ((1,), {"made": (1,)})],
    "Named": [((), {"a": 1}), ((1,), {}), ((), {})],
    "Empty": [((), {}), ((1,), {})],
    "Checked": [((1,), {}), ((-1,), {})],
    "Own": [((1,), {})],
    "Hashed": [(({"a": 1},), {})],
    "Extended": [((1,), {}), ((1, "b", 5), {}), ((), {})],
}


def said(what: Any) -> Any:
    """What came of it, or the words of what was raised."""
    try:
        return what()
    except Exception as error:  # noqa: BLE001 - of any kind
        return type(error), str(error)


def behaviour(kind: Any, words: tuple[Any, ...], named: dict[str, Any]) -> list[Any]:
    """Everything that an object made like that does, in words."""
    first = said(lambda: kind(*words, **named))
    if not isinstance(first, kind):
        return [first]
    other, changed = kind(*words, **named), dataclasses.replace(first, a=7) if hasattr(first, "a") else first
    return [
        repr(first).replace(kind.__qualname__, "it"),
        *(first == other, first != other, first == changed, first == 5, changed == first),
        said(lambda: hash(first) == hash(other)),
        said(lambda: setattr(first, "a", 3)),
        said(lambda: setattr(first, "unknown", 3)) if not hasattr(first, "__slots__") else "",
        dataclasses.asdict(first),
        dataclasses.astuple(other),
        [(each.name, each.type, each.init, each.kw_only) for each in dataclasses.fields(kind)],
        copy.copy(other) == other,
        copy.deepcopy(other) == other,
        said(lambda: delattr(first, "a")),
        [dataclasses.is_dataclass(kind), kind.__match_args__, kind.__doc__ and kind.__doc__.split("(")[0]],
    ]


@pytest.mark.parametrize(("name", "call"), [(name, call) for name, calls in CALLS.items() for call in calls])
def test_it_does_what_one_of_the_standard_library_does(name, call):
    assert behaviour(OURS[name], *call) == behaviour(STOCK[name], *call)


@dataclass(frozen=True, slots=True)
class Kept:
    """One that can be pickled: it has a name in its module."""

    a: int
    b: str = "b"


def test_it_can_be_pickled():
    assert pickle.loads(pickle.dumps(Kept(3))) == Kept(3)


def test_what_extends_a_frozen_one_must_be_frozen():
    with pytest.raises(TypeError, match="non-frozen"):

        @dataclass
        class Changing(OURS["Frozen"]):
            d: int = 4


def test_no_method_is_compiled_before_it_is_needed():
    # Given a program that counts what it compiles
    program = """
import dataclasses, sys
made = []
stock = dataclasses._create_fn
dataclasses._create_fn = lambda name, *words, **named: made.append(name) or stock(name, *words, **named)
from runner.core.deferred import dataclass, regex

@dataclass(frozen=True, slots=True)
class One:
    "It has a documentation."
    a: int

print(made)
One(1), One(2)
print(made.count("__init__"), "__eq__" in made, One(1) == One(1), One(1))
"""

    # When it makes a class, and then objects of it
    lines = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout

    # Then `__init__` is compiled once, and nothing else that an object has
    assert lines.splitlines() == ["[]", "1 False True One(a=1)"]


@pytest.mark.parametrize("text", ["RUN-001", "run-001", "nothing", ""])
def test_it_does_what_a_compiled_one_does(text):
    ours, stock = (made(r"(?P<kind>RUN)-([0-9]+)", re.IGNORECASE) for made in (regex, re.compile))

    def everything(pattern):
        found = pattern.fullmatch(text)
        return (
            found and (found[0], found["kind"], found.span()),
            pattern.sub(r"<\2>", text),
            pattern.split(text),
            pattern.findall(text),
            [each[0] for each in pattern.finditer(text)],
            (pattern.pattern, pattern.flags, pattern.groups),
        )

    assert everything(ours) == everything(stock)


def test_bytes_are_matched_by_bytes():
    assert regex(rb"b+").findall(b"abba") == [b"bb"]


def test_what_is_wrong_is_told_when_it_is_used():
    wrong = regex("(")
    with pytest.raises(re.error, match="unterminated"):
        wrong.search("a")


def test_what_it_has_not_is_missing_as_in_a_compiled_one():
    with pytest.raises(AttributeError):
        _ = regex("a").unknown


def test_nothing_is_compiled_before_it_is_used():
    program = (
        "import re\n"
        "from runner.core.deferred import regex\n"
        "made = []; stock = re.compile\n"
        "re.compile = lambda *words: made.append(words[0]) or stock(*words)\n"
        "one = regex('a'); print(made); one.search('a'); one.search('b'); one.match('a'); print(made)"
    )
    lines = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert lines.splitlines() == ["[]", "['a', 'a']"]
