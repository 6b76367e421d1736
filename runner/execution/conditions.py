"""Which of a result's names a condition really uses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from jinja2 import Environment, nodes

_JINJA = Environment(autoescape=False)  # noqa: S701 - it only parses


def names_in(template: str) -> set[str]:
    """The variables that a template reads."""
    return {name.name for name in _JINJA.parse(template).find_all(nodes.Name)}


def bindings(conditions: Iterable[str], names: Mapping[str, str]) -> dict[str, str]:
    """The part of `names` (name to template) that `conditions` need, in its order, with what that needs in turn."""
    wanted = {name for condition in conditions for name in names_in(f"{{{{ {condition} }}}}")}
    while missing := {inner for name in wanted & set(names) for inner in names_in(names[name])} - wanted:
        wanted |= missing
    return {name: template for name, template in names.items() if name in wanted}
