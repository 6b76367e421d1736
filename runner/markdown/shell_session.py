"""Pasted shell sessions: which lines were typed, which were answered, and whether they can be typed again in a row."""

import re
import subprocess

from runner.core.deferred import dataclass, regex

_PROMPT = regex(
    r"\s*(?P<prompt>[\w.@:~/\[\]-]*[$%\u276f]|\[(?P<inside>[^\]]*)\][#$])[ \t]+(?P<command>\S.*)",
)
_WHO = regex(r"(?P<who>[\w.-]+@[\w.-]+)")
_SECONDARY = regex(r"\s*>(?: |$)(?P<command>.*)")
_OPENS = tuple(
    re.compile(rf"(?:sudo\s+(?:-u\s*\S+\s+)?)?(?:{command})")
    for command in (
        # https://man.openbsd.org/ssh: these flags take no value, the others one; a word after the host is a command
        r"ssh(?:\s+-[46AaCfGgKkMNnqsTtVvXxYy]+|\s+-[BbcDEeFIiJLlmOoPpQRSWw]\s*\S+)*\s+[^\s-]\S*",
        r"su(?:\s+-\w*)*(?:\s+[\w-]+)?",
        r"(?:-i|-s)(?:\s+-u\s*\S+)?",
        r"(?:ba|a|da|z)?sh|python3?|tmux|screen|(?:kubectl|oc)\s+debug\s[^|;&]*(?!\s--\s)",
        r"(?:kubectl|oc|docker|podman|crictl)\s[^|;&]*\bexec\b[^|;&]*\s-\w*i[^|;&]*?\b(?:ba|a|da|z)?sh",
        r"(?:psql|mysql|mongo|mongosh|redis-cli|sqlite3)\b(?!.*\s--?(?:c|e|f|command|file|eval|execute)\b)[^|;&<]*",
    )
)
"""Commands after which one types into something else than the shell that one came from."""

_UNFINISHED = ("unexpected end of file", "unexpected EOF", "delimited by end-of-file")
_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Session:
    """What was typed, the numbers of the lines that were answered, and why it cannot be typed again, if so."""

    commands: tuple[str, ...]
    output: tuple[int, ...] = ()
    problem: str = ""


def is_session(text: str) -> bool:
    """Whether one of the lines of `text` begins with a prompt."""
    return any(_PROMPT.fullmatch(line) for line in text.split("\n"))


def begins_with_prompt(text: str) -> bool:
    """Whether the first line of `text` that says something begins with the prompt `$`."""
    return re.match(r"\s*\$ +\S", text) is not None


def read_session(text: str) -> Session:
    """The commands of a session; a command goes on in the next lines for as long as bash says that it has no end."""
    commands: list[str] = []
    output: list[int] = []
    prompts: set[str] = set()
    for at, line in enumerate(text.split("\n")):
        prompt = _PROMPT.fullmatch(line)
        is_open = bool(commands) and not _output_follows(output, at) and is_unfinished(commands[-1])
        if prompt and is_open:
            return Session(tuple(commands), tuple(output), "the command has no end in the session")
        if prompt:
            prompts.add(_place(prompt))
            commands.append(prompt["command"])
        elif is_open:
            more = _SECONDARY.fullmatch(line)
            commands[-1] += "\n" + (more["command"] if more else line)
        elif line.lstrip().startswith("# "):
            commands.append(line)
        elif line.strip():
            output.append(at)
    if commands and is_unfinished(commands[-1]):
        return Session(tuple(commands), tuple(output), "the command has no end in the session")
    if len(prompts) > 1:
        return Session(tuple(commands), tuple(output), f"it is typed in several places: {', '.join(sorted(prompts))}")
    return Session(tuple(commands), tuple(output))


def _output_follows(output: list[int], at: int) -> bool:
    """Whether the line before line `at` was answered by the machine, so that the command had come to its end."""
    return bool(output) and output[-1] == at - 1


def is_unfinished(code: str) -> bool:
    """Whether bash would wait for another line: an open quotation, loop, pipe or here-document."""
    if re.search(r"(?<!\\)(?:\\\\)*\\\Z", code):
        return True
    try:
        # -n reads and does nothing: https://www.gnu.org/software/bash/manual/html_node/The-Set-Builtin.html
        read = subprocess.run(
            ["bash", "-n"],  # noqa: S607 - the bash that the user has
            input=code.encode("utf-8", "replace"),
            capture_output=True,
            timeout=_SECONDS,
            check=False,
            env={"LC_ALL": "C", "PATH": "/usr/local/bin:/usr/bin:/bin"},
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return any(words in read.stderr.decode(errors="replace") for words in _UNFINISHED)


def opened_shell(code: str) -> str:
    """The first line of `code` that opens a shell of its own, in which what comes next is typed; else nothing."""
    lines = [line.strip() for line in code.split("\n") if line.strip() and not line.strip().startswith("#")]
    return next((line for line in lines if any(opens.fullmatch(line) for opens in _OPENS)), "")


def _place(prompt: re.Match[str]) -> str:
    """The user and the machine that a prompt names; `here` when it names none."""
    who = _WHO.search(prompt["prompt"])
    return who["who"] if who else "here"
