"""The variables that shell code uses and that nothing sets."""

from __future__ import annotations

import re
from collections.abc import Collection

from runner.definition.code import Code

_SINGLE_QUOTED = re.compile(r"'[^']*'")
_USED = re.compile(r"(?<!\\)\$(?:([A-Za-z_]\w*)|\{#?([A-Za-z_]\w*)(?![\w]*:?[-+=?])[^}]*\})")
_COMMAND_USED = re.compile(r"(?<!\\)\$(?:\{([A-Za-z_]\w*)\}|([A-Z][A-Z0-9_]+)\b)")
_SET = re.compile(
    r"(?:^|[\s;&|({])([A-Za-z_]\w*)\+?=|\bfor\s+(\w+)\b|\b(?:read|mapfile|readarray|getopts|unset|local|declare|export)\s+"
    r"((?:-\S+\s+|\"[^\"]*\"\s+|'[^']*'\s+)*\w[\w\s]*)|\bprintf\s+-v\s+(\w+)|\$\{(\w+):?="
)
# What a login, or bash itself, sets: https://www.gnu.org/software/bash/manual/html_node/Bash-Variables.html
_LOGIN = """
BASH BASHPID BASH_REMATCH BASH_SOURCE BASH_VERSION COLUMNS EPOCHREALTIME EPOCHSECONDS EUID FUNCNAME GROUPS HOME HOSTNAME
HOSTTYPE IFS LANG LC_ALL LINENO LINES LOGNAME MACHTYPE MAIL OLDPWD OPTARG OPTIND OSTYPE PATH PIPESTATUS PPID PS1 PS2 PS3
PS4 PWD RANDOM REPLY SECONDS SHELL SHELLOPTS SHLVL SUDO_USER TERM TMPDIR TZ UID USER _
"""
_GIVEN = frozenset(_LOGIN.split())
_PROGRAMS = "awk gawk mawk perl ruby jq yq sed envsubst mongo mongosh ssh find psql mysql php node pwsh"
_EXPAND = frozenset(_PROGRAMS.split())


def unset(code: Code, given: Collection[str]) -> list[str]:
    """The variables that `code` uses and that neither it, nor `given`, nor a login sets, in the order of their use."""
    if code.work.kind.key == "script":
        return []  # it is a file of its own, with arguments
    if not code.in_shell:
        first = code.text.split()[:1]
        uses = [] if _EXPAND & set(first) else [match[1] or match[2] for match in _COMMAND_USED.finditer(code.text)]
        return list(dict.fromkeys(uses))
    text = _SINGLE_QUOTED.sub("''", re.sub(r"(?m)(?:^|(?<=\s))#.*$", "", code.text))
    text = re.sub(r"\{\{.*?\}\}", "x", text, flags=re.DOTALL)
    known = {*given, *_GIVEN, *_assigned(text)}
    return [name for name in dict.fromkeys(match[1] or match[2] for match in _USED.finditer(text)) if name not in known]


def _assigned(text: str) -> set[str]:
    return {word for match in _SET.finditer(text) for group in match.groups() if group for word in group.split()}
