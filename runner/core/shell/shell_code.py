"""A piece of shell code, or a command line, and all that others ask of it: the entry to the reader of shell code."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import field
from functools import cached_property, lru_cache

from runner.core.deferred import dataclass, regex
from runner.core.shell.command_wrappers import SHELLS, program_name, sets_pipefail, started
from runner.core.shell.pasted_values import Pasted, pasted
from runner.core.shell.rereading import Reading, read_as_code
from runner.core.shell.shell_reader import Command, Pipeline, Shell, of_arguments
from runner.core.shell.unseen_failures import UnseenFailure, unseen_failures

# What a login, or bash itself, sets: https://www.gnu.org/software/bash/manual/html_node/Bash-Variables.html
_VARIABLES = """
BASH BASHPID BASH_COMMAND BASH_REMATCH BASH_SOURCE BASH_VERSION BASH_VERSINFO COLUMNS EDITOR EPOCHREALTIME EPOCHSECONDS
EUID FUNCNAME GROUPS HOME HOSTNAME HOSTTYPE IFS LANG LC_ALL LINENO LINES LOGNAME MACHTYPE MAIL OLDPWD OPTARG OPTIND
OSTYPE PATH PIPESTATUS PPID PS1 PS2 PS3 PS4 PWD RANDOM REPLY SECONDS SHELL SHELLOPTS SHLVL SRANDOM SUDO_USER TERM TMPDIR
TZ UID USER _
"""
SET_BY_BASH = frozenset(_VARIABLES.split())
"""The variables that a login, or bash itself, sets."""

_COMMAND_USED = regex(r"(?<!\\)\$(?:\{([A-Za-z_]\w*)\}|([A-Z][A-Z0-9_]+)\b)")
_PROGRAMS = """
awk gawk mawk perl ruby python python3 lua jq yq sed grep envsubst mongo mongosh ssh find psql mysql mariadb php node
pwsh dpkg dpkg-query
"""
_EXPAND = frozenset(_PROGRAMS.split())
"""Programs that fill in, or mean something else by, a dollar sign."""

# What a shell does itself: https://www.gnu.org/software/bash/manual/html_node/Shell-Builtin-Commands.html
_OF_THE_SHELL = """
declare local typeset readonly export unset set shopt cd pwd pushd popd dirs echo printf read mapfile readarray test
true false exit return break continue eval exec source trap wait jobs fg bg kill umask ulimit shift getopts let alias
unalias builtin command type hash times history help enable
"""
_BUILTINS = frozenset(_OF_THE_SHELL.split())
_DEFAULT = regex(r"^\{\{.*\|\s*default\('([^']+)'\).*\}\}$")
_PROGRAM = regex(r"(?=.*[A-Za-z])[\w.+][\w.+-]*")


@dataclass(frozen=True)
class Code:
    """The `text` that a shell reads, or the command line of one program with its arguments, the `words`.

    `pipefail` is whether a pipeline fails when any of its commands does, and `errexit` whether the first command that
    fails ends it. `file` is the file that holds it, where it is not written in the runbook itself, and `env` has the
    variables that are given to it.
    """

    text: str
    words: tuple[str, ...] = ()
    pipefail: bool = True
    errexit: bool = False
    file: str = ""
    env: Mapping[str, str] = field(default_factory=dict)

    @property
    def in_shell(self) -> bool:
        """Whether a shell reads it; else it is one program with its arguments."""
        return not self.words

    @cached_property
    def shell(self) -> Shell:
        """The text as a shell takes it apart."""
        return _shell(self.text, self.pipefail)

    @cached_property
    def pipelines(self) -> Sequence[Pipeline]:
        """The pipelines in order; none where the text is not understood."""
        return self.shell.pipelines() if self.in_shell else of_arguments(self.words)

    def commands(self) -> Sequence[Command]:
        """Every command, those of substitutions as well."""
        if self.in_shell:
            return _commands(self.text, self.pipefail)
        return [command for pipeline in self.pipelines for command in pipeline.commands]

    def programs(self) -> list[str]:
        """The programs that it starts, in order, as far as one can tell without running it."""
        own = _BUILTINS | self.shell.functions().keys() if self.in_shell else frozenset()
        return [name for command in self.commands() for name in _programs(command) if name not in own]

    def comments(self) -> list[range]:
        """Where in the text its comments are."""
        return self.shell.comments()

    def pasted(self) -> list[Pasted]:
        """Every template whose value reaches the shell unquoted."""
        return list(pasted(self.text))

    def unseen_failures(self) -> list[UnseenFailure]:
        """Every command of which a failure is taken for success, or not seen."""
        return list(unseen_failures(self.shell)) if self.in_shell else []

    @property
    def ends_by(self) -> str:
        """What the last statement is in the words of the grammar: `while_statement` for a loop; empty for a command."""
        last = self.shell.root.named_children[-1:] if self.in_shell else []
        decides = [each for each in last if each.type != "if_statement" or each.children[-2].type != "else_clause"]
        return next((each.type for each in decides), "")

    def obeyed(self) -> list[Reading]:
        """Every value that the shell, or a program that it starts, takes for code, though it may have been quoted."""
        return list(read_as_code(self.text, self.env))

    def without_comments(self) -> str:
        """The text with spaces in the place of its comments, so that the rest stands where it did."""
        text = self.text
        for each in self.comments():
            text = text[: each.start] + " " * len(each) + text[each.stop :]
        return text

    def unset(self, given: Collection[str]) -> list[str]:
        """The variables that it uses and that neither it, nor `given`, nor a login sets, in the order of their use."""
        if self.file:
            return []  # it has arguments, and may be used elsewhere too
        if self.in_shell:
            names = {*given, *SET_BY_BASH, *self.shell.assigned()}
            used = self.shell.used() if self.shell.understood else []
            return [name for name in used if name not in names and not name.isdigit()]
        if any(_EXPAND & {each.name, *each.through} for each in self.commands()):
            return []
        return list(dict.fromkeys(match[1] or match[2] for match in _COMMAND_USED.finditer(self.text)))


@lru_cache(maxsize=256)
def _shell(text: str, strict: bool) -> Shell:  # noqa: FBT001 - a key of the cache
    return Shell(text, strict=strict)


@lru_cache(maxsize=256)
def _commands(text: str, strict: bool) -> Sequence[Command]:  # noqa: FBT001 - as above
    return _shell(text, strict).commands()


def _programs(command: Command) -> Iterator[str]:
    yield from command.through
    default = _DEFAULT.match(command.words[0]) if command.words else None
    name = program_name(default[1]) if default else command.name
    if _PROGRAM.fullmatch(name):
        yield name


def strict_code(text: str, env: Mapping[str, str]) -> Code:
    """The code that a strict bash reads: it ends at the first command that fails, also inside a pipe."""
    lax = re.search(r"\bset\s+\+(?:[a-z]*e|o\s+errexit\b)", text)
    return Code(text, pipefail=re.search(r"\+o\s+pipefail", text) is None, errexit=lax is None, env=env)


def command_line(words: Sequence[str], env: Mapping[str, str]) -> Code:
    """The program that `words` start, or the code that they hand to a shell on the same machine."""
    begun = started(words)
    if begun.code is not None and "ssh" not in begun.through:
        return Code(begun.code, pipefail=begun.strict, errexit=begun.errexit, env=env)
    return Code(" ".join(words), words=tuple(words), env=env)


def script_code(text: str, file: str) -> Code | None:
    """The text of a script; None where its first line names another interpreter than a shell."""
    words = text.partition("\n")[0].removeprefix("#!").split()
    name = next((program_name(word) for word in words if not word.endswith("/env")), "")
    if not text.startswith("#!") or name not in SHELLS:
        return None
    return Code(text, pipefail=name == "bash" or sets_pipefail(text), errexit=True, file=file)
