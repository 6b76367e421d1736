"""The parts of a condition that only a run can tell, with values that its comparisons tell apart, and what it gives."""

import operator
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import field
from functools import lru_cache
from itertools import pairwise, product
from math import prod
from typing import Any

from jinja2 import nodes

from runner.core.deferred import dataclass
from runner.model.checks.condition_type import OF_RESULTS, node_type

_OPERATORS: Mapping[str, Callable[[Any, Any], Any]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "lt": operator.lt,
    "lteq": operator.le,
    "gt": operator.gt,
    "gteq": operator.ge,
    "in": lambda item, items: item in items,
    "notin": lambda item, items: item not in items,
}
_MOST = 5_000
"""Combinations of values that are tried; a condition with more of them is taken for one that can go either way."""

_RESULTS = frozenset({"rc", "status", "stdout", "stderr", "content", "rows", "row"})
_TYPED: Mapping[str, type | tuple[type, ...]] = {
    "string": str,
    "number": int,
    "mapping": dict,
    "sequence": (str, list, dict),
    "iterable": (str, list, dict),
    "none": type(None),
}
"""What a value is of which a test is true, whatever it holds."""

_TYPES = {
    name: found for name, found in OF_RESULTS.items() if name != "status"
}  # which is a text of an instance of RDS
_SEARCHES: Mapping[str, Callable[[str, str], Any]] = {"search": re.search, "regex": re.search, "match": re.match}
# What an exit code and a status may be; -1 is told where nobody answered.
_USUAL: Mapping[str, Sequence[int]] = {"rc": (0, 1, 255), "status": (-1, 100, 200, 404, 599)}
_TEXTS = ("", "ok", "error: it does not work")
_CHANGED: Mapping[str, Callable[[str], str]] = {"lower": str.lower, "upper": str.upper, "trim": str.strip}
_COUNTS = frozenset({"count", "number", "total", "length", "size"})
UNKNOWN = object()
_WITH_ITSELF = frozenset({"eq", "lteq", "gteq"})
"""How everything compares with itself."""


@dataclass
class Term:
    """A part of a condition that only a run can tell, and the constants that it is compared with."""

    node: nodes.Node
    constants: list[Any] = field(default_factory=list)

    def values(self) -> list[Any]:
        """A value of each kind that the comparisons tell apart; true and false where there are none."""
        if not self.constants:
            return [True, False]
        is_text = any(isinstance(constant, str) for constant in self.constants)
        change = _CHANGED.get(filter_name(self.node), str)
        usual = map(change, _TEXTS) if is_text else _USUAL.get(getattr(self.node, "name", ""), ())
        # Without a match, which is never empty, it gives nothing at all.
        none = [None] if filter_name(self.node) == "regex_search" else []
        return [value for value in (*none, *_around(self.constants), *usual) if _possible(self.node, value)]


def tried(terms: Mapping[str, Term], **fixed: Any) -> Iterator[Mapping[str, Any]]:
    """Every combination of values for `terms`, those that are `fixed` aside; none where there are too many."""
    values = [[fixed[text]] if text in fixed else term.values() for text, term in terms.items()]
    for each in product(*values) if prod(map(len, values)) <= _MOST else ():
        yield dict(zip(terms, each, strict=True))


def holds_with(node: nodes.Expr | None, values: Mapping[str, Any]) -> bool:
    """Whether the condition `node` holds with the `values` of its terms; no where these cannot be compared."""
    try:
        return node is not None and bool(value_of(node, values))
    except TypeError:
        return False


def terms_of(node: nodes.Node | None) -> dict[str, Term]:
    """The parts of the condition `node` that only a run can tell, each by how it is written."""
    terms: dict[str, Term] = {}
    if node is not None:
        _collect(node, terms)
    return terms


def _collect(node: nodes.Node, terms: dict[str, Term]) -> None:
    match node:
        case nodes.And() | nodes.Or():
            _collect(node.left, terms)
            _collect(node.right, terms)
        case nodes.Not():
            _collect(node.node, terms)
        case nodes.Compare() if _plain(node):
            for left, op, right in _pairs(node):
                _compared(left, right, terms, inside=op in {"in", "notin"})
                _compared(right, left, terms)
        case _ if constant_of(node) is UNKNOWN:
            terms.setdefault(_text(node), Term(node))


def _compared(node: nodes.Expr, other: nodes.Expr, terms: dict[str, Term], *, inside: bool = False) -> None:
    """Note the constant `other` for the term `node`; each of its items where `node` is looked for `inside` of it."""
    if constant_of(node) is not UNKNOWN or node == other:
        return
    constant = constant_of(other)
    constants = constant if inside and isinstance(constant, list | tuple) else [constant]
    terms.setdefault(_text(node), Term(node)).constants.extend(constants)


def _plain(node: nodes.Compare) -> bool:
    """Whether it compares something with constants, or with itself, by operators that are known here."""
    return all(
        op in _OPERATORS
        and (left == right or UNKNOWN not in (constant_of(left), constant_of(right)) or _one(left, right))
        for left, op, right in _pairs(node)
    )


def _one(left: nodes.Expr, right: nodes.Expr) -> bool:
    return (constant_of(left) is UNKNOWN) is not (constant_of(right) is UNKNOWN)


def _pairs(node: nodes.Compare) -> list[tuple[nodes.Expr, str, nodes.Expr]]:
    sides = [node.expr, *(operand.expr for operand in node.ops)]
    return [(left, operand.op, right) for (left, right), operand in zip(pairwise(sides), node.ops, strict=True)]


@lru_cache(maxsize=4096)
def _text(node: nodes.Node) -> str:
    """How `node` is written; a list of all exit codes is long, and asked for with every value that is tried."""
    return repr(node)


@lru_cache(maxsize=4096)
def constant_of(node: nodes.Node) -> Any:
    """What `node` is in every run; `UNKNOWN` when only the run can tell."""
    if isinstance(node, nodes.Test):
        return _tested(node)
    try:
        return node.as_const() if isinstance(node, nodes.Expr) else UNKNOWN
    except nodes.Impossible:
        return UNKNOWN


def _tested(test: nodes.Test) -> Any:
    """What `test` gives in every run; `UNKNOWN` when only the run can tell."""
    name, tested = test.name.rpartition(".")[2], test.node
    if name == "defined" and not isinstance(tested, nodes.Getattr | nodes.Getitem):
        return True if getattr(tested, "name", "") in _RESULTS or not isinstance(tested, nodes.Name) else UNKNOWN
    if name in _TYPED and (found := node_type(tested, _TYPES)):
        return issubclass(found, _TYPED[name])
    match test.args:
        case [nodes.Const(value=str() as pattern), *_] if name in _SEARCHES:
            return True if all(_SEARCHES[name](pattern, text) for text in _TEXTS) else UNKNOWN
    return UNKNOWN


def value_of(node: nodes.Node, values: Mapping[str, Any]) -> Any:
    """What `node` gives with the `values` of its terms.

    Raises:
        TypeError: two of them cannot be compared.
    """
    match node:
        case nodes.And():
            return value_of(node.left, values) and value_of(node.right, values)
        case nodes.Or():
            return value_of(node.left, values) or value_of(node.right, values)
        case nodes.Not():
            return not value_of(node.node, values)
        case nodes.Compare() if _text(node) not in values and _plain(node):
            return all(
                _OPERATORS[op](value_of(left, values), value_of(right, values)) if left != right else op in _WITH_ITSELF
                for left, op, right in _pairs(node)
            )
    constant = constant_of(node)
    return values[_text(node)] if constant is UNKNOWN else constant


def _around(constants: Iterable[Any]) -> list[Any]:
    """The constants, and what lies between and beyond them."""
    numbers = sorted({each for each in constants if isinstance(each, int | float) and not isinstance(each, bool)})
    found: list[Any] = [each for each in constants if each not in numbers]
    found += [True, False, None] if any(each is None or isinstance(each, bool) for each in constants) else []
    found += [[], *([each] for each in constants)] if any(isinstance(each, list) for each in constants) else []
    for number in numbers:
        found += [number - 1, number, number + 1]
    found += [(one + other) / 2 for one, other in pairwise(numbers)]
    return found + ([-1_000_000, 1_000_000] if numbers else [])


def _possible(node: nodes.Node, value: Any) -> bool:
    """Whether what `node` stands for can have the `value`."""
    if isinstance(value, str):
        changed = _CHANGED.get(filter_name(node), str)
        return changed(value) == value and (value != "" or filter_name(node) != "regex_search")
    if not isinstance(value, int | float) or isinstance(value, bool):
        return True
    name = node.name if isinstance(node, nodes.Name) else ""
    if name in {"rc", "status"}:
        return value in (range(256) if name == "rc" else (-1, *range(100, 600)))
    return value >= 0 if is_count(node) else True


def filter_name(node: nodes.Node) -> str:
    """The filter that `node` goes through last; empty for none."""
    return node.name.rpartition(".")[2] if isinstance(node, nodes.Filter) else ""


def is_count(node: nodes.Node) -> bool:
    """Whether it is a number of things, which is never less than 0."""
    if isinstance(node, nodes.Filter):
        whole = node.name in {"int", "float", "abs"} and node.node is not None
        return node.name in {"length", "count", "abs"} or (whole and node.node is not None and is_count(node.node))
    return isinstance(node, nodes.Getattr) and node.attr.rpartition("_")[2] in _COUNTS
