"""`that`: a condition, or a list of them, in Ansible's own expression language."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from jinja2 import Environment, TemplateSyntaxError, nodes
from pydantic import AfterValidator

from runner.core.fields import OneOrSeveral
from runner.kinds.verifications.base import VerificationKind

_JINJA = Environment(autoescape=False)  # noqa: S701 - nothing is rendered


def _expression(text: str) -> str:
    if "{{" in text or "{%" in text:
        raise ValueError("is an expression already; write it without {{ }}")
    try:
        parsed = _JINJA.parse(f"{{{{ {text} }}}}")
    except TemplateSyntaxError as error:
        said = str(error.message).replace("unexpected 'end of print statement'", "it ends too early")
        said = said.replace("token 'end of print statement'", "its end")
        said = said.replace("'end of print statement'", "its end")
        hint = "; to compare, write ==" if said.endswith("got '='") else ""
        raise ValueError(f"is not a Jinja expression: {said}{hint}") from None
    except RecursionError:
        raise ValueError("is not a Jinja expression: it is nested too deeply") from None
    match parsed.body:
        case [nodes.Output(nodes=[nodes.Tuple()])]:
            raise ValueError("is several expressions; write each as an item of its own")
        case [nodes.Output(nodes=[nodes.Expr()])]:
            return text
    raise ValueError("is not one Jinja expression")


def _condition(text: str) -> str:
    try:
        names = any(_JINJA.parse(f"{{{{ {text} }}}}").find_all(nodes.Name))
    except RecursionError:
        raise ValueError("is not a Jinja expression: it is nested too deeply") from None
    if not names:
        raise ValueError("looks at nothing, so it is always the same")
    return text


Expression = Annotated[str, AfterValidator(_expression)]
"""A Jinja expression."""

Condition = Annotated[Expression, AfterValidator(_condition)]
"""A Jinja expression that can be true or not."""


class That(VerificationKind):
    """A Jinja condition over the result's names, the inputs and what earlier steps captured."""

    key = "that"

    that: OneOrSeveral[Condition]

    def conditions(self, text: str | None) -> Sequence[str]:
        """The conditions as they are written."""
        del text
        return self.that

    def describe(self) -> str:
        """The conditions, joined."""
        return " and ".join(self.that)
