"""Where a runbook may not put a value: a secret into what everybody sees, a text into what a shell would obey."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import PurePosixPath
from typing import Any

from runner.definition.finding import Place, quoted
from runner.definition.pasting import pasted
from runner.tasks import names_in, split

Fault = tuple[Place, str, str, str]

_SEEN = ("command", "shell", "args", "chdir")
"""The keys of which the arguments of a program are made."""

_SHELLS = frozenset({"sh", "bash", "dash", "ash", "ksh", "zsh", "su"})
_OF_THE_SHELL = frozenset({"PATH", "HOME", "IFS", "ENV", "PWD", "USER", "SHELL", "LANG", "TZ", "TERM", "UID"})
"""Variables that mean something to a shell, so that no value may be given by their names."""

_NAMES = re.compile(r"\{%[-+]?\s*(?:for|set)\b")


_SAID_BY_HOSTS = frozenset({"result", "probe", "ansible_facts", "hostvars", "vars"})
"""The names of Ansible's own that hold what hosts say."""


class Known:
    """What a runbook knows by name: the `secrets` and the `texts` of its inputs, and what `hosts` say."""

    def __init__(self, inputs: Mapping[str, Any], captured: Collection[str]) -> None:
        self.secrets, self.texts = _of_type(inputs, "secret"), _of_type(inputs, "string")
        self.hosts = {*captured, *_SAID_BY_HOSTS}


def faults(at: Place, raw: Any, known: Known) -> Iterator[Fault]:
    """What is wrong with the way in which the step `raw`, as it is written, uses what its runbook knows."""
    if not isinstance(raw, dict):
        return
    for place, part in _parts(at, raw):
        for key in _SEEN:
            for where, text in _texts((*place, key), part.get(key)):
                yield from _shown(where, sorted(names_in(text) & known.secrets))
        for where, text in (*_texts((*place, "shell"), part.get("shell")), *_code(place, part.get("command"))):
            names = _pasted_in(text)
            yield from _obeyed(where, "input-in-shell", "", sorted(names & known.texts))
            yield from _obeyed(where, "captured-in-shell", " of a host", sorted(names & known.hosts))
    for where, text in _texts((*at, "capture"), raw.get("capture")):
        for name in sorted(names_in(f"{{{{ {text} }}}}") & known.secrets):
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
    """What a shell that `command` starts, here or through ssh on another machine, takes for its code."""
    try:
        words = split(command) if isinstance(command, str) else list(map(str, command or ()))
    except (ValueError, TypeError):  # others complain about that
        return
    names = [PurePosixPath(word).name for word in words]
    shell = next((number for number, name in enumerate(names) if name in _SHELLS), len(words))
    yield from (((*at, "command"), code) for flag, code in pairwise(words[shell:]) if re.fullmatch("-[a-z]*c", flag))
    if names[:1] == ["ssh"]:
        yield (*at, "command"), " ".join(_beyond_the_host(words[1:]))


def _beyond_the_host(words: Sequence[str]) -> Sequence[str]:
    """What ssh has the shell of the other machine do: all that follows its options and the host's name."""
    number = 0
    while number < len(words) and words[number].startswith("-"):
        number += 2 if re.fullmatch("-[BbcDEeFIiJLlmOopQRSWw]", words[number]) else 1
    return words[number + 1 :]


def _pasted_in(code: str) -> set[str]:
    """The names whose values a shell that reads `code` would obey."""
    try:
        templates = [each.template for each in pasted(code)]
    except ValueError:  # others complain about that
        return set()
    printed = [each for each in templates if each.startswith("{{")]
    other = [each for each in templates if each not in printed]
    # A loop and a `set` only give values another name; what else there is may change what was quoted.
    if other and (printed or not all(map(_NAMES.match, other))):
        return names_in(code)
    return {name for each in printed for name in names_in(each)}


def _shown(place: Place, names: Collection[str]) -> Iterator[Fault]:
    for name in names:
        message = f"{quoted(name)} is a secret, and everybody on a host can read the arguments of its programs"
        given = f"{name.upper()}: '{{{{ {name} }}}}'"
        yield place, "secret-in-arguments", message, f"give it through env: {{{given}}}, or through `stdin`"


def _obeyed(place: Place, rule: str, whose: str, names: Collection[str]) -> Iterator[Fault]:
    for name in names:
        message = f"the text {quoted(name)}{whose} is pasted into shell code, which would do what it says"
        variable = name.upper() if name.upper() not in _OF_THE_SHELL else f"THE_{name.upper()}"
        given = f"{variable}: '{{{{ {name} }}}}'"
        yield (
            place,
            rule,
            message,
            f'write "${variable}", and env: {{{given}}}, or add `| quote` outside of quotation marks',
        )
