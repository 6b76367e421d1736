"""Values that several kinds, and steps themselves, are written with: exit codes, expressions, other runbooks."""

import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal

from jinja2 import TemplateSyntaxError, nodes
from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, field_validator

from runner.core.deferred import dataclass, regex
from runner.core.duration import PATTERN, read_limit
from runner.core.fields import Keywords, Model, OneOrSeveral
from runner.core.identifiers import ContactName, RunbookId, Variable
from runner.core.templates import Template, parse_expression

ROLES = "playbooks/roles"
"""Where Ansible looks for the roles of a playbook, from the root of the library."""


BASELINE = "baseline"
"""What a condition calls the number that was taken before step 1, and the key under which that is written."""
TREND_NOW, TREND_FIRST = "trend_now", "trend_first"
"""What a condition calls a value that is compared with what it was when it was first looked at."""


@dataclass(frozen=True, slots=True)
class TakenBaseline:
    """The `expression` that is taken before step 1, and the `name` by which it is kept."""

    expression: str
    name: str


def beside(example: str) -> AfterValidator:
    """A path of a file that lies beside the runbook, as `example` does."""

    def check(path: str) -> str:
        parts = PurePosixPath(path).parts
        if not parts or path.startswith("/") or ".." in parts:
            raise ValueError(f"must lie in or below the runbook's own directory, like {example}")
        return path

    return AfterValidator(check)


def _code(number: int) -> int:
    if not 0 <= number <= 255:  # noqa: PLR2004 - the range of exit codes
        raise ValueError(f"an exit code is a number from 0 to 255, not {number}")
    return number


ExitCode = Annotated[int, AfterValidator(_code), Keywords(minimum=0, maximum=255)]
NEVER_GOOD = {
    124: "the command was ended at its time limit",
    125: "the time limit could not be set",
    126: "the program may not be run",
    127: "the program is not there",
    137: "the command was killed, as it is at its time limit",
}
"""What an exit code means wherever a command runs under coreutils' `timeout`, or is started by a shell."""


_INPUT = r"\{\{ *([a-z][a-z0-9_]*) *\}\}"


def _limit(value: object) -> object:
    if not isinstance(value, str) or "{{" not in value:
        return read_limit(value)
    match = re.fullmatch(_INPUT, value)
    if match is None:
        raise ValueError("takes a duration or the name of one input, like {{ watch_for }}")
    return match[1]


LimitOrInput = Annotated[
    timedelta | str,
    BeforeValidator(_limit),
    WithJsonSchema(
        {"type": "string", "anyOf": [{"pattern": PATTERN}, {"pattern": f"^{_INPUT}$"}], "examples": ["30s", "5m"]}
    ),
]
"""How long something may take, or the name of the input of type duration that says so, written as a template."""


def _expression(text: str) -> str:
    if "{{" in text or "{%" in text:
        raise ValueError("is an expression already; write it without {{ }}")
    try:
        parsed = parse_expression(text)
    except TemplateSyntaxError as error:
        message = str(error.message).replace("unexpected 'end of print statement'", "it ends too early")
        message = message.replace("token 'end of print statement'", "its end")
        message = message.replace("'end of print statement'", "its end")
        hint = "; to compare, write ==" if message.endswith("got '='") else ""
        raise ValueError(f"is not a Jinja expression: {message}{hint}") from None
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
        names = any(parse_expression(text).find_all(nodes.Name))
    except RecursionError:
        raise ValueError("is not a Jinja expression: it is nested too deeply") from None
    if not names:
        raise ValueError("looks at nothing, so it is always the same")
    return text


InputValue = str | int | float | bool
"""What an input of another runbook is given: a value, or the `{{ name }}` of something known here."""


class OtherRunbook(Model):
    """Another runbook that works in the same tree of runs, and its inputs."""

    run: RunbookId
    inputs: dict[Variable, InputValue] = {}

    def references(self) -> dict[str, str]:
        """The inputs that stand for something known here: the name of each, and the name of that."""
        found = {
            name: re.fullmatch(r"\{\{ *([a-z][a-z0-9_]*) *\}\}", str(value)) for name, value in self.inputs.items()
        }
        return {name: match[1] for name, match in found.items() if match}

    def given(self, known: Mapping[str, Any]) -> dict[str, Any]:
        """The inputs, with the values that are `known` by name here in the place of what stands for them."""
        return {**self.inputs, **{name: known[here] for name, here in self.references().items() if here in known}}

    def in_words(self, known: Mapping[str, Any]) -> str:
        """The runbook, and what it is given, in one line."""
        given = ", ".join(f"{name}={value}" for name, value in self.given(known).items())
        return f"{self.run} with {given}" if given else self.run


class Notice(Model):
    """Whom something is told, and what."""

    to: OneOrSeveral[ContactName] = Field(description="Contacts of contacts.yml, each by all of their channels")
    says: Annotated[Template, Field(max_length=2000)] = Field(description="The message")

    @field_validator("says")
    @classmethod
    def _something(cls, says: str) -> str:
        if not says.strip():
            raise ValueError("is empty")
        return says

    stage: Literal["initial", "progress", "done"] = Field(
        default="progress", description="What it tells of: that something begins, how it goes, or that it is over"
    )


_COMMIT = regex("[0-9a-f]{7,64}")


def moving(name: str) -> str:
    """The `name` of a branch or a tag, which may be moved; empty for a commit, and for a template that may give one."""
    return "" if "{{" in name or _COMMIT.fullmatch(name) else name


def is_number(expression: str) -> str:
    """A condition: `expression` is a number, neither true nor false, nor infinite, nor NaN, which nothing equals."""
    one = expression if re.fullmatch(r"\w+", expression) else f"({expression})"
    return f"{one} is number and {one} is not boolean and {one} - {one} == 0"


Expression = Annotated[str, AfterValidator(_expression)]
"""A Jinja expression."""

Condition = Annotated[Expression, AfterValidator(_condition)]
"""A Jinja expression that can be true or not."""
