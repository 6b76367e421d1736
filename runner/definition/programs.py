"""Which programs a call to a host uses, so that one can ask what depends on `psql`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import PurePosixPath

from runner.steps.shell import STRICT
from runner.tasks import Invocation

_SHELLS = frozenset({"sh", "bash", "dash"})
_INTERPRETERS = _SHELLS | {"python3", "perl", "ruby"}
# What a shell does itself: https://www.gnu.org/software/bash/manual/html_node/Shell-Builtin-Commands.html
_OF_THE_SHELL = """
if then elif else fi for while until do done case esac in function select time coproc declare local typeset readonly
export unset set shopt cd pwd pushd popd dirs echo printf read mapfile readarray test true false exit return break
continue eval exec source trap wait jobs fg bg kill umask ulimit shift getopts let alias unalias builtin command type
hash times history help enable
"""
_BUILTINS = frozenset(_OF_THE_SHELL.split())
_LEADS = re.compile(
    r"(?:^|[;|&(`{])[ \t]*"  # where a command may begin
    r"(?:(?:then|do|else|elif|if|while|until|exec|command|sudo|nohup|time|!)[ \t]+|[A-Za-z_]\w*=[^\s(]*[ \t]+)*"
    r"(?P<name>[A-Za-z0-9_./\x00][A-Za-z0-9_./+\x00-]*)(?![\w=$\"'{(])",
    re.MULTILINE,
)
_EXPANSION = re.compile(r"\$\(\([^)]*\)\)|\$\{[^}]*\}|\$\w+")
_UNKNOWN = "\x00"
"""Stands for what only a run knows."""

_TEMPLATE = re.compile(r"^\{\{.*\|\s*default\('([^']+)'\).*\}\}$")
_TEMPLATES = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
_WRAPPED = 3
"""The words of coreutils' `timeout` before the program that it ends."""


def programs(call: Invocation) -> list[str]:
    """The programs that `call` starts, in order; for another module than Ansible's `command`, the module itself."""
    argv = list(map(str, call.args.get("argv", ())))
    if call.module != "ansible.builtin.command" or not argv:
        return [call.module]
    words = argv[_WRAPPED:] if argv[0] == "timeout" else argv
    name = _name(words[0])
    found = [*([name] if name and tuple(words[: len(STRICT)]) != STRICT else []), *_scripted(words)]
    return list(dict.fromkeys(found))


def _name(word: str) -> str:
    """The program that an argument vector begins with; the default where a template says which."""
    default = _TEMPLATE.match(word)
    word = default[1] if default else word
    return "" if "{{" in word else PurePosixPath(word).name


def _scripted(words: Sequence[str]) -> Iterator[str]:
    if _name(words[0]) in _SHELLS and len(words) > 2:  # noqa: PLR2004 - bash, -c and its text at least
        text = next((word for before, word in pairwise(words) if before.endswith("c")), "")
        yield from in_shell(text)


def in_shell(text: str) -> Iterator[str]:
    """The programs in the shell code `text`, as far as one can tell without running it."""
    bare = _TEMPLATES.sub(_UNKNOWN, re.sub(r"^\s*#.*$|\s#[^\n]*$", "", text, flags=re.MULTILINE))
    bare = re.sub(r"'[^']*'", "''", _EXPANSION.sub(_UNKNOWN, bare))
    bare = re.sub(r'"([^"]*)"', lambda quoted: f'"{_substitutions(quoted[1])}"', bare)
    for match in _LEADS.finditer(bare.replace("\\\n", " ")):
        name = PurePosixPath(match["name"]).name
        if name not in _BUILTINS and _UNKNOWN not in name and re.search(r"[A-Za-z]", name):
            yield name


def _substitutions(quoted: str) -> str:
    """Of text in double quotes only what the shell runs in it."""
    return " ".join(re.findall(r"\$\([^)]*\)", quoted))
