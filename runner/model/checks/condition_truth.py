"""Whether a condition always or never holds: tried with every kind of value that its comparisons tell apart."""

import copy
import operator
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import field
from functools import lru_cache
from itertools import pairwise, product
from math import prod
from typing import Any

from jinja2 import nodes

from runner.core.deferred import dataclass
from runner.model.checks.condition import parse
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
_UNKNOWN = object()
_WITH_ITSELF = frozenset({"eq", "lteq", "gteq"})
"""How everything compares with itself."""


@dataclass
class _Term:
    """A part of a condition that only a run can tell, and the constants that it is compared with."""

    node: nodes.Node
    constants: list[Any] = field(default_factory=list)

    def values(self) -> list[Any]:
        """A value of each kind that the comparisons tell apart; true and false where there are none."""
        if not self.constants:
            return [True, False]
        is_text = any(isinstance(constant, str) for constant in self.constants)
        change = _CHANGED.get(_name(self.node), str)
        usual = map(change, _TEXTS) if is_text else _USUAL.get(getattr(self.node, "name", ""), ())
        # Without a match, which is never empty, it gives nothing at all.
        none = [None] if _name(self.node) == "regex_search" else []
        return [value for value in (*none, *_around(self.constants), *usual) if _possible(self.node, value)]


@lru_cache(maxsize=4096)
def always(expression: str, *, holds: bool) -> bool:
    """Whether `expression` is `holds` whatever a run shows."""
    node = parse(expression)
    if node is None:
        return False
    try:
        found = [bool(_value(node, each)) for each in _tried(_terms(node))]
    except TypeError:
        return False
    return bool(found) and all(each is holds for each in found)


def _tried(terms: Mapping[str, _Term], **fixed: Any) -> Iterator[Mapping[str, Any]]:
    """Every combination of values for `terms`, those that are `fixed` aside; none where there are too many."""
    values = [[fixed[text]] if text in fixed else term.values() for text, term in terms.items()]
    for each in product(*values) if prod(map(len, values)) <= _MOST else ():
        yield dict(zip(terms, each, strict=True))


def met_by_default(expression: str, names: Collection[str]) -> Iterator[nodes.Filter]:
    """The `default` filters after a part of one of `names` with which `expression` may hold where that is not there.

    A default that is false or empty is none: many services leave out what is so.
    """
    whole = nodes.Not(parse(expression))
    for number, each in enumerate(whole.find_all(nodes.Filter) if whole.node else ()):
        of_answers = each.node and any(name.name in names for name in nodes.Not(each.node).find_all(nodes.Name))
        value = _constant(each.args[0]) if _name(each) in {"default", "d"} and each.args and of_answers else None
        if not (value or type(value) in {int, float}) or value is _UNKNOWN:
            continue
        root = copy.deepcopy(whole)  # others have the same tree
        _replace(root, [*root.find_all(nodes.Filter)][number], each.args[0])
        if any(_holds(root.node, values) for values in _tried(_terms(root.node))):
            yield each


def _replace(tree: nodes.Node, old: nodes.Node, new: nodes.Node) -> None:
    """Put `new` in the place of what is `old` itself below `tree`."""
    for key, value in tree.iter_fields():
        if value is old:
            setattr(tree, key, new)
        elif isinstance(value, list):
            setattr(tree, key, [new if each is old else each for each in value])
    for child in tree.iter_child_nodes():
        if child is not new:
            _replace(child, old, new)


def met_by_zero(expression: str) -> Iterator[nodes.Filter]:
    """The conversions of anything to a number by which `expression` may hold where that makes 0 of what is none."""
    node = parse(expression)
    terms = _terms(node)
    for text, term in terms.items():
        converted = term.node
        if not isinstance(converted, nodes.Filter) or converted.name not in {"int", "float"} or _has_number(converted):
            continue
        if any(_holds(node, values) for values in _tried(terms, **{text: 0})):
            yield converted


def _has_number(conversion: nodes.Filter) -> bool:
    """Whether there is a number in any case: a count, a result of arithmetic, or the default that somebody gave."""
    inner = conversion.node
    number = isinstance(inner, nodes.BinExpr) or (inner is not None and _counts(inner))
    return bool(conversion.args or conversion.kwargs) or number


def _holds(node: nodes.Expr | None, values: Mapping[str, Any]) -> bool:
    try:
        return node is not None and bool(_value(node, values))
    except TypeError:
        return False


def accepts(expression: str, **values: Any) -> bool:
    """Whether `expression` asks for nothing but the names in `values`, and holds with them."""
    node, names = parse(expression), plain_names(expression)
    if node is None or not names or not values.keys() >= set(names.values()):
        return False
    return _holds(node, {text: values[name] for text, name in names.items()})


def plain_names(expression: str) -> Mapping[str, str]:
    """The names that `expression` compares with constants, by the node that stands for each; none if it does more."""
    terms = _terms(parse(expression))
    names = {text: term.node.name for text, term in terms.items() if isinstance(term.node, nodes.Name)}
    return names if len(names) == len(terms) else {}


def _terms(node: nodes.Node | None) -> dict[str, _Term]:
    """The parts of the condition `node` that only a run can tell, each by how it is written."""
    terms: dict[str, _Term] = {}
    if node is not None:
        _collect(node, terms)
    return terms


def _collect(node: nodes.Node, terms: dict[str, _Term]) -> None:
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
        case _ if _constant(node) is _UNKNOWN:
            terms.setdefault(_text(node), _Term(node))


def _compared(node: nodes.Expr, other: nodes.Expr, terms: dict[str, _Term], *, inside: bool = False) -> None:
    """Note the constant `other` for the term `node`; each of its items where `node` is looked for `inside` of it."""
    if _constant(node) is not _UNKNOWN or node == other:
        return
    constant = _constant(other)
    constants = constant if inside and isinstance(constant, list | tuple) else [constant]
    terms.setdefault(_text(node), _Term(node)).constants.extend(constants)


def _plain(node: nodes.Compare) -> bool:
    """Whether it compares something with constants, or with itself, by operators that are known here."""
    return all(
        op in _OPERATORS and (left == right or _UNKNOWN not in (_constant(left), _constant(right)) or _one(left, right))
        for left, op, right in _pairs(node)
    )


def _one(left: nodes.Expr, right: nodes.Expr) -> bool:
    return (_constant(left) is _UNKNOWN) is not (_constant(right) is _UNKNOWN)


def _pairs(node: nodes.Compare) -> list[tuple[nodes.Expr, str, nodes.Expr]]:
    sides = [node.expr, *(operand.expr for operand in node.ops)]
    return [(left, operand.op, right) for (left, right), operand in zip(pairwise(sides), node.ops, strict=True)]


@lru_cache(maxsize=4096)
def _text(node: nodes.Node) -> str:
    """How `node` is written; a list of all exit codes is long, and asked for with every value that is tried."""
    return repr(node)


@lru_cache(maxsize=4096)
def _constant(node: nodes.Node) -> Any:
    """What `node` is in every run; `_UNKNOWN` when only the run can tell."""
    if isinstance(node, nodes.Test):
        return _tested(node)
    try:
        return node.as_const() if isinstance(node, nodes.Expr) else _UNKNOWN
    except nodes.Impossible:
        return _UNKNOWN


def _tested(test: nodes.Test) -> Any:
    """What `test` gives in every run; `_UNKNOWN` when only the run can tell."""
    name, tested = test.name.rpartition(".")[2], test.node
    if name == "defined" and not isinstance(tested, nodes.Getattr | nodes.Getitem):
        return True if getattr(tested, "name", "") in _RESULTS or not isinstance(tested, nodes.Name) else _UNKNOWN
    if name in _TYPED and (found := node_type(tested, _TYPES)):
        return issubclass(found, _TYPED[name])
    match test.args:
        case [nodes.Const(value=str() as pattern), *_] if name in _SEARCHES:
            return True if all(_SEARCHES[name](pattern, text) for text in _TEXTS) else _UNKNOWN
    return _UNKNOWN


def _value(node: nodes.Node, values: Mapping[str, Any]) -> Any:
    match node:
        case nodes.And():
            return _value(node.left, values) and _value(node.right, values)
        case nodes.Or():
            return _value(node.left, values) or _value(node.right, values)
        case nodes.Not():
            return not _value(node.node, values)
        case nodes.Compare() if _text(node) not in values and _plain(node):
            return all(
                _OPERATORS[op](_value(left, values), _value(right, values)) if left != right else op in _WITH_ITSELF
                for left, op, right in _pairs(node)
            )
    constant = _constant(node)
    return values[_text(node)] if constant is _UNKNOWN else constant


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
        changed = _CHANGED.get(_name(node), str)
        return changed(value) == value and (value != "" or _name(node) != "regex_search")
    if not isinstance(value, int | float) or isinstance(value, bool):
        return True
    name = node.name if isinstance(node, nodes.Name) else ""
    if name in {"rc", "status"}:
        return value in (range(256) if name == "rc" else (-1, *range(100, 600)))
    return value >= 0 if _counts(node) else True


def _name(node: nodes.Node) -> str:
    """The filter that `node` goes through last; empty for none."""
    return node.name.rpartition(".")[2] if isinstance(node, nodes.Filter) else ""


def _counts(node: nodes.Node) -> bool:
    """Whether it is a number of things, which is never less than 0."""
    if isinstance(node, nodes.Filter):
        whole = node.name in {"int", "float", "abs"} and node.node is not None
        return node.name in {"length", "count", "abs"} or (whole and node.node is not None and _counts(node.node))
    return isinstance(node, nodes.Getattr) and node.attr.rpartition("_")[2] in _COUNTS
