"""Rules about what should no longer stand in a runbook, or never: old tools, past reviews, secrets."""

import re
from collections.abc import Iterator
from datetime import date, timedelta
from functools import lru_cache

from runner.core.deferred import regex
from runner.core.secrets import CONFIDENTIAL_WORD, is_secret_name
from runner.core.templates import gives
from runner.lint.rules.base import Criterion, Hit, Level, LintContext, Rule
from runner.model.checks.secret_checks import in_arguments

_OLD_VAULT = "vault:"
AGE = timedelta(days=365)
"""A review is good for as long."""
# Each tool with what took its place, as its own project or distribution says. A `=` means: with the same arguments.
_TOOLS = {
    r"ifconfig": "ip address",
    r"netstat": "ss",
    r"route\s+-n|route\s+(?:add|del)": "ip route",
    r"arp\s+-\w+": "ip neighbour",
    r"brctl": "bridge",
    r"iwconfig": "iw",
    r"egrep": "=grep -E",
    r"fgrep": "=grep -F",
    r"docker-compose": "=docker compose",
    r"apt-key": "files in /etc/apt/keyrings",
    r"chkconfig|update-rc\.d|insserv": "systemctl enable",
    r"initctl": "systemctl",
    r"service\s+[\w@.-]+\s+(?:start|stop|restart|reload|status)": "systemctl",
    r"letsencrypt-auto|certbot-auto": "certbot",
    r"docker-machine": "docker context",
    r"easy_install": "pip",
    r"pip2": "pip3",
    r"/etc/init\.d/\S+": "systemctl",
    r"(?:rsh|rlogin|rcp|telnet)": "ssh",
    r"ntpdate": "chronyc",
    r"python2(?:\.\d)?": "python3",
    r"kubectl\s+rolling-update": "kubectl rollout",
    r"helm\s+init|tiller": "helm 3",
    r"pg_xlog\w*|pg_switch_xlog|pg_current_xlog_\w+": "the names with wal",
    r"mongo": "mongosh",
    r"aws\s+ecr\s+get-login(?!-)": "aws ecr get-login-password",
    r"apache2ctl\s+graceful-stop": "systemctl",
}
_BEFORE, _AFTER = r"(?<![\w./-])", r"(?![\w./-])"
_ANY_TOOL = regex(f"{_BEFORE}(?:{'|'.join(_TOOLS)}){_AFTER}")
_IN_SQL = {
    r"(?i:show\s+slave\s+status)": "SHOW REPLICA STATUS",
    r"(?i:change\s+master\s+to)": "CHANGE REPLICATION SOURCE TO",
    r"pg_switch_xlog|pg_current_xlog_\w+|pg_xlogfile_name|pg_last_xlog_\w+": "the names with wal",
}
_DATE = r"(\d{4}-\d\d-\d\d)\b"
_ANY_DATE = regex(_DATE)
_REVIEWED = regex(rf"(?i)\b(?:last\s+)?(?:reviewed|checked|updated)\s*(?:on|:|at)?\s*{_DATE}")
_UNTIL = regex(
    r"(?i)\b(?:review(?:\s+(?:again|date))?(?:\s+(?:by|before|until|on))?|valid\s+until|until|expires(?:\s+on)?|end\s+of\s+life)"
    rf"\s*:?\s*{_DATE}"
)


@Rule(
    "outdated",
    Level.WARNING,
    Criterion.MAINTAINED,
    problem="A tool that is gone, or a review that is long past, shows that nobody keeps the runbook up to date.",
    wrong="steps:\n  - {id: ports, name: List the open ports, command: netstat -tln, verify: [{exit: 0}]}\n",
    right="steps:\n  - {id: ports, name: List the open ports, command: ss -tln, verify: [{exit: 0}]}\n",
    fixes=True,
)
def outdated(context: LintContext) -> Iterator[Hit]:
    """A tool that is no longer there, or a review that is due."""
    for work, code in context.codes():
        place = work.place
        for old, new in _old(code.text, _TOOLS, before=_BEFORE, after=_AFTER) if _ANY_TOOL.search(code.text) else ():
            same = new.startswith("=") and isinstance(context.written(place), str) and code.text.count(old) == 1
            yield _hit(place, old, new, replacement=new[1:] if same and not code.file else None)
    for place, statement in ((work.place, work.kind.sql_statement) for work in context.works()):
        for old, new in _old(statement, _IN_SQL) if statement else ():
            yield _hit(place, old, new)
    yield from _dates(context)
    for name, item in context.runbook.inputs.items():
        if str(item.default).startswith(_OLD_VAULT) and item.type == "secret":
            message = "`vault:` is the old name of `ansible-vault:`, as Vault is also a server (`vault-kv:`)"
            yield Hit(("inputs", name, "default"), message, fragment=_OLD_VAULT, replacement="ansible-vault:")


def _old(text: str, table: dict[str, str], *, before: str = "", after: str = "") -> list[tuple[str, str]]:
    matches = [(re.search(f"{before}(?:{old}){after}", text), new) for old, new in table.items()]
    return [(match[0], new) for match, new in matches if match]


def _hit(place: tuple[str | int, ...], old: str, new: str, replacement: str | None = None) -> Hit:
    message, hint = f"{old} is no longer maintained, or no longer there", f"write {new.removeprefix('=')}"
    return Hit(place, message, hint, fragment=old, replacement=replacement)


def _dates(context: LintContext) -> Iterator[Hit]:
    dated = ((offset, line) for offset, line in context.lines() if _ANY_DATE.search(line))
    for offset, line in dated:
        for pattern, good in ((_REVIEWED, AGE), (_UNTIL, timedelta(0))):
            if (match := pattern.search(line)) and (day := _day(match[1])) and day + good < context.today:
                message = f"{match[0]} was {(context.today - day).days} days ago"
                hint = "go through the runbook again, and write the new date"
                yield Hit((), message, hint, offset=offset + match.start())


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


# A value that stands for a secret and is none: a template, a variable, a reference, a file, a kind of value.
_VALUE = (
    r"(?!(?:env:|file:|vault:|ansible-vault:|vault-kv:|aws-s?sm:|op:|lastpass:|bitwarden:|command:|/|\.\.\.|\+|your[_-]|(?:true|false|null|none|string|secret|required|include|x+)\b|\*+))"
    r"(?!\S+\.(?:pem|key|crt|json|ya?ml|txt)\b)[^\s\"'`,;{}\[\]$<>%()~&|#]{4,}"
)
_SECRETS = regex(
    rf"""(?ix)
    (?P<name>(?<![\w-])[\w-]*{CONFIDENTIAL_WORD}["']?(?:\s*=\s*|:\s+)["']?(?P<assigned>{_VALUE}))
    | (?<![\w-])--?(?:[a-z0-9]+-)*{CONFIDENTIAL_WORD}(?:=|\s+)["']?{_VALUE}
    | \bpassword\s+'(?!%|\$|\{{){_VALUE}
    | \bauthorization["']?\s*:\s*["']?(?:bearer|basic|token)\s+{_VALUE}
    | \b(?:bearer|basic)\s+(?!auth|access|health)(?=[\w.+/=-]*\d)[\w.+/=-]{{12,}}
    | (?<![a-z0-9+.-])[a-z][a-z0-9+.-]*://[^\s:/@{{}}$]+:[^\s:/@{{}}$<>]+@
    | \bmysql(?:dump)?\s[^\n]*?\s-p[^\s{{$'"-]\S+
    | \bcurl\s[^\n]*?(?:-u|--user)[\s=]+["']?[\w.-]+:[^\s{{$"']+
    | \bredis-cli\s[^\n]*?(?:-a|--pass)\s+["']?[^\s{{$"'-][^\s"']*
    | \bsshpass\s+-p\s*["']?[^\s{{$"']+
    """
)
_TOKENS = regex(
    r"(?:AKIA|ASIA)[0-9A-Z]{16}\b|-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----|\bgh[pousr]_[A-Za-z0-9]{20,}"
    r"|\bgithub_pat_\w{20,}|\bglpat-[\w-]{16,}|\bxox[abeprs]-[A-Za-z0-9-]{10,}|\b[sr]k_live_[A-Za-z0-9]{10,}"
    r"|\bAIza[\w-]{30,}|\beyJ[\w-]{8,}\.eyJ[\w-]{8,}|hooks\.slack\.com/services/T\w+/B\w+/\w{8,}"
)
_PROSE = frozenset({"title", "what", "says", "name", "why", "help", "confirm", "do", "declared", "condition", "event"})
_WRONG = """\
steps:
  - id: dump
    name: Write a dump of the shop
    command: pg_dump --file=/backup/shop.sql shop
    env: {PGPASSWORD: correct-horse-9}
    verify: [{command: test -s /backup/shop.sql}]
"""


@Rule(
    "secret-in-plain-sight",
    Level.ERROR,
    Criterion.MAINTAINED,
    problem="A runbook is read, copied, printed and logged; a secret in it is known to all of them, for ever.",
    wrong=_WRONG,
    right=_WRONG.replace("PGPASSWORD: correct-horse-9", "PGPASSFILE: /etc/shop/pgpass"),
    quotable=False,
)
def secret_in_plain_sight(context: LintContext) -> Iterator[Hit]:
    """A password, a token or a key that everybody who reads the file may use."""
    hint = "keep it outside: in a file on the host, or in the environment of whoever runs this"
    for offset, line in context.lines():
        if match := _TOKENS.search(line) or _written(line):
            yield Hit((), "a secret stands here for everybody to read", hint, offset=offset + match.start())
    for name, declared in context.runbook.inputs.items():
        default = getattr(declared, "default", None) if declared.type != "secret" else None  # that is a reference
        if is_secret_name(name) and isinstance(default, str):
            yield Hit(("inputs", name, "default"), "a secret stands here for everybody to read", hint)


@lru_cache(maxsize=4096)  # most lines of a library stand in several runbooks
def _written(line: str) -> re.Match[str] | None:
    key = re.match(r"[\s{-]*([a-z_]+):\s", line)
    prose = bool(key and key[1] in _PROSE)
    for match in _SECRETS.finditer(line):
        if not (prose and match["name"] and ":" in match["name"]):
            return match
    return None


_ARGUMENT = """\
steps:
  - id: dump
    name: Write a dump of the shop
    command: pg_dump "--dbname=postgres://shop:{{ shop_password }}@db/shop" --file=/backup/shop.sql
    verify: [{command: test -s /backup/shop.sql}]
"""
_ENVIRONMENT = """\
steps:
  - id: dump
    name: Write a dump of the shop
    command: pg_dump --dbname=postgres://shop@db/shop --file=/backup/shop.sql
    env: {PGPASSWORD: "{{ shop_password }}"}
    verify: [{command: test -s /backup/shop.sql}]
"""


@Rule(
    "vaulted-in-arguments",
    Level.ERROR,
    Criterion.MAINTAINED,
    problem="What ansible-vault has encrypted is a secret, and everybody on a host can read the arguments of programs.",
    wrong=_ARGUMENT,
    right=_ENVIRONMENT,
)
def vaulted_in_arguments(context: LintContext) -> Iterator[Hit]:
    """A secret of the inventory in the words of a program; an input or a captured value of the same name hides it."""
    own = context.runbook.inputs.keys() | {name for step in context.runbook.procedure for name in step.capture}
    secret = [name for name in sorted(context.vaulted) if name.partition(".")[0] not in own]
    for work in context.works() if secret else ():
        for key in work.kind.visible:
            for place, text in context.leaves((*work.place[:-1], key)):
                for name in (name for name in secret if gives(text, name)):
                    message, hint = in_arguments(name, "a secret of the inventory", in_env=key == "env")
                    yield Hit(place, message, hint, fragment=name)
