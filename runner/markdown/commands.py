"""From the fences of a page to actions: each as its language says, or none where it cannot be done as it is."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import field, replace
from typing import Any

from pydantic import ValidationError

from runner.core.deferred import dataclass, regex
from runner.core.templates import verbatim
from runner.kinds import plugins
from runner.kinds.sql_text import statements
from runner.kinds.steps.base import StepKind
from runner.markdown.import_findings import Excerpt
from runner.markdown.placeholders import Bound, bind_shell, bind_sql
from runner.markdown.shell_session import begins_with_prompt, is_session, opened_shell, read_session

_LITERAL = r"(?:'[^']*'|\"[^\"$`\\\\]*\"|[^\s'\"$`\\\\;&|<>()*?~{}\[\]!]*)"
_SET = regex(rf"[ \t]*(?:export[ \t]+)?(?P<name>[A-Za-z_]\w*)=(?P<value>{_LITERAL})[ \t]*(?:#.*)?")
_EXPORT = regex(r"[ \t]*(?:export[ \t]+)?[A-Za-z_]\w*=\S.*")


@dataclass(frozen=True, slots=True)
class PageAction:
    """What one command becomes: keys of a step; `inputs` gives what each declared input stands for."""

    keys: Mapping[str, Any]
    line: int
    inputs: Mapping[str, str] = field(default_factory=dict)
    raw: bool = False
    """Whether it holds marks of a template that mean themselves."""
    sets: Mapping[str, str] = field(default_factory=dict)
    """The variables that it exports, with their values, as far as they are plain text."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """Lines that do nothing but set variables for the commands after them."""

    values: Mapping[str, str]
    line: int


@dataclass(frozen=True, slots=True)
class Refusal:
    """A command that stays text, and why."""

    excerpt: Excerpt
    why: str
    opens: str = ""
    """The command that opens a shell of its own, if that is why."""


@dataclass(frozen=True, slots=True)
class Output:
    """Lines of a session that the machine answered."""

    excerpt: Excerpt


def kind_of(info: str, text: str = "") -> type[StepKind] | None:
    """The kind of step that a fence with this `info` and `text` holds; None where no kind does."""
    word = re.split(r"[\s{,]", info.strip().casefold() + " ", maxsplit=1)[0]
    word = "console" if not word and begins_with_prompt(text) else word
    return next((kind for kind in plugins.steps().values() if kind.fence and word in kind.fence.languages), None)


def actions(text: Excerpt, info: str) -> Iterator[PageAction | Assignment | Refusal | Output]:
    """What the fence with the content `text` does, in order; its first line is that of the content."""
    kind = kind_of(info, text.text)
    holds = kind.fence.holds if kind and kind.fence else None
    if kind and holds == "sql":
        for statement, offset in statements(text.text):
            yield _sql(kind, Excerpt(statement, text.line + offset))
    elif kind and holds == "shell":
        yield from _shell(kind, text)
    elif kind:
        yield _plain_text(kind, text)


def _plain_text(kind: type[StepKind], excerpt: Excerpt) -> PageAction | Refusal:
    """What a fence of another package's kind says, as it is written."""
    try:
        text = verbatim(_lines(excerpt.text))
        return _action(kind, {kind.key: text}, excerpt, Bound(excerpt.text))
    except ValueError as error:
        return Refusal(excerpt, _reason(error))


def _sql(kind: type[StepKind], excerpt: Excerpt) -> PageAction | Refusal:
    try:
        bound = bind_sql(excerpt.text)
        params = {name: f"{{{{ {given} }}}}" for name, given in bound.names.items()}
        return _action(kind, {kind.key: _lines(bound.text)} | ({"params": params} if params else {}), excerpt, bound)
    except ValueError as error:
        return Refusal(excerpt, _reason(error))


def _shell(kind: type[StepKind], excerpt: Excerpt) -> Iterator[PageAction | Assignment | Refusal | Output]:
    if is_session(excerpt.text):
        session = read_session(excerpt.text)
        if session.problem:
            yield Refusal(excerpt, session.problem)
            return
        if session.output:
            lines = excerpt.text.split("\n")
            yield Output(Excerpt("\n".join(lines[at] for at in session.output), excerpt.line + session.output[0]))
        excerpt = Excerpt("\n".join(session.commands), excerpt.line)
    yield _script(kind, excerpt)


def _script(kind: type[StepKind], excerpt: Excerpt) -> PageAction | Assignment | Refusal:
    lines = [line for line in excerpt.text.split("\n") if line.strip() and not line.strip().startswith("#")]
    if not lines:
        return Refusal(excerpt, "it holds no command")
    if opens := opened_shell(excerpt.text):
        return Refusal(excerpt, f"what follows {opens!r} is typed there, and not on the hosts of the step", opens=opens)
    sets = {match["name"]: _plain(match["value"]) for line in lines if (match := _SET.fullmatch(line))}
    if len(sets) == len(lines):
        return Assignment(sets, excerpt.line)
    if all(map(_EXPORT.fullmatch, lines)):
        return Refusal(excerpt, "it only sets variables, which the next step does not have")
    try:
        bound = bind_shell(re.sub(r"(?<!\\)[ \t]+\Z", "", excerpt.text.strip("\n")))
        env = {name: f"{{{{ {given} }}}}" for name, given in bound.names.items()}
        keys = {kind.key: verbatim(_lines(bound.text))} | ({"env": env} if env else {})
        action = _action(kind, keys, excerpt, bound)
    except ValueError as error:
        return Refusal(excerpt, _reason(error))
    return replace(action, sets=sets)


def _plain(value: str) -> str:
    return value[1:-1] if value[:1] in {"'", '"'} else value


def _lines(text: str) -> str:
    """`text` as YAML's `|` gives it: several lines end with a line break."""
    return f"{text.rstrip()}\n" if "\n" in text.strip() else text.strip()


def _action(kind: type[StepKind], keys: dict[str, Any], excerpt: Excerpt, bound: Bound) -> PageAction:
    kind.model_validate(keys)
    return PageAction(keys, excerpt.line, bound.stands_for, raw=keys[kind.key] != _lines(bound.text))


def _reason(error: ValueError) -> str:
    if isinstance(error, ValidationError):
        raised = error.errors()[0].get("ctx", {}).get("error")
        return str(raised or error.errors()[0]["msg"])
    return str(error)
