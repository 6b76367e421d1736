"""From the fences of a page to actions: each as its language says, or none where it can not be done as it is."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from runner import registry
from runner.definition.markdown.placeholders import Bound, bind_shell, bind_sql
from runner.definition.markdown.said import Said
from runner.statement import statements
from runner.tasks import verbatim

_SQL = frozenset({"sql", "postgresql", "postgres", "pgsql", "psql", "plpgsql"})
_SHELL = frozenset({"bash", "sh", "shell", "zsh", "ksh"})
_SESSION = frozenset({"console", "shell-session", "shellsession", "sh-session", "bash-session", "terminal"})
_PROMPT = re.compile(r"\s*(?:[\w.@:~/\[\]-]*[$%\u276f]|\[[^\]]*\][#$])[ \t]+(?P<command>\S.*)")


@dataclass(frozen=True, slots=True)
class Action:
    """What one command becomes: keys of a step; `inputs` gives what each declared input stands for."""

    keys: Mapping[str, Any]
    line: int
    inputs: Mapping[str, str] = field(default_factory=dict)
    raw: bool = False
    """Whether it holds marks of a template that mean themselves."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A command that stays text, and why."""

    said: Said
    why: str


@dataclass(frozen=True, slots=True)
class Output:
    """Lines of a session that the machine answered."""

    said: Said


def language(info: str) -> str | None:
    """The kind of step that a fence with this `info` holds: `sql`, `shell` or none."""
    word = re.split(r"[\s{,]", info.strip().casefold() + " ", maxsplit=1)[0]
    if word in _SQL:
        return "sql"
    return "shell" if word in _SHELL | _SESSION else None


def actions(text: Said, info: str) -> Iterator[Action | Refusal | Output]:
    """What the fence with the content `text` does, in order; its first line is that of the content."""
    kind = language(info)
    if kind == "sql":
        for statement, offset in statements(text.text):
            yield _sql(Said(statement, text.line + offset))
    elif kind == "shell":
        yield from _shell(text)


def _sql(said: Said) -> Action | Refusal:
    try:
        bound = bind_sql(said.text)
        params = {name: f"{{{{ {given} }}}}" for name, given in bound.names.items()}
        return _action("sql", {"sql": _lines(bound.text)} | ({"params": params} if params else {}), said, bound)
    except ValueError as error:
        return Refusal(said, _reason(error))


def _shell(said: Said) -> Iterator[Action | Refusal | Output]:
    lines = said.text.split("\n")
    if any(_PROMPT.fullmatch(line) for line in lines):
        commands, output = _session(lines)
        if output:
            yield Output(Said("\n".join(lines[at] for at in output), said.line + output[0]))
        said = Said("\n".join(commands), said.line)
    if not any(line.strip() and not line.strip().startswith("#") for line in said.text.split("\n")):
        yield Refusal(said, "it holds no command")
        return
    try:
        bound = bind_shell(re.sub(r"(?<!\\)[ \t]+\Z", "", said.text.strip("\n")))
        env = {name: f"{{{{ {given} }}}}" for name, given in bound.names.items()}
        yield _action("shell", {"shell": verbatim(_lines(bound.text))} | ({"env": env} if env else {}), said, bound)
    except ValueError as error:
        yield Refusal(said, _reason(error))


def _session(lines: list[str]) -> tuple[list[str], list[int]]:
    """The commands typed in a session, and the numbers of the lines that were answered."""
    commands: list[str] = []
    output: list[int] = []
    goes_on = False
    for at, line in enumerate(lines):
        match = _PROMPT.fullmatch(line)
        if match or goes_on or line.lstrip().startswith("# "):
            command = match["command"] if match else line
            commands.append(command)
            goes_on = command.rstrip().endswith("\\")
        elif line.strip():
            output.append(at)
    return commands, output


def _lines(text: str) -> str:
    """`text` as YAML's `|` gives it: several lines end with a line break."""
    return f"{text.rstrip()}\n" if "\n" in text.strip() else text.strip()


def _action(key: str, keys: dict[str, Any], said: Said, bound: Bound) -> Action:
    registry.steps()[key].model_validate(keys)
    return Action(keys, said.line, bound.stands_for, raw=keys[key] != _lines(bound.text))


def _reason(error: ValueError) -> str:
    if isinstance(error, ValidationError):
        raised = error.errors()[0].get("ctx", {}).get("error")
        return str(raised or error.errors()[0]["msg"])
    return str(error)
