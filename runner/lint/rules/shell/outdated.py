"""`outdated`: a tool that is no longer there, or a review that is due."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta

from runner.lint.rules.base import Criterion, Hit, Level, LintContext, Rule

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
_IN_SQL = {
    r"(?i:show\s+slave\s+status)": "SHOW REPLICA STATUS",
    r"(?i:change\s+master\s+to)": "CHANGE REPLICATION SOURCE TO",
    r"pg_switch_xlog|pg_current_xlog_\w+|pg_xlogfile_name|pg_last_xlog_\w+": "the names with wal",
}
_IN_PROSE = {
    r"CentOS(?: Linux)? [5-7]|(?:Red Hat Enterprise Linux|RHEL) [4-6]": "the name of the release in use",
    r"Ubuntu 1[0-8]\.\d\d|Debian (?:[6-9]|10)": "the name of the release in use",
    r"Python 2(?:\.\d)?|(?:PostgreSQL|Postgres) (?:8|9)(?:\.\d)?|MySQL 5(?:\.\d)?": "the version in use",
    "HipChat": "Slack",
    "netstat": "ss",
    "ifconfig": "ip address",
    "docker-compose": "docker compose",
}
_REVIEWED = re.compile(r"(?i)\b(?:last\s+)?(?:reviewed|checked|updated)\s*(?:on|:|at)?\s*(\d{4}-\d\d-\d\d)\b")
_UNTIL = re.compile(
    r"(?i)\b(?:review(?:\s+(?:again|date))?(?:\s+(?:by|before|until|on))?|valid\s+until|until|expires(?:\s+on)?|end\s+of\s+life)"
    r"\s*:?\s*(\d{4}-\d\d-\d\d)\b"
)


def _find(context: LintContext) -> Iterator[Hit]:
    for work, code in context.codes():
        place = work.place
        for old, new in _old(code.text, _TOOLS, before=r"(?<![\w./-])", after=r"(?![\w./-])"):
            same = new.startswith("=") and isinstance(context.written(place), str) and code.text.count(old) == 1
            yield _hit(place, old, new, replacement=new[1:] if same and not code.file else None)
    for work in context.works():
        for old, new in _old(work.kind.sql_statement, _IN_SQL):
            yield _hit(work.place, old, new)
    for place, text in context.sentences():
        for old, new in _old(text, _IN_PROSE, before=r"\b", after=r"\b"):
            yield _hit(place, old, new)
    yield from _dates(context)


def _old(text: str, table: dict[str, str], *, before: str = "", after: str = "") -> list[tuple[str, str]]:
    matches = [(re.search(f"{before}(?:{old}){after}", text), new) for old, new in table.items()]
    return [(match[0], new) for match, new in matches if match]


def _hit(place: tuple[str | int, ...], old: str, new: str, replacement: str | None = None) -> Hit:
    message, hint = f"{old} is no longer maintained, or no longer there", f"write {new.removeprefix('=')}"
    return Hit(place, message, hint, fragment=old, replacement=replacement)


def _dates(context: LintContext) -> Iterator[Hit]:
    offset = 0
    for line in context.document.text.splitlines(keepends=True):
        for pattern, good in ((_REVIEWED, AGE), (_UNTIL, timedelta(0))):
            if (match := pattern.search(line)) and (day := _day(match[1])) and day + good < context.today:
                message = f"{match[0]} was {(context.today - day).days} days ago"
                yield Hit(
                    (), message, "go through the runbook again, and write the new date", offset=offset + match.start()
                )
        offset += len(line)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


RULE = Rule(
    id="outdated",
    level=Level.WARNING,
    criterion=Criterion.MAINTAINED,
    problem="A tool that is gone, or a review that is long past, shows that nobody keeps the runbook up to date.",
    wrong="steps:\n  - {id: ports, name: List the open ports, command: netstat -tln, verify: [{exit: 0}]}\n",
    right="steps:\n  - {id: ports, name: List the open ports, command: ss -tln, verify: [{exit: 0}]}\n",
    find=_find,
    fixes=True,
)
