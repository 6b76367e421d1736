"""`<placeholder>` and `${VARIABLE}` in commands: each becomes an input that is bound, and never pasted."""

import re
from dataclasses import field

from runner.core.deferred import dataclass, regex
from runner.core.shell.pasted_values import surroundings
from runner.core.shell.shell_code import SET_BY_BASH
from runner.core.shell.shell_reader import Shell
from runner.model.names import RESERVED

_INSIDE = r"[A-Za-z][\w.-]*(?: [\w.-]+){0,7}"
_PLACEHOLDER = regex(rf"(?<![<\w])<(?P<name>{_INSIDE})>")
_SQL = regex(
    r"(?P<quoted>'(?:[^']|'')*'|\"[^\"]*\")|(?P<comment>--[^\n]*)"
    r"|(?<![<\w])<(?P<name>[A-Za-z][\w-]*)>|\$\{(?P<variable>[A-Za-z_]\w*)\}"
)
_ONLY = regex(r"'<(?P<name>[A-Za-z][\w -]*)>'|'\$\{(?P<variable>[A-Za-z_]\w*)\}'")


@dataclass(frozen=True, slots=True)
class Bound:
    """A command whose placeholders are bound: `names` gives the input for each variable or parameter.

    `stands_for` has what each input was called in the Markdown.
    """

    text: str
    names: dict[str, str] = field(default_factory=dict)
    stands_for: dict[str, str] = field(default_factory=dict)


def input_name(word: str) -> str:
    """The name of the input that `word` stands for."""
    name = re.sub(r"[^a-z0-9]+", "_", word.encode("ascii", "ignore").decode().casefold()).strip("_")[:50].strip("_")
    if not name or not name[0].isalpha():
        name = f"value_{name}".rstrip("_")
    return f"{name}_value" if name in RESERVED or name.startswith(("ansible_", "runbook_")) else name


def bind_sql(statement: str) -> Bound:
    """`statement` with a parameter for each placeholder.

    Raises:
        ValueError: one stands within a longer quotation.
    """
    bound = Bound("")

    def parameter(match: re.Match[str]) -> str:
        if match["comment"]:
            return match[0]
        only = _ONLY.fullmatch(match[0]) if match["quoted"] else match
        if only is None and (_PLACEHOLDER.search(match[0]) or re.search(r"\$\{\w+\}", match[0])):
            raise ValueError("a placeholder stands within a quotation, where nothing can be bound")
        if only is None:
            return match[0]
        word = only["name"] or only["variable"]
        name = input_name(word)
        bound.names[name] = name
        bound.stands_for[name] = f"<{word}>" if only["name"] else f"${{{word}}}"
        return f"%({name})s"

    return Bound(_SQL.sub(parameter, statement), bound.names, bound.stands_for)


def bind_shell(text: str) -> Bound:
    """`text` with an environment variable for each placeholder, quoted; and those it expects anyway.

    Raises:
        ValueError: where a placeholder stands cannot be told.
    """
    shell = Shell(_PLACEHOLDER.sub(lambda match: "x" * len(match[0]), text))
    inputs: list[tuple[int, str, str]] = []

    def variable(match: re.Match[str]) -> str:
        around = surroundings(shell, match.start())
        if "comment" in around:
            return match[0]
        if around not in ([], ["string"], ["raw_string"]) or "<<" in text.replace("<<<", ""):
            raise ValueError("how the placeholder is quoted cannot be told")
        name = input_name(match["name"]).upper()
        inputs.append((match.start(), name, match[0]))
        before, after = ("'\"", "\"'") if "raw_string" in around else ("", "") if around else ('"', '"')
        return f"{before}${{{name}}}{after}"

    made = _PLACEHOLDER.sub(variable, text)
    for name in shell.used():
        written = re.search(rf"\$(?:{name}\b|\{{{name}\b[^}}]*\}})", text)
        if written and name not in SET_BY_BASH | shell.assigned():
            inputs.append((written.start(), name, written[0]))
    names = {name: input_name(name) for _, name, _ in sorted(inputs)}
    return Bound(made, names, {names[name]: written for _, name, written in sorted(inputs)})
