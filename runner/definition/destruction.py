"""What in a step destroys or changes something, by the words of its commands and statements."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from runner.definition.code import codes, codes_of
from runner.definition.finding import Place
from runner.definition.subject import Subject, Work
from runner.steps.module import Module
from runner.verifications.sql import Statement

_DESTROYS = re.compile(
    r"""(?x) (?<![\w/.-])(?:
    rm\s+(?:-\S+\s+)*-[a-zA-Z]*[rRf][a-zA-Z]*\b | rm\s+--recursive | mkfs(?:\.\w+)?\s | wipefs\s | shred\s
    | dd\s[^\n|;]*\bof=/dev/ | find\s[^\n|;]*\s-delete\b | truncate\s+-s\s*0 | dropdb\s | dropuser\s
    | kubectl\s(?!auth\b)[^\n|;]*\bdelete\b | helm\s+(?:uninstall|delete)\b | terraform\s[^\n|;]*\bdestroy\b
    | docker\s+(?:volume\s+rm|system\s+prune) | git\s+push\s[^\n|;]*(?:--force\b|-f\b) | git\s+reset\s+--hard
    | aws\s+s3\s+(?:rm|rb)\b | aws\s+\S+\s+(?:delete|terminate)-\S+ | redis-cli\s[^\n|;]*\bFLUSH(?:ALL|DB)\b
    | lvremove\s | vgremove\s | zfs\s+destroy\b | userdel\s | kill(?:all)?\s+-(?:9|KILL|SIGKILL)\b | pkill\s
    )"""
)
_SQL_DESTROYS = re.compile(
    r"(?i)\b(?:drop\s+(?:table|database|schema|index|view|role|user)|truncate\b|delete\s+from\b|pg_terminate_backend\b)"
)
_REMOVERS = frozenset(
    {"file", "user", "lvol", "lvg", "filesystem", "postgresql_db", "mysql_db", "docker_volume", "k8s"}
)
_WRITES = re.compile(
    r"""(?x) (?<![\w/.-])(?:
    (?:rm|rmdir|mv|cp|ln|mkdir|touch|tee|chmod|chown|truncate|install|rsync|dd|useradd|usermod|umount)\s
    | sed\s+(?:-\S+\s+)*-i | git\s+(?:push|commit|tag\s+-|reset|checkout|merge) | (?:re|shut)?(?:boot|down)\s+now
    | systemctl\s[^\n|;]*\b(?:start|stop|restart|reload|enable|disable|mask)\b
    | service\s+\S+\s+(?:start|stop|restart|reload)\b
    | (?:apt|apt-get|yum|dnf|pip)\s[^\n|;]*\b(?:install|remove|upgrade)\b
    | kubectl\s(?!auth\b)[^\n|;]*\b(?:apply|create|delete|patch|scale|edit|drain|cordon|rollout\s+(?:undo|restart))\b
    | docker\s+(?:rm|stop|start|restart|kill|run|compose\s+(?:up|down))\b
    | curl\s[^\n|;]*(?:-X\s*|--request[ =])(?:POST|PUT|PATCH|DELETE)\b
    )"""
)
_SQL_WRITES = re.compile(
    r"(?i)^\s*(?:with\b.*\)\s*)?(?:insert|update|delete|merge|truncate|drop|alter|create|grant|revoke|vacuum|reindex|"
    r"cluster|refresh|lock|call)\b|\bpg_(?:terminate|cancel)_backend\b|\bpg_(?:promote|reload_conf|switch_wal)\b",
    re.DOTALL,
)


def destruction(subject: Subject) -> Mapping[Place, tuple[Place, str]]:
    """The place of each step whose action destroys something, with where it does and in which words."""
    return _found(subject, _DESTROYS, _SQL_DESTROYS)


def writing(subject: Subject) -> Mapping[Place, tuple[Place, str]]:
    """The place of each step whose action changes something, with where it does and in which words."""
    return {**_found(subject, _WRITES, _SQL_WRITES), **destruction(subject)}


def written_by(subject: Subject, work: Work) -> str:
    """The words with which `work` changes something; empty where it only looks, as far as one can see."""
    if isinstance(work.kind, Statement):
        match = _SQL_WRITES.search(work.kind.sql) or _SQL_DESTROYS.search(work.kind.sql)
        return match[0].strip().splitlines()[0] if match else ""
    if work.kind.key == "http":
        method = str(getattr(work.kind, "http").method)  # noqa: B009 - both kinds have it, their base has not
        return method if method in {"PUT", "PATCH", "DELETE"} else ""
    found = [
        match for code in codes_of(subject, work) for match in (_WRITES.search(code.text), _DESTROYS.search(code.text))
    ]
    return next((match[0].strip() for match in found if match), "")


def _found(subject: Subject, code: re.Pattern[str], sql: re.Pattern[str]) -> Mapping[Place, tuple[Place, str]]:
    return {step: (place, words) for step, place, words in _matches(subject, code, sql)}


def _matches(subject: Subject, code: re.Pattern[str], sql: re.Pattern[str]) -> Iterator[tuple[Place, Place, str]]:
    for each in codes(subject):
        match = code.search(each.text)
        if match and not each.work.looks and "undo" not in each.work.place:
            yield each.work.place[:2], each.work.place, match[0].strip()
    for work in subject.works():
        if isinstance(work.kind, Statement) and not work.looks and "undo" not in work.place:
            match = sql.search(work.kind.sql)
            if match:
                yield work.place[:2], work.place, match[0].strip().splitlines()[0]
        elif isinstance(work.kind, Module) and "undo" not in work.place:
            (name, args), *_ = work.kind.module.items()
            if name.rpartition(".")[2] in _REMOVERS and args.get("state") == "absent":
                yield work.place[:2], work.place, "absent"
