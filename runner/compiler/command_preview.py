"""What a step would do on a host, in a form that a person can read; what is not known yet stays a template."""

import base64
import json
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from runner.compiler.input_delivery import LIMIT, SHELL
from runner.core.deferred import regex
from runner.core.templates import as_title
from runner.kinds.ansible_yaml import FREE_FORM
from runner.kinds.invocation import STRICT, read_by_psql
from runner.kinds.steps.delivery.git_step import summaries

_LIMIT = ("timeout", "--kill-after=")
_PSQL = regex(
    r"^\\encoding UTF8\n(?P<set>(?:\\set [^\n]*\n)*)SET statement_timeout = \d+;\n(?P<statement>.*)$", re.DOTALL
)
_ROWS = regex(r"^WITH (answer_*) AS \(\n(?P<query>.*)\n\)\nSELECT coalesce\(json_agg\(\1\)", re.DOTALL)


_COMMANDS = frozenset({"ansible.builtin.command", "command"})
_OURS = frozenset({"argv", "stdin", "expand_argument_vars", "stdin_add_newline", "strip_empty_ends"})
_URI = frozenset({"url", "method", "body", "body_format", "headers", "return_content", "follow_redirects", "timeout"})
_URI |= {"status_code"}


def in_words(command: Mapping[str, Any]) -> str:
    """`command`, which is a module and its filled-in arguments, as a person would write it, and what is around it.

    Each environment variable, the directory, the user that it becomes, each file that it brings from this machine, and
    each variable that its checks and its undo use stand on a line of their own below it.
    """
    return "\n".join(lines(command))


def lines(command: Mapping[str, Any]) -> tuple[str, ...]:
    """What is done, in as many lines as it is written in, and then each thing that is around it by itself.

    What is done for each item stands below the item's number.
    """
    if (items := command.get("items")) is not None:
        nothing = f"fails: {fault}" if (fault := command.get("fault")) else "nothing: there is no item"
        return tuple(line for item in items for line in _of_item(item)) or (nothing,)
    return (*_action(str(command["module"]), command["args"]), *_around(command), *_tasks(command), *_steps(command))


def _of_item(command: Mapping[str, Any]) -> Iterator[str]:
    number = f"[{command['item']}] "
    for place, line in enumerate(lines(command)):
        yield (" " * len(number) if place else number) + line.replace("\n", "\n" + " " * len(number))


def _action(module: str, args: Mapping[str, Any]) -> tuple[str, ...]:
    if module in _COMMANDS and isinstance(args.get("argv"), list):
        return (
            _revealed(_without_limit(args["argv"]), str(args.get("stdin") or "")),
            *(f"{key}: {_quoted(value)}" for key, value in args.items() if key not in _OURS),
        )
    if module == "ansible.builtin.uri":
        body = f" {json.dumps(args['body'], default=str)}" if args.get("body") else ""
        headers = [f"header {name}: {value}" for name, value in (args.get("headers") or {}).items()]
        rest = [f"{key}: {_quoted(value)}" for key, value in args.items() if key not in _URI]
        return (f"{args.get('method', 'GET')} {args.get('url', '')}{body}", *headers, *rest)
    words = [str(value) if key == FREE_FORM else f"{key}={_quoted(value)}" for key, value in args.items()]
    return (" ".join((module, *words)),)


def _around(command: Mapping[str, Any]) -> Iterator[str]:
    for name, value in (command.get("environment") or {}).items():
        yield f"env {name}={_word(value)}"
    if become := command.get("become"):
        yield f"as {become['user']} (by {become['method']})"
    if command.get("delegate_to"):
        yield f"on {command['delegate_to']}"
    if command.get("remote_user"):
        yield f"remote_user: {command['remote_user']}"
    for recipient in command.get("tells") or ():
        yield f"to {recipient}"
    for machine, settings in (command.get("looks_from") or {}).items():
        yield " ".join(("checks from", machine, *(f"{name}={_quoted(value)}" for name, value in settings.items())))
    for path, digest in (command.get("files") or {}).items():
        yield f"file {path} ({digest[:12] if len(digest) == 64 else digest})"  # noqa: PLR2004 - a SHA-256, or why not
    for name, value in (command.get("uses") or {}).items():
        if name not in {"inventory_hostname", "step_host"}:  # that is the host of which all of this is said
            yield f"uses {name}={_quoted(value)}"


def _tasks(command: Mapping[str, Any]) -> Iterator[str]:
    """Each task of a role or a file, as far as it is known before it begins, and what is around that."""
    for task in command.get("tasks") or ():
        done, *more = _action(str(task["module"]), task["args"])
        yield f"{task['name']}: {done}"
        yield from (f"  {line}" for line in (*more, *_around({**task, "uses": {}})))


def _steps(command: Mapping[str, Any]) -> Iterator[str]:
    """Each step of a runbook that does the whole, what is around it, and how it is verified."""
    for step in (command.get("steps") or {}).values():
        done, *more = lines(step)
        around = [f"only if {as_title(step['only_if'])}"] if step.get("only_if") else []
        checks = [f"check {says}" for says in step["checks"]] if step.get("checks") else []
        yield f"{step['name']}: {done}"
        yield from (_indented(line) for line in (*more, *around, *checks))


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.split("\n"))


def _without_limit(argv: Sequence[Any]) -> Sequence[Any]:
    """The program itself, without the `timeout` that ends it."""
    limited = len(argv) > len(_LIMIT) and argv[0] == _LIMIT[0] and str(argv[1]).startswith(_LIMIT[1])
    return argv[LIMIT:] if limited else argv


def _revealed(argv: Sequence[Any], stdin: str) -> str:
    """The program without the one that gives it its secrets, each of which is told by name and reference."""
    if tuple(argv[: len(SHELL)]) != SHELL:
        return _program(argv, stdin)
    end = argv.index("--")
    names = argv[len(SHELL) : end]
    *lines, rest = stdin.split("\n", len(names))
    secrets = " ".join(f"{name}={_quoted(_decoded(line))}" for name, line in zip(names, lines, strict=False))
    return f"{secrets} {_program(argv[end + 1 :], rest)}"


def _decoded(line: str) -> str:
    try:
        return base64.b64decode(line, validate=True).decode()
    except ValueError:
        return line  # a template of which something is not known yet


def _program(argv: Sequence[Any], stdin: str) -> str:
    if statement := _PSQL.match(stdin):
        return _statement(statement["statement"], statement["set"])
    if tuple(argv[: len(STRICT)]) == STRICT:
        args = argv[len(STRICT) + 2 :]  # the first word after the text is the script's own name
        arguments = [f"args: {' '.join(map(_word, args))}"] if args else []
        text = str(argv[len(STRICT)])
        return "\n".join([summaries().get(text, text), *arguments])
    line = " ".join("''" if word is None else _word(word) for word in argv)  # which a program is given as no text
    return f"{line}\n{stdin}" if stdin else line


def _statement(text: str, sets: str) -> str:
    """The SQL statement as it was written, and the values that are bound in it."""
    query = _ROWS.match(text)
    query_text = re.sub("^  ", "", query["query"], flags=re.MULTILINE) if query else text.strip().removesuffix(";")
    values = re.findall(r"^\\set (\w+) '(.*)'$", sets, re.MULTILINE)
    bound = ", ".join(f"{name}={_bound(value)}" for name, value in values)
    return f"SQL {query_text.strip()}" + (f"\nwith {bound}" if bound else "")


def _bound(value: str) -> str:
    """The value of a parameter; of one that is not known yet its template."""
    template = re.fullmatch(r"\{% filter .*? \+?%\}(.*)\{% endfilter %\}", value, re.DOTALL)
    return template[1] if template else read_by_psql(value)


def _word(value: Any) -> str:
    """What a program is given, as Ansible writes it: `True`, and a list as Python does."""
    return _quoted(value if isinstance(value, str) else str(value))


def _quoted(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    # A template that could not be filled in yet is easier to read as it is written.
    return text if "{{" in text or "\n" in text else shlex.quote(text)
