"""Programs that are given code of a language of their own among their arguments: awk, sed, psql, python and others."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType

from runner.core.shell.command_wrappers import program_name


@dataclass(frozen=True, slots=True)
class Interpreter:
    """How a program is given its code, and how a value is given to it as no code.

    The code is what follows an option that the pattern `option` matches; without one it is the operand number
    `operand`, if there is such; `takes` are the other options that have a word of their own. `reads` is whether it
    does what it is given on its standard input.
    """

    option: str
    better: str
    operand: int | None = None
    takes: str = ""
    reads: bool = False

    def code(self, words: Sequence[str]) -> Iterator[str]:
        """The code in the `words` after the program's name."""
        found = [word for flag, word in pairwise(words) if re.fullmatch(self.option, flag)]
        attached = rf"(?:{self.option})=?(?P<code>.+)"
        found += [match["code"] for word in words if (match := re.fullmatch(attached, word, re.DOTALL))]
        yield from found
        if self.operand is not None and not found and "-f" not in words:
            taking = {number + 1 for number, word in enumerate(words) if word in self.takes.split()}
            operands = [word for number, word in enumerate(words) if number not in taking and word[:1] != "-"]
            yield from operands[self.operand : self.operand + 1]


_ENV = "give it through `env`, and let the code read that: "
_SQL = "write an `sql:` step, and give it in `params`"
_AWK = Interpreter("--source", f'{_ENV}ENVIRON["NAME"]', 0, "-F -v --assign --field-separator")
_SED = Interpreter("-[nEirsz]*e|--expression", "let ansible.builtin.replace or lineinfile do it, or awk", 0, "-l")
_MYSQL = Interpreter("-e|--execute", "give it as a parameter of a prepared statement", reads=True)
_JAVASCRIPT = Interpreter("-e|-p|-pe|--eval|--print", f"{_ENV}process.env.NAME")
_INTERPRETERS: Mapping[str, Interpreter] = MappingProxyType(
    {
        **dict.fromkeys(("awk", "gawk", "mawk", "nawk"), _AWK),
        **dict.fromkeys(("sed", "gsed"), _SED),
        "psql": Interpreter("-[a-zA-Z]*c|--command", _SQL, reads=True),
        **dict.fromkeys(("mysql", "mariadb"), _MYSQL),
        "sqlite3": Interpreter("-cmd", "let Python do it, with a parameter", 1, "-separator -newline", reads=True),
        **dict.fromkeys(("mongosh", "mongo"), Interpreter("--eval", f"{_ENV}process.env.NAME")),
        "python": Interpreter("-[a-zA-Z]*c", f'{_ENV}os.environ["NAME"]'),
        "perl": Interpreter("-[a-zA-Z0-9]*[eE]", f"{_ENV}$ENV{{NAME}}"),
        "ruby": Interpreter("-[a-z]*e", f'{_ENV}ENV["NAME"]'),
        "php": Interpreter("-r", f'{_ENV}getenv("NAME")'),
        "lua": Interpreter("-e", f'{_ENV}os.getenv("NAME")'),
        **dict.fromkeys(("node", "nodejs"), _JAVASCRIPT),
        **dict.fromkeys(("pwsh", "powershell"), Interpreter("-[cC](?:ommand)?", f"{_ENV}$env:NAME")),
    }
)


def interpreter(program: str) -> Interpreter | None:
    """How the `program` is given code; None where it is none that takes any, as far as is known."""
    return _INTERPRETERS.get(re.sub(r"(?<=^python)[0-9.]+$", "", program_name(program)))
