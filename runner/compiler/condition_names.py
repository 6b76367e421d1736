"""Which of a result's names a condition really uses."""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from jinja2 import TemplateError, nodes

from runner.core.templates import parse, parse_expression


@lru_cache(maxsize=4096)
def names_in(template: str) -> frozenset[str]:
    """The variables that a template reads."""
    return frozenset(name.name for name in parse(template).find_all(nodes.Name))


def reads(expressions: Iterable[str], register: str) -> set[str]:
    """The names that `expressions` read, and the parts of the result `register`; `*` where that may be any of them."""
    return set[str]().union(*(_read(each, register) for each in expressions)) - {register}


@lru_cache(maxsize=4096)
def _read(expression: str, register: str) -> frozenset[str]:
    """The same of one expression, with the `register` itself."""
    tree = parse_expression(expression)
    read = [*tree.find_all(nodes.Name)]
    whole = [name for name in read if name.name == register]
    parts = [_part(node, whole) for node in tree.find_all((nodes.Getattr, nodes.Getitem))]
    names = {part for part in parts if part}
    return frozenset({name.name for name in read} | ({"*"} if sum(map(bool, parts)) < len(whole) else names))


def searched(condition: str) -> tuple[str, str] | None:
    """Of a condition that a text has a match of a pattern: what the text is, and the pattern."""
    try:
        output = parse_expression(condition).find(nodes.Output)
    except (TemplateError, RecursionError):
        return None
    test = output.nodes[0] if output else None
    if not (isinstance(test, nodes.Test) and test.name == "search" and isinstance(test.node, nodes.Name)):
        return None
    pattern = test.args[0] if test.args else None
    return (test.node.name, str(pattern.value)) if isinstance(pattern, nodes.Const) else None


def _part(node: nodes.Expr, whole: Sequence[nodes.Name]) -> str:
    """Which part of the result `node` is, empty where it is none."""
    if not any(getattr(node, "node", None) is name for name in whole):
        return ""
    if isinstance(node, nodes.Getitem):
        return str(node.arg.value).removesuffix("_lines") if isinstance(node.arg, nodes.Const) else "*"
    return str(getattr(node, "attr", "*")).removesuffix("_lines")


def bindings(conditions: Iterable[str], names: Mapping[str, str]) -> dict[str, str]:
    """The part of `names` (name to template) that `conditions` need, in its order, with what that needs in turn."""
    needed = {name for condition in conditions for name in names_in(f"{{{{ {condition} }}}}")}
    while missing := {inner for name in needed & set(names) for inner in names_in(names[name])} - needed:
        needed |= missing
    return {name: template for name, template in names.items() if name in needed}
