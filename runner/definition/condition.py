"""What can be told of a condition without running it: the names it needs, and whether it always or never holds."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from jinja2 import Environment, TemplateSyntaxError, meta, nodes

_JINJA = Environment(autoescape=False)  # noqa: S701 - nothing is rendered
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
_OPPOSITES = {("eq", "ne"), ("lt", "gteq"), ("gt", "lteq"), ("in", "notin")}
# What a result may be, the bad as well as the good: a condition that all of these fulfil can not fail.
_SAMPLES: Mapping[str, tuple[Any, ...]] = {
    "rc": (0, 1, 2, 3, 22, 124, 127, 255),
    "status": (-1, 200, 204, 302, 400, 404, 500, 503),
    "stdout": ("", "ok", "error: it does not work", "0", "1"),
    "stderr": ("", "error: it does not work"),
    "content": ("", "ok", "error: it does not work"),
    "rows": ([], [{}]),
}
_COUNTS = ("count", "number", "total", "length", "size")


class _UnknownError(Exception):
    """The value depends on what only a run can tell."""


def names(expression: str) -> frozenset[str]:
    """The variables that an expression needs; none where it is no expression."""
    try:
        return frozenset(meta.find_undeclared_variables(_JINJA.parse(f"{{{{ {expression} }}}}")))
    except (TemplateSyntaxError, RecursionError):
        return frozenset()


def names_in(template: str) -> frozenset[str]:
    """The variables that a text with templates in it needs; none where it is no template."""
    try:
        return frozenset(meta.find_undeclared_variables(_JINJA.parse(template)))
    except (TemplateSyntaxError, RecursionError):
        return frozenset()


def parse(expression: str) -> nodes.Expr | None:
    """The one expression that `expression` is."""
    try:
        body = _JINJA.parse(f"{{{{ {expression} }}}}").body
    except (TemplateSyntaxError, RecursionError):
        return None
    match body:
        case [nodes.Output(nodes=[nodes.Expr() as found])]:
            return found
    return None


def always(expression: str, *, holds: bool) -> bool:
    """Whether `expression` is `holds` whatever a run shows."""
    node = parse(expression)
    return node is not None and (_always(node, holds) or _sampled(node, holds))


def comparisons(expression: str) -> Iterator[nodes.Compare]:
    """Every comparison in `expression`."""
    node = parse(expression)
    if isinstance(node, nodes.Compare):
        yield node
    elif node is not None:
        yield from node.find_all(nodes.Compare)


def _sampled(node: nodes.Expr, holds: bool) -> bool:  # noqa: FBT001 - one of two answers
    used = {each.name for each in node.find_all(nodes.Name)}
    used |= {node.name} if isinstance(node, nodes.Name) else set()
    if len(used) != 1 or not (samples := _SAMPLES.get(next(iter(used)), ())):
        return False
    try:
        return all(bool(_value(node, {next(iter(used)): sample})) is holds for sample in samples)
    except (_UnknownError, TypeError):
        return False


def _always(node: nodes.Node, holds: bool) -> bool:  # noqa: FBT001 - one of two answers
    match node:
        case nodes.Const():
            return bool(node.value) is holds
        case nodes.Not():
            return _always(node.node, not holds)
        case nodes.Or() | nodes.And():
            enough = isinstance(node, nodes.Or) is holds
            sides = (_always(node.left, holds), _always(node.right, holds))
            if not enough:
                return all(sides)
            return any(sides) or _opposite(node.left, node.right) or _bounded(node, holds)
        case nodes.Compare():
            return len(node.ops) == 1 and _compared(node.expr, node.ops[0], holds)
    return False


def _bounded(node: nodes.And | nodes.Or, holds: bool) -> bool:  # noqa: FBT001 - one of two answers
    """Whether two bounds of the same thing leave nothing between them, or (one of them is enough) nothing outside."""
    bounds = [each for part in _parts(node, type(node)) if isinstance(part, nodes.Compare) for each in _bound(part)]
    exact = set() if holds else {"eq"}
    lows = [each for each in bounds if each[1] in {"gt", "gteq"} | exact]
    highs = [each for each in bounds if each[1] in {"lt", "lteq"} | exact]
    return any(what == other and _meet(low, high, holds) for what, *low in lows for other, *high in highs)


def _meet(low: Sequence[Any], high: Sequence[Any], holds: bool) -> bool:  # noqa: FBT001 - one of two answers
    (low_op, lowest), (high_op, highest) = low, high
    if lowest != highest:
        return bool(lowest < highest) is holds
    return (low_op, high_op) != ("gt", "lt") if holds else low_op == "gt" or high_op == "lt"


def _parts(node: nodes.Expr, kind: type[nodes.And | nodes.Or]) -> Iterator[nodes.Expr]:
    """What is joined by `and`, or by `or`."""
    if isinstance(node, kind):
        yield from _parts(node.left, kind)
        yield from _parts(node.right, kind)
    else:
        yield node


def _bound(node: nodes.Compare) -> Iterator[tuple[nodes.Expr, str, float]]:
    if len(node.ops) == 1 and isinstance(node.ops[0].expr, nodes.Const):
        value = node.ops[0].expr.value
        if isinstance(value, int | float) and not isinstance(value, bool):
            yield node.expr, node.ops[0].op, value


def _compared(left: nodes.Expr, operand: nodes.Operand, holds: bool) -> bool:  # noqa: FBT001
    if left == operand.expr and operand.op in _OPERATORS:
        return (operand.op in {"eq", "lteq", "gteq"}) is holds and operand.op not in {"in", "notin"}
    if not (_counts(left) and isinstance(operand.expr, nodes.Const | nodes.Neg)):
        return False
    try:
        limit = _value(operand.expr, {})
        return bool(holds and {"gteq": limit <= 0, "gt": limit < 0, "ne": limit < 0}.get(operand.op)) or bool(
            not holds and {"lt": limit <= 0, "lteq": limit < 0, "eq": limit < 0}.get(operand.op)
        )
    except (_UnknownError, TypeError):
        return False


def _counts(node: nodes.Node) -> bool:
    """Whether it is a number of things, which is never less than 0."""
    if isinstance(node, nodes.Filter):
        return node.name in {"length", "count"} or (node.name == "int" and node.node is not None and _counts(node.node))
    return isinstance(node, nodes.Getattr) and node.attr.rpartition("_")[2] in _COUNTS


def _opposite(one: nodes.Node, other: nodes.Node) -> bool:
    """Whether exactly one of the two holds, always."""
    for left, right in ((one, other), (other, one)):
        if isinstance(left, nodes.Not) and left.node == right:
            return True
        if isinstance(left, nodes.Compare) and isinstance(right, nodes.Compare) and left.expr == right.expr:
            (a, *_), (b, *_) = left.ops, right.ops
            if (a.op, b.op) in _OPPOSITES and a.expr == b.expr:
                return True
    return False


def _value(node: nodes.Node, known: Mapping[str, Any]) -> Any:
    match node:
        case nodes.Const():
            return node.value
        case nodes.Name() if node.name in known:
            return known[node.name]
        case nodes.List() | nodes.Tuple():
            return [_value(item, known) for item in node.items]
        case nodes.Filter() if node.node is not None and node.name in _FILTERS and not node.args:
            return _FILTERS[node.name](_value(node.node, known))
        case nodes.Test() if node.name == "defined":
            return _value(node.node, known) is not None
    return _logic(node, known)


def _logic(node: nodes.Node, known: Mapping[str, Any]) -> Any:
    match node:
        case nodes.Neg():
            return -_value(node.node, known)
        case nodes.Not():
            return not _value(node.node, known)
        case nodes.And():
            return _value(node.left, known) and _value(node.right, known)
        case nodes.Or():
            return _value(node.left, known) or _value(node.right, known)
        case nodes.Compare():
            return _chain(node, known)
    raise _UnknownError


_FILTERS: Mapping[str, Callable[[Any], Any]] = {"length": len, "count": len, "trim": lambda text: str(text).strip()}


def _chain(node: nodes.Compare, known: Mapping[str, Any]) -> bool:
    left = _value(node.expr, known)
    for operand in node.ops:
        right = _value(operand.expr, known)
        if not _OPERATORS[operand.op](left, right):
            return False
        left = right
    return True
