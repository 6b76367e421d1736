"""What an expression gives whatever a run shows, as far as it is written: true or false, a text, a number or a list."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from jinja2 import nodes

from runner.model.checks.condition import parse

OF_RESULTS: Mapping[str, type] = MappingProxyType(
    {"stdout": str, "stderr": str, "content": str, "rc": int, "status": int, "rows": list, "row": dict}
)
"""The type of each name of a result, where that is always the same."""

_FILTERS: Mapping[str, type] = {
    **dict.fromkeys(("length", "count", "int", "float", "abs", "round", "sum"), int),
    **dict.fromkeys(("trim", "lower", "upper", "replace", "join", "string", "quote", "to_json", "to_yaml"), str),
    **dict.fromkeys(("regex_replace", "b64decode", "b64encode", "hash", "basename", "dirname"), str),
    **dict.fromkeys(("list", "sort", "unique", "map", "select", "reject", "selectattr", "rejectattr"), list),
    "bool": bool,
}

_WORDS: Mapping[type, tuple[str, str]] = {
    str: ("a text", '{} == "ready"'),
    **dict.fromkeys((int, float), ("a number", "{} == 0")),
    **dict.fromkeys((list, dict, tuple), ("a collection", "{} | length > 0")),
    type(None): ("null", "{} is not none"),
}
"""What a value of each type is that is no truth, and a condition about one."""


def neither(part: str, found: type) -> tuple[str, str]:
    """What is wrong with a condition that is the `part`, of the type `found` and compared with nothing; the remedy."""
    what, example = _WORDS.get(found, ("no truth", "{} == VALUE"))
    return f"{part} is {what}, neither true nor false", f"say what is good, like {example.format(part)}"


def no_conditions(condition: str, types: Mapping[str, type] = OF_RESULTS) -> Iterator[tuple[str, type]]:
    """The parts of `condition` that are compared with nothing, and neither true nor false: a name, and its type.

    A part without a name is called by the whole condition. `types` are those of names.
    """
    node = parse(condition)
    for part in _deciding(node) if node else ():
        found = node_type(part, types)
        if found is not None and found is not bool:
            yield (
                part.name if isinstance(part, nodes.Name) else f"({condition})" if part is not node else condition,
                found,
            )


def is_condition(condition: str) -> bool:
    """Whether `condition` is true or false whatever a run shows."""
    node = parse(condition)
    return node is not None and node_type(node, OF_RESULTS) is bool


def type_of(expression: str, types: Mapping[str, type]) -> type | None:
    """The type of what `expression` gives; None where only a run can tell."""
    node = parse(expression)
    return node_type(node, types) if node else None


def _deciding(node: nodes.Node) -> Iterator[nodes.Node]:
    """The parts of a condition that are compared with nothing."""
    if isinstance(node, nodes.And | nodes.Or):
        yield from _deciding(node.left)
        yield from _deciding(node.right)
    else:
        yield node


_NODES: Mapping[type[nodes.Node], type] = {
    **dict.fromkeys((nodes.Compare, nodes.Test, nodes.Not), bool),
    **dict.fromkeys((nodes.Sub, nodes.Mul, nodes.Div, nodes.FloorDiv, nodes.Mod, nodes.Neg), int),
    nodes.Concat: str,
    nodes.List: list,
    nodes.Dict: dict,
}


def node_type(node: nodes.Node | None, types: Mapping[str, type]) -> type | None:
    """The type of what the part `node` of an expression gives; None where only a run can tell."""
    match node:
        case nodes.And() | nodes.Or() | nodes.Add():
            return _same(node.left, node.right, types)
        case nodes.CondExpr():
            return _same(node.expr1, node.expr2, types)
        case nodes.Filter(name="default" | "d", args=[other, *_]):
            return _same(node.node, other, types)
        case nodes.Filter():
            return _FILTERS.get(node.name.rpartition(".")[2])
        case nodes.Name():
            return types.get(node.name)
    return type(node.value) if isinstance(node, nodes.Const) else _NODES.get(type(node)) if node else None


def _same(one: nodes.Node | None, other: nodes.Node | None, types: Mapping[str, type]) -> type | None:
    """The type of both, where it is the same."""
    first, second = node_type(one, types), node_type(other, types)
    return first if first is second else None
