"""Which programs a call to a host uses, so that one can ask what depends on `psql`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

from runner.core.shell.shell_reader import Command, Shell, of_arguments
from runner.kinds.invocation import STRICT, Invocation

# What a shell does itself: https://www.gnu.org/software/bash/manual/html_node/Shell-Builtin-Commands.html
_OF_THE_SHELL = """
declare local typeset readonly export unset set shopt cd pwd pushd popd dirs echo printf read mapfile readarray test
true false exit return break continue eval exec source trap wait jobs fg bg kill umask ulimit shift getopts let alias
unalias builtin command type hash times history help enable
"""
_BUILTINS = frozenset(_OF_THE_SHELL.split())
_DEFAULT = re.compile(r"^\{\{.*\|\s*default\('([^']+)'\).*\}\}$")
_PROGRAM = re.compile(r"[\w.+][\w.+-]*")


def programs(call: Invocation) -> list[str]:
    """The programs that `call` starts, in order; for another module than Ansible's `command`, the module itself."""
    argv = list(map(str, call.args.get("argv", ())))
    if call.module != "ansible.builtin.command" or not argv:
        return [call.module]
    words = argv[3:] if argv[0] == "timeout" else argv
    if tuple(words[: len(STRICT)]) == STRICT:
        return list(dict.fromkeys(in_shell(words[len(STRICT)])))
    return list(dict.fromkeys(_names(command for pipeline in of_arguments(words) for command in pipeline.commands)))


def in_shell(text: str) -> Iterator[str]:
    """The programs in the shell code `text`, as far as one can tell without running it."""
    shell = Shell(text)
    own = _BUILTINS | shell.functions()
    return (name for name in _names(shell.commands()) if name not in own)


def _names(commands: Iterable[Command]) -> Iterator[str]:
    for command in commands:
        yield from command.through
        default = _DEFAULT.match(command.words[0]) if command.words else None
        name = PurePosixPath(default[1]).name if default else command.name
        if _PROGRAM.fullmatch(name) and re.search("[A-Za-z]", name):
            yield name
