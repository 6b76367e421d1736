"""Programs that are given code of a language of their own among their arguments: awk, sed, psql, python and others."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType

from runner.core.shell.command_wrappers import program_name
from runner.core.shell.shell_reader import TEMPLATE


@dataclass(frozen=True, slots=True)
class Interpreter:
    """How a program is given its code, and how a value is given to it as no code.

    The code is what follows an option that the pattern `option` matches, or is in one word with it; without one it is
    the operand number `operand`, if there is such; `takes` are the other options that have a word of their own, and
    `pairs` those that have two. With `mixed` every word is code that has a value and other words in it. `reads` is
    whether it does what it is given on its standard input.
    """

    option: str
    better: str
    operand: int | None = None
    takes: str = ""
    pairs: str = ""
    mixed: bool = False
    reads: bool = False

    def code(self, words: Sequence[str]) -> Iterator[str]:
        """The code in the `words` after the program's name."""
        found = [word for flag, word in pairwise(words) if re.fullmatch(self.option, flag)]
        attached = rf"(?:{self.option})=?(?P<code>.+)"
        found += [match["code"] for word in words if (match := re.fullmatch(attached, word, re.DOTALL))]
        yield from found
        yield from (word for word in words if self.mixed and word not in found and _is_mixed(word))
        if self.operand is not None and not found and "-f" not in words:
            taking = {number + 1 for number, word in enumerate(words) if word in f"{self.takes} {self.pairs}".split()}
            taking |= {number + 2 for number, word in enumerate(words) if word in self.pairs.split()}
            operands = [word for number, word in enumerate(words) if number not in taking and word[:1] != "-"]
            yield from operands[self.operand : self.operand + 1]


def _is_mixed(word: str) -> bool:
    return "{{" in word and len(TEMPLATE.sub("x", word).split()) > 1


_ENV = "give it through `env`, and let the code read that: "
_SQL = "write an `sql:` step, and give it in `params`"
_AWK = Interpreter("--source", f'{_ENV}ENVIRON["NAME"]', 0, "-F -v --assign --field-separator")
_SED = Interpreter("-[nEirsz]*e|--expression", "let ansible.builtin.replace or lineinfile do it, or awk", 0, "-l")
_MYSQL = Interpreter("-e|--execute", "give it as a parameter of a prepared statement", reads=True)
_SQL_ELSE = "let a program do it, with a parameter"
_NEVER = "(?!)"
_CONTENT = "write a file with the value by ansible.builtin.copy, and let it read that"
_STEP = "write it as a step of its own, with the value in `env`"
_CHOOSE = "choose it by an input of type enum"
_EXTRA = "-e|--extra-vars"
_GIT_SETTINGS = (
    r"alias\.[^=]+=|core\.(?:sshCommand|editor|pager|fsmonitor|hooksPath|askPass|gitProxy)=|(?:credential|diff|merge|filter)"
    r"\.(?:[^=]*\.)?(?:helper|external|command|textconv|driver|clean|smudge|process|cmd)="
)
_GIT = Interpreter(rf"--upload-pack|--receive-pack|--exec|foreach\Z|(?i:{_GIT_SETTINGS})", _CHOOSE)
_TAR = "--to-command|--checkpoint-action=exec|-I|--use-compress-program|--info-script|--new-volume-script|--rsh-command"
_VI = Interpreter(r"-c|--cmd|\+", _CONTENT)
_ANSIBLE = Interpreter(f"-a|--args|{_EXTRA}", _STEP)
_REDIS = Interpreter(r"(?i:eval|eval_ro)\Z", "give it as an argument of the script, behind the number of keys: ARGV[1]")
_MAKE = Interpreter(
    r"[A-Za-z_][\w.-]*(?:::?:?|[?+!])?=|--eval", f'{_ENV}"$$NAME" in a recipe; make expands what is assigned'
)
_JQ = Interpreter(_NEVER, "give it by `--arg NAME VALUE`", 0, "--indent --tab", "--arg --argjson --slurpfile --rawfile")
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
        "php": Interpreter("-[rBRE]", f'{_ENV}getenv("NAME")'),
        "lua": Interpreter("-e", f'{_ENV}os.getenv("NAME")'),
        **dict.fromkeys(("node", "nodejs", "bun"), _JAVASCRIPT),
        **dict.fromkeys(("fish", "csh", "tcsh", "mksh", "yash"), Interpreter("-[a-zA-Z]*c|--command", _ENV + "$NAME")),
        "tmux": Interpreter(r"(?:send|send-keys|run|run-shell)\Z", _STEP, mixed=True),
        "screen": Interpreter(r"(?:stuff|eval)\Z", _STEP),
        "socat": Interpreter("(?i:exec|system|shell):", _STEP),
        **dict.fromkeys(
            ("tar", "gtar"), Interpreter(_TAR, "let the command read $TAR_FILENAME, and a value from `env`")
        ),
        **dict.fromkeys(("ansible", "ansible-playbook"), _ANSIBLE),
        **dict.fromkeys(("salt", "salt-call", "salt-ssh"), Interpreter(r"cmd\.(?:run|shell|script)\w*\Z", _STEP)),
        **dict.fromkeys(("vi", "vim", "nvim", "view", "ex"), _VI),
        "emacs": Interpreter("--?eval|--execute", _CONTENT),
        "ed": Interpreter(_NEVER, _CONTENT, reads=True),
        **dict.fromkeys(("redis-cli", "valkey-cli"), _REDIS),
        **dict.fromkeys(("make", "gmake"), _MAKE),
        "jq": _JQ,
        "git": _GIT,
        "rsync": Interpreter("-[a-zA-Z]*e|--rsh|--rsync-path", _CHOOSE),
        "nmap": Interpreter("--script(?!-)", _CHOOSE),
        "gdb": Interpreter("--?i?ex(?!ec)|--?eval-command|--?init-eval-command", _CONTENT),
        "lldb": Interpreter("-o|-O|-k|--one-line|--one-line-before-file", _CONTENT),
        "osascript": Interpreter("-e", f'{_ENV}system attribute "NAME"'),
        **dict.fromkeys(("R", "Rscript"), Interpreter("-e", f'{_ENV}Sys.getenv("NAME")')),
        "julia": Interpreter("-[eE]|--eval|--print", f'{_ENV}ENV["NAME"]'),
        "groovy": Interpreter("-e", f'{_ENV}System.getenv("NAME")'),
        "elixir": Interpreter("-e|--eval", f'{_ENV}System.get_env("NAME")'),
        "erl": Interpreter("-eval", f'{_ENV}os:getenv("NAME")'),
        "expect": Interpreter("-c", f"{_ENV}$env(NAME)"),
        "rails": Interpreter(r"(?:runner|r)\Z", f'{_ENV}ENV["NAME"]'),
        "vagrant": Interpreter("-c|--command", _STEP),
        "gcloud": Interpreter("--command", _STEP),
        "luajit": Interpreter("-e", f'{_ENV}os.getenv("NAME")'),
        "cqlsh": Interpreter("-e|--execute", _SQL_ELSE, reads=True),
        "clickhouse-client": Interpreter("-q|--query", "give it by --param_NAME"),
        "sqlcmd": Interpreter("-[qQ]", _SQL_ELSE),
        "duckdb": Interpreter("-c|-cmd|-s", _SQL_ELSE, 1, reads=True),
        **dict.fromkeys(("pwsh", "powershell"), Interpreter("-[cC](?:ommand)?", f"{_ENV}$env:NAME")),
    }
)


def interpreter(program: str) -> Interpreter | None:
    """How the `program` is given code; None where it is none that takes any, as far as is known."""
    return _INTERPRETERS.get(re.sub(r"(?<=^python)[0-9.]+$", "", program_name(program)))
