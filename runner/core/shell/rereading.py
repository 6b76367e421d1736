"""Where a value is taken for code though bash was given it quoted: by another shell, by a program, by arithmetic.

One quotation lasts for one reading: `| quote` makes a value one word of the first shell, and that word may be code.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Literal, NamedTuple

from jinja2 import nodes

from runner.core.deferred import regex
from runner.core.shell.arithmetic import computed
from runner.core.shell.command_input import calls
from runner.core.shell.command_wrappers import (
    ASSIGNMENT,
    CONTAINERS,
    SHELLS,
    TAKES_CODE,
    program_name,
    replaced,
    started,
)
from runner.core.shell.interpreters import interpreter, interpreters
from runner.core.shell.pasted_values import pasted
from runner.core.shell.shell_reader import STDIN, Command, Shell, of_arguments
from runner.core.templates import NUMBERS, has_template, last_filter, names_in, parse, pieces

_DEEPEST, _DEEPEST_CALL = 6, 4
_NOTHING: Mapping[str, str] = MappingProxyType({})
_ALL, _SHIFT = "$@", regex(r"(?m)(?<=[;{]|\n)\s*shift\b")
_RENAMES = regex(r"\{%[-+]?\s*(?:for|set)\b")


class Reading(NamedTuple):
    """A template whose value the program `reader` takes for code.

    For a shell `shells` says how many read it, one after the other. As a `name` it says which program is started, as a
    `variable` it is one by which programs are told what to start or to load.
    """

    template: str
    reader: str
    kind: Literal["shell", "program", "file", "number", "name", "variable"] = "shell"
    shells: int = 1


def read_as_code(code: str, environment: Mapping[str, str] = _NOTHING) -> Iterator[Reading]:
    """Each value that the shell `code` has obeyed, first what only the first shell obeys.

    `environment` are the variables that the step gives, with their templates.

    Raises:
        ValueError: it is no template.
    """
    yield from _by_variables(environment)
    yield from _in_shell(code, "bash", _templates(environment), 1)


def given_as_code(
    words: Sequence[str], environment: Mapping[str, str] = _NOTHING, *, stdin: str = ""
) -> Iterator[Reading]:
    """The same for a program that is started with the arguments `words`, which no shell reads, and given `stdin`.

    Raises:
        ValueError: as `read_as_code`.
    """
    values = _templates(environment)
    yield from _by_variables(environment)
    yield from _started(words, values, 0)
    yield from _fed(words, [stdin] if stdin else [], [], values, 1)


def names_obeyed(readings: Sequence[Reading], text: str) -> Mapping[str, Reading]:
    """The names whose values are taken for code by `readings`, which are those of the whole `text`."""
    printed = [each for each in readings if each.template.startswith("{{")]
    other = [each for each in readings if each not in printed]
    started_by = {name: each for each in printed if each.kind == "name" for name in names_in(each.template)}
    found = {name: each for each in printed if each.kind != "name" for name in names_in(each.template)}
    # A loop and a `set` only give values another name; what else there is may change what was quoted.
    if other and (printed or not all(_RENAMES.match(each.template) for each in other)):
        worse = [each for each in readings if each.kind != "name"] or readings
        return dict.fromkeys(names_in(text), worse[-1]) | found
    return started_by | found


def _reads_code(command: Command) -> bool:
    """Whether a shell does what it is given on its standard input, at once or later."""
    match command.name:
        case "at" | "batch":
            return not {"-f", "-l", "-r", "-d", "-c"} & set(command.words)
        case "crontab":
            return command.words[-1] == "-"
        case "source" | ".":
            return STDIN in command.words
        case "ssh":
            return True  # else the command that it is given there stands in its place
    return command.name in SHELLS and all(word.startswith("-") or word == STDIN for word in command.words[1:])


_OBEYED = regex(
    r"LD_(?:PRELOAD|LIBRARY_PATH|AUDIT)|PATH|BASH_ENV|ENV|IFS|PS4|PROMPT_COMMAND|PYTHON(?:PATH|HOME|STARTUP)|PERL5(?:LIB|OPT)|RUBY(?:LIB|OPT)"
    r"|NODE_OPTIONS|JAVA_TOOL_OPTIONS|_JAVA_OPTIONS|GIT_(?:SSH|SSH_COMMAND|EDITOR|PAGER|ASKPASS|EXTERNAL_DIFF|PROXY_COMMAND)"
    r"|GIT_CONFIG_\w+|(?:VISUAL|EDITOR|PAGER|BROWSER|SSH_ASKPASS|SUDO_ASKPASS|LESSOPEN|LESSCLOSE|MANPAGER|RSYNC_RSH)"
)
"""The variables by which a shell, a loader or a program is told what to start or to load."""


def _by_variables(environment: Mapping[str, str]) -> Iterator[Reading]:
    for name, value in _templates(environment).items():
        if _OBEYED.fullmatch(name):
            yield from (Reading(each, name, "variable") for each in _pasted_texts(value))


def _templates(environment: Mapping[str, str]) -> Mapping[str, str]:
    return {name: value for name, value in environment.items() if isinstance(value, str) and "{{" in value}


class _Function(NamedTuple):
    """What shell code knows as a function: the words that it is `given`, and the `others` by name, each with its body.

    `depth` is how many functions have called each other.
    """

    given: Sequence[str] = ()
    others: Mapping[str, str] = _NOTHING
    depth: int = 0


_NO_FUNCTION = _Function()


def _in_shell(
    code: str, reader: str, values: Mapping[str, str], shells: int, function: _Function = _NO_FUNCTION
) -> Iterator[Reading]:
    if not values and not has_template(code):
        return
    raw = [each.template for each in pasted(code)]
    yield from (Reading(each, reader, shells=shells) for each in raw)
    if shells > _DEEPEST:
        return
    settings = Shell(code, values=values).settings()
    own = _templates({name: _read(text) for name, text in settings.items()})
    values = {**values, **own}
    yield from _by_variables(own)
    shell = Shell(code, values=values)
    function = function._replace(others={**function.others, **shell.functions()})
    for call in calls(shell):
        words, reads, behind = ([_read(each) for each in part] for part in (call.words, call.reads, call.behind))
        if function.depth:
            words = [each for word in words for each in (function.given if word == _ALL else [word])]
        yield from (each for each in _started(words, values, shells) if each.kind != "name" or each.template not in raw)
        yield from _fed(words, reads, behind, values, shells + 1)
        yield from _in_function(words, values, shells, function)
    for text in computed(shell):
        yield from (Reading(each, "bash", "number") for each in _pasted_texts(text))


def _in_function(words: Sequence[str], values: Mapping[str, str], shells: int, around: _Function) -> Iterator[Reading]:
    """What the function of the same code that `words` call, if they do, takes for code of its arguments."""
    name, *given = words[started(words).at :] or [""]
    if name in around.others and any(map(has_template, given)) and around.depth < _DEEPEST_CALL:
        body = around.others[name]
        function = _Function(given[len(_SHIFT.findall(body)) :], around.others, around.depth + 1)
        parameters = {str(number): word for number, word in enumerate(given, 1)} | {"*": " ".join(function.given)}
        yield from _in_shell(body, "bash", {**values, **_templates(parameters)}, shells, function)


def _started(words: Sequence[str], values: Mapping[str, str], shells: int) -> Iterator[Reading]:
    """What the program that `words` start takes for code; they are what the shells before it have left of them."""
    begun = started(words)
    names = [program_name(word) for word in words]
    given = (word.partition("=") for word in words[: begun.at] if ASSIGNMENT.match(word))
    own = _templates({name: value for name, _, value in given})
    values = {**values, **own}
    yield from _by_variables(own)
    for number, name in enumerate(names[: begun.at]):
        yield from _given(name, words[number + 1 : begun.at])
    if begun.code is not None:
        reader = next((name for name in reversed(names[: begun.at]) if name in TAKES_CODE), "sh")
        yield from _in_shell(begun.code, reader, values, shells + 1)
        return
    name, arguments = "".join(names[begun.at : begun.at + 1]), words[begun.at + 1 :]
    if words[begun.at :] and words[begun.at].startswith("{{"):
        yield from (Reading(each, "", "name") for each in [*_pasted_texts(words[begun.at])][:1])
    if name == "source" or words[begun.at : begun.at + 1] == ["."]:
        yield from (Reading(each, "source", "file") for word in arguments[:1] for each in _pasted_texts(word))
    elif name == "trap":
        code = next((word for word in arguments if word != "--"), "")
        yield from _in_shell(code, "trap", values, shells + 1)
    elif name == "find":
        for number, word in enumerate(arguments):
            if word in {"-exec", "-execdir", "-ok", "-okdir"}:
                yield from _started(arguments[number + 1 :], values, shells)
    else:
        yield from _given(name, arguments)
    inner = (number for number, each in enumerate(names) if number > begun.at and _may_be_started(each, by=name))
    if at := next(inner, 0):
        yield from _started(words[at:], values, shells)  # of a program that is not known to start others


def _may_be_started(name: str, *, by: str) -> bool:
    return name in SHELLS or (by in CONTAINERS and interpreter(name) is not None)


def _given(name: str, arguments: Sequence[str]) -> Iterator[Reading]:
    """What the program `name` itself takes for code of its `arguments`."""
    for program in interpreters(name, arguments):
        for code in program.code(arguments):
            yield from (Reading(each, name, "program") for each in _pasted_texts(code))


def _fed(
    words: Sequence[str], reads: Sequence[str], behind: Sequence[str], values: Mapping[str, str], shells: int
) -> Iterator[Reading]:
    """What the program that `words` start takes for code of what it `reads`, and a shell of what is `behind` it."""
    if not (reads or behind):
        return
    filled = replaced(words) and replaced(words) in (started(words).code or "")
    for command in [each for pipeline in of_arguments(words) for each in pipeline.commands]:
        program = interpreter(command.name)
        if _reads_code(command):
            yield from (each for text in (*reads, *behind) for each in _in_shell(text, command.name, values, shells))
        elif filled or (program and program.does(command.words[1:])):
            reader = "xargs" if filled else command.name
            yield from (Reading(each, reader, "program") for text in reads for each in _pasted_texts(text))


def _pasted_texts(text: str) -> Iterator[str]:
    """The templates in `text` that may be anything else than a number."""
    for is_template, piece in _pieces(text):
        if is_template and piece.startswith("{{") and last_filter(piece) not in NUMBERS:
            yield piece


def _pieces(text: str) -> list[tuple[bool, str]]:
    try:
        return pieces(text)
    except ValueError:  # what a shell leaves of a template need not be one
        return [(False, text)]


def _read(text: str) -> str:
    """What is left of `text` when a shell has read it: of each value that was quoted, one quotation less."""
    return "".join(_unquoted(piece) if is_template else piece for is_template, piece in _pieces(text))


def _unquoted(template: str) -> str:
    if last_filter(template) != "quote":
        return template
    match parse(template).body:
        case [nodes.Output(nodes=[nodes.Filter(node=nodes.Concat(nodes=parts))])]:
            return "".join(map(_part, parts))
        case [nodes.Output(nodes=[nodes.Filter(node=nodes.Add(left=left, right=right))])]:
            return _part(left) + _part(right)
    return re.sub(r"\s*\|\s*[\w.]*quote\s*([-+]?\}\})$", r" \1", template)


def _part(node: nodes.Expr) -> str:
    """A part of what is put together in a template: the text that it is, or a template with its names and filters."""
    if isinstance(node, nodes.Const):
        return str(node.value)
    if isinstance(node, nodes.Add):
        return _part(node.left) + _part(node.right)
    filters: list[str] = []
    while isinstance(node, nodes.Filter) and node.node and node.name.rpartition(".")[2] in {"quote", *NUMBERS}:
        filters = [f" | {node.name}", *filters]
        node = node.node
    names = sorted({each.name for each in (node, *node.find_all(nodes.Name)) if hasattr(each, "name")})
    return f"{{{{ ({' ~ '.join(names)}){''.join(filters)} }}}}" if names else ""
