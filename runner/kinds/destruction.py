"""What shell code, a statement or a module destroys or changes, told by its words."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from runner.core.deferred import regex
from runner.core.shell.command_wrappers import SHELLS
from runner.core.shell.shell_code import Code
from runner.core.shell.shell_reader import Command
from runner.kinds import destructive_words

_WRITES = r"""(?x) (?<![\w/.-])(?:
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
_TEMPORARY = regex(r"""(?<!\$)\b([A-Za-z_]\w*)=["']?(?:\$\(|`)\s*mktemp\b(?![^)`\n]*\s(?:-[a-z]*u|--dry-run))""")
"""A variable that gets the name of a file or a directory that is made at that moment."""
_REHEARSES = regex(r"--dry-run(?:=(?!none).*)?|--what-?if|--simulate|--just-print")
_SQL_WRITES = (
    r"(?is)^\s*(?:with\b.*\)\s*)?(?:insert|update|delete|merge|truncate|drop|alter|create|grant|revoke|vacuum|reindex|"
    r"cluster|refresh|lock|call)\b|\bpg_(?:terminate|cancel)_backend\b|\bpg_(?:promote|reload_conf|switch_wal)\b"
)


def destroyed_by(code: Code) -> str:
    """The words with which `code` destroys something; empty where nothing is destroyed."""
    for match in _begun(code, destructive_words.CODE):
        return match[0].strip()
    text = code.without_comments()
    if code.in_shell and (emptied := re.search(destructive_words.EMPTIED, text)):
        return emptied["emptied"].strip()
    clients = any(re.match(destructive_words.SQL_CLIENT, command.source) for command in code.commands())
    return destroyed_by_statement(text) if clients else ""


def changed_by(code: Code) -> str:
    """The words with which `code` changes something without destroying it; empty where it does not."""
    return next((match[0].strip() for match in _begun(code, _WRITES)), "")


def destroyed_by_statement(statement: str) -> str:
    """The words with which an SQL statement destroys something."""
    return _first_line(re.search(destructive_words.SQL, statement))


def changed_by_statement(statement: str) -> str:
    """The words with which an SQL statement changes something."""
    return _first_line(re.search(_SQL_WRITES, statement))


def destroyed_by_module(name: str, args: Mapping[str, Any]) -> str:
    """The words with which the Ansible module called `name` in full destroys something."""
    short = name.rpartition(".")[2]
    if short in destructive_words.ENDING:
        return name
    if args.get("state") in destructive_words.REMOVED and short not in destructive_words.HARMLESS:
        return str(args["state"])
    return destroyed_by_statement(str(args.get("query", ""))) if short.endswith("_query") else ""


def _begun(code: Code, pattern: str) -> Iterator[re.Match[str]]:
    """Where a command of `code` begins with the `pattern`; anywhere in what another shell reads from its input."""
    for command in code.commands():
        reads = command.name in SHELLS | {"ssh"} and "<<" in command.source
        match = (re.search if reads else re.match)(pattern, command.source)
        if match and not any(map(_REHEARSES.fullmatch, command.words)) and not _tidies(code, command):
            yield match


def _tidies(code: Code, command: Command) -> bool:
    """Whether `command` removes nothing but what `code` itself has made for the time being."""
    if command.name != "rm" or command.through:  # xargs may give it more to remove
        return False
    made = {
        name for name in _TEMPORARY.findall(code.text) if len(re.findall(rf"(?<![\w/.${{-]){name}\b", code.text)) == 1
    }
    removed = {word for word in command.words[1:] if not word.startswith("-")}
    return bool(removed) and removed <= {word for name in made for word in (f"${name}", f"${{{name}}}")}


def _first_line(match: re.Match[str] | None) -> str:
    return match[0].strip().splitlines()[0] if match else ""
