"""The parts of a condition: the names that it needs, and what it compares."""

from __future__ import annotations

from collections.abc import Iterator

from jinja2 import Environment, TemplateSyntaxError, meta, nodes

_JINJA = Environment(autoescape=False)  # noqa: S701 - nothing is rendered


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


def comparisons(expression: str) -> Iterator[nodes.Compare]:
    """Every comparison in `expression`."""
    node = parse(expression)
    if isinstance(node, nodes.Compare):
        yield node
    elif node is not None:
        yield from node.find_all(nodes.Compare)
