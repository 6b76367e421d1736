"""What in a step destroys or changes something, by the words of its commands and statements."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from runner.core.shell.command_wrappers import SHELLS
from runner.kinds.steps.module_step import Module
from runner.kinds.verifications.sql_probe import Statement
from runner.lint import destructive_words
from runner.lint.lint_context import Subject, Work
from runner.lint.shell_code import Code, codes_of, without_remarks
from runner.model.yaml.finding import Place

_WRITES = re.compile(
    r"""(?x) (?<![\w/.-])(?:
    (?:rm|rmdir|mv|cp|ln|mkdir|touch|tee|chmod|chown|truncate|install|dd|useradd|usermod|umount)\s
    | rsync\s(?!(?:.*\s)?-[a-zA-Z]*n[a-zA-Z]*\s)
    | sed\s+(?:-\S+\s+)*-i | git\s+(?:push|commit|tag\s+-|reset|checkout|merge) | (?:re|shut)?(?:boot|down)\s+now
    | systemctl\s[^\n|;]*\b(?:start|stop|restart|reload|enable|disable|mask)\b
    | service\s+\S+\s+(?:start|stop|restart|reload)\b
    | (?:apt|apt-get|yum|dnf|pip)\s[^\n|;]*\b(?:install|remove|upgrade)\b
    | kubectl\s(?!auth\b)[^\n|;]*\b(?:apply|create|delete|patch|scale|edit|drain|cordon|rollout\s+(?:undo|restart))\b
    | docker\s+(?:rm|stop|start|restart|kill|run|compose\s+(?:up|down))\b
    | curl\s[^\n|;]*(?:-X\s*|--request[ =])(?:POST|PUT|PATCH|DELETE)\b
    )"""
)
_REHEARSES = re.compile(r"--dry-run(?:=(?!none).*)?|--what-?if|--simulate|--just-print")
_SQL_WRITES = re.compile(
    r"(?i)^\s*(?:with\b.*\)\s*)?(?:insert|update|delete|merge|truncate|drop|alter|create|grant|revoke|vacuum|reindex|"
    r"cluster|refresh|lock|call)\b|\bpg_(?:terminate|cancel)_backend\b|\bpg_(?:promote|reload_conf|switch_wal)\b",
    re.DOTALL,
)


def destruction(subject: Subject) -> Mapping[Place, tuple[Place, str]]:
    """The place of each step whose action destroys something, with where it does and in which words."""
    found: dict[Place, tuple[Place, str]] = {}
    for work in subject.works():
        if not work.looks and "undo" not in work.place and (words := _destroying(subject, work)):
            found[work.place[:2]] = work.place, words
    return found


def written_by(subject: Subject, work: Work) -> str:
    """The words with which `work` changes something; empty where it only looks, as far as one can see."""
    if isinstance(work.kind, Statement):
        match = _SQL_WRITES.search(work.kind.sql)
        return match[0].strip().splitlines()[0] if match else _destroying(subject, work)
    if work.kind.key == "http":
        method = _method(work)
        return method if method in {"PUT", "PATCH", "DELETE"} else ""
    found = (match[0].strip() for code in codes_of(subject, work) for match in _begun(code, _WRITES))
    return next(found, "") or _destroying(subject, work)


def _destroying(subject: Subject, work: Work) -> str:
    """The words with which `work` destroys something; empty where nothing is."""
    if isinstance(work.kind, Statement):
        return _in_sql(work.kind.sql)
    if isinstance(work.kind, Module):
        return _in_module(work.kind)
    if work.kind.key == "http":
        return "DELETE" if _method(work) == "DELETE" else ""
    return next((words for code in codes_of(subject, work) if (words := _in_code(code))), "")


def _in_code(code: Code) -> str:
    for match in _begun(code, destructive_words.CODE):
        return match[0].strip()
    text = without_remarks(code.text)
    if code.in_shell and (emptied := destructive_words.EMPTIED.search(text)):
        return emptied["emptied"].strip()
    clients = any(destructive_words.SQL_CLIENT.match(command.source) for command in code.commands())
    return _in_sql(text) if clients else ""


def _begun(code: Code, pattern: re.Pattern[str]) -> Iterator[re.Match[str]]:
    """Where a command of `code` begins with the `pattern`; anywhere in what another shell reads from its input."""
    for command in code.commands():
        reads = command.name in SHELLS | {"ssh"} and "<<" in command.source
        match = pattern.search(command.source) if reads else pattern.match(command.source)
        if match and not any(map(_REHEARSES.fullmatch, command.words)):
            yield match


def _in_sql(statement: str) -> str:
    match = destructive_words.SQL.search(statement)
    return match[0].strip().splitlines()[0] if match else ""


def _in_module(module: Module) -> str:
    (full, args), *_ = module.module.items()
    name = full.rpartition(".")[2]
    if name in destructive_words.ENDING:
        return full
    if args.get("state") in destructive_words.REMOVED and name not in destructive_words.HARMLESS:
        return str(args["state"])
    return _in_sql(str(args.get("query", ""))) if name.endswith("_query") else ""


def _method(work: Work) -> str:
    return str(getattr(work.kind, "http").method)  # noqa: B009 - both kinds have it, their base has not
