"""Whether a condition always or never holds: tried with every kind of value that its comparisons tell apart."""

import copy
from collections.abc import Collection, Iterator, Mapping
from functools import lru_cache
from typing import Any

from jinja2 import nodes

from runner.model.checks.condition import parse
from runner.model.checks.condition_terms import (
    UNKNOWN,
    constant_of,
    filter_name,
    holds_with,
    is_count,
    terms_of,
    tried,
    value_of,
)

_NOTHING: Mapping[str, int] = {"rc": 255, "status": -1}
"""The exit code and the status where nothing is there."""


@lru_cache(maxsize=4096)
def always(expression: str, *, holds: bool) -> bool:
    """Whether `expression` is `holds` whatever a run shows."""
    node = parse(expression)
    if node is None:
        return False
    try:
        found = [bool(value_of(node, each)) for each in tried(terms_of(node))]
    except TypeError:
        return False
    return bool(found) and all(each is holds for each in found)


def met_by_default(expression: str, names: Collection[str]) -> Iterator[nodes.Filter]:
    """The `default` filters after a part of one of `names` with which `expression` may hold where that is not there.

    A default that is false or empty is none: many services leave out what is so.
    """
    whole = nodes.Not(parse(expression))
    for number, each in enumerate(whole.find_all(nodes.Filter) if whole.node else ()):
        of_answers = each.node and any(name.name in names for name in nodes.Not(each.node).find_all(nodes.Name))
        value = (
            constant_of(each.args[0]) if filter_name(each) in {"default", "d"} and each.args and of_answers else None
        )
        if not (value or type(value) in {int, float}) or value is UNKNOWN:
            continue
        root = copy.deepcopy(whole)  # others have the same tree
        _replace(root, [*root.find_all(nodes.Filter)][number], each.args[0])
        if any(holds_with(root.node, values) for values in tried(terms_of(root.node))):
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
    terms = terms_of(node)
    for text, term in terms.items():
        converted = term.node
        if not isinstance(converted, nodes.Filter) or converted.name not in {"int", "float"} or _has_number(converted):
            continue
        if any(holds_with(node, values) for values in tried(terms, **{text: 0})):
            yield converted


def _has_number(conversion: nodes.Filter) -> bool:
    """Whether there is a number in any case: a count, a result of arithmetic, or the default that somebody gave."""
    inner = conversion.node
    number = isinstance(inner, nodes.BinExpr) or (inner is not None and is_count(inner))
    return bool(conversion.args or conversion.kwargs) or number


def accepts(expression: str, **values: Any) -> bool:
    """Whether `expression` asks for nothing but the names in `values`, and holds with them."""
    node, names = parse(expression), plain_names(expression)
    if node is None or not names or not values.keys() >= set(names.values()):
        return False
    return holds_with(node, {text: values[name] for text, name in names.items()})


def plain_names(expression: str) -> Mapping[str, str]:
    """The names that `expression` compares with constants, by the node that stands for each; none if it does more."""
    terms = terms_of(parse(expression))
    names = {text: term.node.name for text, term in terms.items() if isinstance(term.node, nodes.Name)}
    return names if len(names) == len(terms) else {}


def met_by_nothing(expression: str) -> bool:
    """Whether `expression` holds where every number is 0, every text is empty, and nobody answers."""
    node = parse(expression)
    terms = terms_of(node)
    values: dict[str, Any] = {}
    for text, term in terms.items():
        empty = "" if any(isinstance(each, str) for each in term.constants) else 0
        values[text] = _NOTHING.get(getattr(term.node, "name", ""), empty)
    return all(term.constants for term in terms.values()) and holds_with(node, values)
