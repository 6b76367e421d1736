"""Where a runbook may not put an input: a secret into what everybody sees, a text into what a shell would obey."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from itertools import pairwise
from pathlib import PurePosixPath
from typing import Any

from runner.definition.finding import Place, quoted
from runner.definition.pasting import pasted
from runner.tasks import names_in, split

Fault = tuple[Place, str, str, str]

_SEEN = ("command", "shell", "args", "chdir")
"""The keys of which the arguments of a program are made."""

_SHELLS = frozenset({"sh", "bash", "dash", "ksh", "zsh"})


def faults(at: Place, raw: Any, inputs: Mapping[str, Any]) -> Iterator[Fault]:
    """What is wrong with the way in which the step `raw`, as it is written, uses the `inputs` of its runbook."""
    if not isinstance(raw, dict):
        return
    secrets = _of_type(inputs, "secret")
    for place, part in _parts(at, raw):
        for key in _SEEN:
            for where, text in _texts((*place, key), part.get(key)):
                yield from _shown(where, sorted(names_in(text) & secrets))
        for where, text in (*_texts((*place, "shell"), part.get("shell")), *_code(place, part.get("command"))):
            yield from _obeyed(where, sorted(_pasted_in(text) & _of_type(inputs, "string")))
    for where, text in _texts((*at, "capture"), raw.get("capture")):
        for name in sorted(names_in(f"{{{{ {text} }}}}") & secrets):
            message = f"{quoted(name)} is a secret, and what is captured is kept on disk"
            yield where, "secret-kept", message, "use the input itself where it is needed"


def _of_type(inputs: Mapping[str, Any], wanted: str) -> set[str]:
    return {name for name, item in inputs.items() if isinstance(item, dict) and item.get("type", "string") == wanted}


def _parts(at: Place, raw: Mapping[str, Any]) -> Iterator[tuple[Place, Mapping[str, Any]]]:
    """The step, its undo, and the verifications of both."""
    for place, part in ((at, raw), ((*at, "undo"), raw.get("undo"))):
        if isinstance(part, dict):
            yield place, part
            verify = part.get("verify")
            for number, item in enumerate(verify if isinstance(verify, list) else ()):
                if isinstance(item, dict):
                    yield (*place, "verify", number), item


def _texts(place: Place, value: Any) -> Iterator[tuple[Place, str]]:
    if isinstance(value, str):
        yield place, value
    elif isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _texts((*place, key), item)


def _code(at: Place, command: Any) -> Iterator[tuple[Place, str]]:
    """What a shell that is the program of `command` takes for its code."""
    try:
        words = split(command) if isinstance(command, str) else list(map(str, command or ()))
    except (ValueError, TypeError):  # others complain about that
        return
    if words and PurePosixPath(words[0]).name in _SHELLS:
        yield from (((*at, "command"), code) for flag, code in pairwise(words) if re.fullmatch("-[a-z]*c", flag))


def _pasted_in(code: str) -> set[str]:
    try:
        templates = [each.template for each in pasted(code)]
    except ValueError:  # others complain about that
        return set()
    if any(each.startswith("{%") for each in templates):  # a name may go on under another one
        return names_in(code)
    return {name for each in templates for name in names_in(each)}


def _shown(place: Place, names: Collection[str]) -> Iterator[Fault]:
    for name in names:
        message = f"{quoted(name)} is a secret, and everybody on a host can read the arguments of its programs"
        given = f"{name.upper()}: '{{{{ {name} }}}}'"
        yield place, "secret-in-arguments", message, f"give it through env: {{{given}}}, or through `stdin`"


def _obeyed(place: Place, names: Collection[str]) -> Iterator[Fault]:
    for name in names:
        message = f"the text {quoted(name)} is pasted into shell code, which would do what it says"
        given = f"{name.upper()}: '{{{{ {name} }}}}'"
        yield place, "input-in-shell", message, f'write "${name.upper()}", and env: {{{given}}}, or add `| quote`'
