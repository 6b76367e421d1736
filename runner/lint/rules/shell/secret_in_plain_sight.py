"""`secret-in-plain-sight`: a password, a token or a key that everybody who reads the file may use."""

from __future__ import annotations

import re
from collections.abc import Iterator

from runner.core.secrets import CONFIDENTIAL_WORD, is_secret_name
from runner.lint.rules.base import Criterion, Hit, Level, LintContext, Rule

# A value that stands for a secret and is none: a template, a variable, a reference, a file, a kind of value.
_VALUE = (
    r"(?!(?:env:|file:|vault:|/|\.\.\.|\+|your[_-]|(?:true|false|null|none|string|secret|required|include|x+)\b|\*+))"
    r"(?!\S+\.(?:pem|key|crt|json|ya?ml|txt)\b)[^\s\"'`,;{}\[\]$<>%()~&|#]{4,}"
)
_SECRETS = re.compile(
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
_TOKENS = re.compile(
    r"(?:AKIA|ASIA)[0-9A-Z]{16}\b|-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----|\bgh[pousr]_[A-Za-z0-9]{20,}"
    r"|\bgithub_pat_\w{20,}|\bglpat-[\w-]{16,}|\bxox[abeprs]-[A-Za-z0-9-]{10,}|\b[sr]k_live_[A-Za-z0-9]{10,}"
    r"|\bAIza[\w-]{30,}|\beyJ[\w-]{8,}\.eyJ[\w-]{8,}|hooks\.slack\.com/services/T\w+/B\w+/\w{8,}"
)
_PROSE = frozenset({"title", "what", "says", "name", "why", "help", "confirm", "do", "declared", "condition", "event"})


def _find(context: LintContext) -> Iterator[Hit]:
    hint = "keep it outside: in a file on the host, or in the environment of whoever runs this"
    offset = 0
    for line in context.document.text.splitlines(keepends=True):
        found = _TOKENS.search(line) or _written(line)
        if found:
            yield Hit((), "a secret stands here for everybody to read", hint, offset=offset + found.start())
        offset += len(line)
    for name, declared in context.runbook.inputs.items():
        default = getattr(declared, "default", None) if declared.type != "secret" else None  # that is a reference
        if is_secret_name(name) and isinstance(default, str):
            yield Hit(("inputs", name, "default"), "a secret stands here for everybody to read", hint)


def _written(line: str) -> re.Match[str] | None:
    key = re.match(r"[\s{-]*([a-z_]+):\s", line)
    prose = bool(key and key[1] in _PROSE)
    for match in _SECRETS.finditer(line):
        if not (prose and match["name"] and ":" in match["name"]):
            return match
    return None


_WRONG = """\
steps:
  - id: dump
    name: Write a dump of the shop
    command: pg_dump --file=/backup/shop.sql shop
    env: {PGPASSWORD: correct-horse-9}
    verify: [{command: test -s /backup/shop.sql}]
"""

RULE = Rule(
    id="secret-in-plain-sight",
    level=Level.ERROR,
    criterion=Criterion.MAINTAINED,
    problem="A runbook is read, copied, printed and logged; a secret in it is known to all of them, for ever.",
    wrong=_WRONG,
    right=_WRONG.replace("PGPASSWORD: correct-horse-9", "PGPASSFILE: /etc/shop/pgpass"),
    find=_find,
    quotable=False,
)
