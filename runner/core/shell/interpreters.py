"""Programs that are given code of a language of their own among their arguments: awk, sed, psql, python and others."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from types import MappingProxyType

from runner.core.deferred import dataclass
from runner.core.shell.command_wrappers import program_name
from runner.core.shell.syntax_tree import TEMPLATE


@dataclass(frozen=True, slots=True)
class Interpreter:
    """How a program is given its code, and how a value is given to it as no code.

    The code is what follows an option that the pattern `option` matches, or is in one word with it; without one it is
    the operand number `operand`, if there is such; `takes` are the other options that have a word of their own, and
    `pairs` those that have two. One of the `verbs` before it is no operand. With `mixed` every word is code that has a
    value and other words in it. It does what it is given on its standard input where its words match the
    pattern `reads`; for `ALONE`, where it has no operand, which would name a file.
    """

    option: str
    better: str
    operand: int | None = None
    takes: str = ""
    pairs: str = ""
    verbs: str = ""
    mixed: bool = False
    reads: str | None = None

    def code(self, words: Sequence[str]) -> Iterator[str]:
        """The code in the `words` after the program's name."""
        found = [word for flag, word in pairwise(words) if re.fullmatch(self.option, flag)]
        attached = rf"(?:{self.option})=?(?P<code>.+)"
        found += [match["code"] for word in words if (match := re.fullmatch(attached, word, re.DOTALL))]
        yield from found
        yield from (word for word in words if self.mixed and word not in found and _is_mixed(word))
        if self.operand is not None and not found and "-f" not in words:
            yield from self._operands(words)[self.operand : self.operand + 1]

    def does(self, words: Sequence[str]) -> bool:
        """Whether it does what it is given on its standard input, with the `words` after its name."""
        if self.reads == _ALONE:
            return set(self._operands(words)) <= {"/dev/stdin"} and not list(self.code(words))
        return self.reads is not None and re.search(self.reads, " ".join(words)) is not None

    def _operands(self, words: Sequence[str]) -> list[str]:
        taking = {number + 1 for number, word in enumerate(words) if word in f"{self.takes} {self.pairs}".split()}
        taking |= {number + 2 for number, word in enumerate(words) if word in self.pairs.split()}
        operands = [word for number, word in enumerate(words) if number not in taking and word[:1] != "-"]
        return operands[1:] if operands and operands[0] in self.verbs.split() else operands


def _is_mixed(word: str) -> bool:
    return "{{" in word and len(TEMPLATE.sub("x", word).split()) > 1


_SUBCOMMAND = 6
"""Words behind the name of a program among which its subcommand stands."""
_ALONE, _ALWAYS, _DASH = "alone", "", r"(?:^|[ =])-(?: |$)"
_ENV = "give it through `env`, and let the code read that: "
_SQL = "write an `sql:` step, and give it in `params`"
_AWK = Interpreter("--source", f'{_ENV}ENVIRON["NAME"]', 0, "-F -v --assign --field-separator")
_SED = Interpreter("-[nEirsz]*e|--expression", "let ansible.builtin.replace or lineinfile do it, or awk", 0, "-l")
_MYSQL = Interpreter("-e|--execute", "give it as a parameter of a prepared statement", reads=_ALWAYS)
_SQL_ELSE = "let a program do it, with a parameter"
_NEVER = "(?!)"
_CONTENT = "write a file with the value by ansible.builtin.copy, and let it read that"
_STEP = "write it as a step of its own, with the value in `env`"
_CHOOSE = "choose it by an input of type enum"
_EXTRA = "-e|--extra-vars"
_GIT_KEYS = (
    r"alias\.[^=]+|core\.(?:sshCommand|editor|pager|fsmonitor|hooksPath|askPass|gitProxy)|(?:credential|diff|merge|filter)"
    r"\.(?:[^=]*\.)?(?:helper|external|command|textconv|driver|clean|smudge|process|cmd)"
)
_GIT = Interpreter(rf"--upload-pack|--receive-pack|--exec|foreach\Z|(?i:(?:{_GIT_KEYS})=)", _CHOOSE)
_SSH_KEYS = r"(?:-o\s*)?(?i:ProxyCommand|LocalCommand|RemoteCommand|KnownHostsCommand)(?:\s*=\s*|\s+)"
_SSH = Interpreter(_SSH_KEYS, _CHOOSE)
_COPY = Interpreter(f"-S|{_SSH_KEYS}", _CHOOSE)
_REQUEST = "write an `http:` step, or give it as an argument of its own"
_CURL = Interpreter(
    "-[a-zA-Z]*K|--config", _REQUEST, reads=r"(?:^| )(?:-[a-zA-Z]*K|--config)[ =]?(?:-|/dev/stdin)(?: |$)"
)
_TAR = "--to-command|--checkpoint-action=exec|-I|--use-compress-program|--info-script|--new-volume-script|--rsh-command"
_VI = Interpreter(r"-c|--cmd|\+", _CONTENT)
_ANSIBLE = Interpreter(f"-a|--args|{_EXTRA}", _STEP)
_REDIS = Interpreter(
    r"(?i:eval|eval_ro)\Z",
    "give it as an argument of the script, behind the number of keys: ARGV[1]",
    takes="-h -p -a -n -u --user --pass",
    reads=_ALONE,
)
_MAKE = Interpreter(
    r"[A-Za-z_][\w.-]*(?:::?:?|[?+!])?=|--eval", f'{_ENV}"$$NAME" in a recipe; make expands what is assigned'
)
_JQ = Interpreter(_NEVER, "give it by `--arg NAME VALUE`", 0, "--indent --tab", "--arg --argjson --slurpfile --rawfile")
_YQ = Interpreter(
    _NEVER,
    f"{_ENV}strenv(NAME)",
    0,
    "-o -p -I --output-format --input-format --indent",
    "--arg --argjson",
    "e eval ea eval-all",
)
_ON_MANY = Interpreter(_NEVER, _STEP, 0, "-h -H -l -p -o -e -t -x -m -g -f -r")
_JAVASCRIPT = Interpreter("-e|-p|-pe|--eval|--print", f"{_ENV}process.env.NAME", reads=_ALONE)
_INTERPRETERS: Mapping[str, Interpreter] = MappingProxyType(
    {
        **dict.fromkeys(("awk", "gawk", "mawk", "nawk"), _AWK),
        **dict.fromkeys(("sed", "gsed"), _SED),
        "psql": Interpreter("-[a-zA-Z]*c|--command", _SQL, reads=_ALWAYS),
        **dict.fromkeys(("mysql", "mariadb"), _MYSQL),
        "sqlite3": Interpreter("-cmd", "let Python do it, with a parameter", 1, "-separator -newline", reads=_ALWAYS),
        **dict.fromkeys(("mongosh", "mongo"), Interpreter("--eval", f"{_ENV}process.env.NAME", reads=_ALWAYS)),
        "python": Interpreter("-[a-zA-Z]*c", f'{_ENV}os.environ["NAME"]', reads=_ALONE),
        "perl": Interpreter("-[a-zA-Z0-9]*[eE]", f"{_ENV}$ENV{{NAME}}", reads=_ALONE),
        "ruby": Interpreter("-[a-z]*e", f'{_ENV}ENV["NAME"]', reads=_ALONE),
        "php": Interpreter("-[rBRE]", f'{_ENV}getenv("NAME")', reads=_ALONE),
        "lua": Interpreter("-e", f'{_ENV}os.getenv("NAME")', reads=_ALONE),
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
        "ed": Interpreter(_NEVER, _CONTENT, reads=_ALWAYS),
        **dict.fromkeys(("redis-cli", "valkey-cli"), _REDIS),
        **dict.fromkeys(("make", "gmake"), _MAKE),
        **dict.fromkeys(("jq", "gojq", "jaq"), _JQ),
        "yq": _YQ,
        "git": _GIT,
        "git rebase": Interpreter("-x|--exec", _CHOOSE),
        "git difftool": Interpreter("-x|--extcmd", _CHOOSE),
        "git grep": Interpreter("-O|--open-files-in-pager", _CHOOSE),
        "git filter-branch": Interpreter(r"--[a-z]+(?:-name)?-filter", _CHOOSE),
        "git config": Interpreter(rf"(?i:{_GIT_KEYS})\Z", _CHOOSE),
        **dict.fromkeys(("ssh", "autossh", "sshfs"), _SSH),
        "scp": _COPY,
        "sftp": replace(_COPY, reads=_ALWAYS),
        "rsync": Interpreter("-[a-zA-Z]*e|--rsh|--rsync-path", _CHOOSE),
        "curl": _CURL,
        "wget": Interpreter("-e|--execute|--use-askpass", _REQUEST),
        "xargs": Interpreter(_NEVER, """let the shell have it as an argument: sh -c '... "$1"' _ {}"""),
        **dict.fromkeys(("pssh", "parallel-ssh", "dsh"), _ON_MANY),
        "bolt": Interpreter(r"run\Z", _STEP),
        "knife": Interpreter(_NEVER, _STEP, 2, "-x -i -p"),
        **dict.fromkeys(("nc", "ncat", "netcat"), Interpreter("-[ec]|--exec|--sh-exec|--lua-exec", _STEP)),
        "aws": Interpreter("--parameters", _STEP),
        "az": Interpreter("--scripts", _STEP),
        **dict.fromkeys(("apt", "apt-get"), Interpreter(r"(?:-o)?\S*::(?:Pre|Post)-Invoke[^=]*=", _CHOOSE)),
        "cpio": Interpreter("--rsh-command|--to-command", _CHOOSE),
        "borg": Interpreter("--rsh|--remote-path", _CHOOSE),
        "restic": Interpreter(r"(?:-o)?sftp\.(?:command|args)=", _CHOOSE),
        "rclone": Interpreter("--sftp-ssh|--password-command", _CHOOSE),
        "sort": Interpreter("--compress-program", _CHOOSE),
        "split": Interpreter("--filter", _CHOOSE),
        "tcpdump": Interpreter("-z", _CHOOSE),
        "man": Interpreter("-P|--pager|-H", _CHOOSE),
        "nginx": Interpreter("-g", _CONTENT),
        "mutt": Interpreter("-e", _CONTENT),
        "zip": Interpreter("-TT|--unzip-command", _CHOOSE),
        "exiftool": Interpreter("-if|-p", _SQL_ELSE),
        "xmllint": Interpreter("--xpath", _SQL_ELSE),
        **dict.fromkeys(("xmlstarlet", "xml"), Interpreter("-[vmixdu]|--(?:value-of|match|if|expr)", _SQL_ELSE)),
        **dict.fromkeys(("lftp", "gnuplot"), Interpreter("-[ce]", _CONTENT, reads=_ALWAYS)),
        **dict.fromkeys(
            ("bc", "dc", "ftp", "nsupdate", "sqlplus", "isql"), Interpreter(_NEVER, _CONTENT, reads=_ALWAYS)
        ),
        **dict.fromkeys(("ldapmodify", "ldapadd", "iptables-restore"), Interpreter(_NEVER, _CONTENT, reads=_ALWAYS)),
        "nft": Interpreter(_NEVER, _CONTENT, 0, reads=_DASH),
        **dict.fromkeys(("tclsh", "wish"), Interpreter(_NEVER, f"{_ENV}$env(NAME)", reads=_ALONE)),
        "cypher-shell": Interpreter(_NEVER, "give it by --param", 0, "-u -p -a -d -P --param", reads=_ALONE),
        "snowsql": Interpreter("-q|--query", _SQL_ELSE),
        "influx": Interpreter("-execute", _SQL_ELSE),
        "nmap": Interpreter("--script(?!-)", _CHOOSE),
        "gdb": Interpreter("--?i?ex(?!ec)|--?eval-command|--?init-eval-command", _CONTENT),
        "lldb": Interpreter("-o|-O|-k|--one-line|--one-line-before-file", _CONTENT),
        "osascript": Interpreter("-e", f'{_ENV}system attribute "NAME"'),
        **dict.fromkeys(("R", "Rscript"), Interpreter("-e", f'{_ENV}Sys.getenv("NAME")')),
        "julia": Interpreter("-[eE]|--eval|--print", f'{_ENV}ENV["NAME"]'),
        "groovy": Interpreter("-e", f'{_ENV}System.getenv("NAME")'),
        "elixir": Interpreter("-e|--eval", f'{_ENV}System.get_env("NAME")'),
        "erl": Interpreter("-eval", f'{_ENV}os:getenv("NAME")'),
        "expect": Interpreter("-c", f"{_ENV}$env(NAME)", reads=_ALONE),
        "rails": Interpreter(r"(?:runner|r)\Z", f'{_ENV}ENV["NAME"]'),
        "vagrant": Interpreter("-c|--command", _STEP),
        "gcloud": Interpreter("--command", _STEP),
        "luajit": Interpreter("-e", f'{_ENV}os.getenv("NAME")'),
        "cqlsh": Interpreter("-e|--execute", _SQL_ELSE, reads=_ALWAYS),
        "clickhouse-client": Interpreter("-q|--query", "give it by --param_NAME"),
        "sqlcmd": Interpreter("-[qQ]", _SQL_ELSE),
        "duckdb": Interpreter("-c|-cmd|-s", _SQL_ELSE, 1, reads=_ALWAYS),
        **dict.fromkeys(("pwsh", "powershell"), Interpreter("-[cC](?:ommand)?", f"{_ENV}$env:NAME")),
    }
)


def interpreters(program: str, words: Sequence[str]) -> Iterator[Interpreter]:
    """How the `program` is given code, by itself and by a subcommand of it that is one of the `words` behind it."""
    for name in (program, *(f"{program} {word}" for word in words[:_SUBCOMMAND])):
        if found := interpreter(name):
            yield found


def interpreter(program: str) -> Interpreter | None:
    """How the `program` is given code; None where it is none that takes any, as far as is known."""
    return _INTERPRETERS.get(re.sub(r"(?<=^python)[0-9.]+$", "", program_name(program)))
