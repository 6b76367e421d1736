"""The parts of a condition: the names that it needs, and what it compares."""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from jinja2 import Environment, TemplateSyntaxError, meta, nodes

from runner.core import templates


class _Whatever(dict[str, Any]):
    """The filters and tests of which only the name counts: Ansible's and those of collections are not known here."""

    def get(self, key: str, default: Any = None) -> Any:
        """Something that is there."""
        return super().get(key, default or str)


_NAMES = Environment(autoescape=False)  # noqa: S701 - nothing is rendered
_NAMES.filters, _NAMES.tests = _Whatever(_NAMES.filters), _Whatever(_NAMES.tests)


@lru_cache(maxsize=4096)
def names(expression: str) -> frozenset[str]:
    """The variables that an expression needs; none where it is no expression."""
    try:
        return frozenset(meta.find_undeclared_variables(_NAMES.parse(f"{{{{ {expression} }}}}")))
    except (TemplateSyntaxError, RecursionError):
        return frozenset()


@lru_cache(maxsize=4096)  # several rules ask about each text
@lru_cache(maxsize=4096)  # a condition is asked about by several checks, and stands in several runbooks
def required(template: str) -> frozenset[str]:
    """The variables that must be set for a text with templates in it; none where it is no template.

    What has a default, or is asked whether it is defined, need not be set.
    """
    if not templates.has_template(template):
        return frozenset()
    try:
        tree = templates.parse(template)
        used = frozenset(meta.find_undeclared_variables(_NAMES.parse(template)))  # which changes the tree that it gets
    except (TemplateSyntaxError, RecursionError):
        return frozenset()
    guarded = [each.node for each in tree.find_all(nodes.Filter) if each.name in {"default", "d"}]
    guarded += [each.node for each in tree.find_all(nodes.Test) if each.name in {"defined", "undefined"}]
    return used - {_base(each) for each in guarded}


def _base(node: nodes.Node | None) -> str:
    """The variable of which `node` is a part; empty where it is none."""
    while isinstance(node, nodes.Getattr | nodes.Getitem):
        node = node.node
    return node.name if isinstance(node, nodes.Name) else ""


def parse(expression: str) -> nodes.Expr | None:
    """The one expression that `expression` is."""
    try:
        body = templates.parse_expression(expression).body
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
