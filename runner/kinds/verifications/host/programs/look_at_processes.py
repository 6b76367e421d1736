"""Prints how many processes have a name, without those of this look itself and those that have ended."""

from __future__ import annotations

import json
import os
import re
import sys

KEPT = 15
"""Characters of a name that the kernel keeps, see proc_pid_comm(5)."""

INTERPRETERS = (
    ("(?:|a|ba|da|k|mk|z)sh", r"[-+]\w*[oO]|--rcfile|--init-file", r"-\w*c\w*"),
    (r"(?:python|pypy)[\d.]*", "-[WX]", r"-\w*c"),
    (r"perl[\d.]*", "-I", r"-\w*[eE]\w*"),
    (r"ruby[\d.]*", "-[ICr]", r"-\w*e"),
    (r"php[\d.]*", "-[cd]", "-r"),
    ("node(?:js)?", "-r|--require|--import", "-e|-p|-pe|--eval|--print"),
    ("java", "-cp|-classpath|--class-path|-p|--module-path", "(?!)"),
)
"""Programs that do a script: how they are called, which options take a word of their own, and which are given code."""


def read(path: str) -> str:
    """A file about a process, a character for each byte, as the kernel counts; empty where it has ended meanwhile."""
    try:
        with open(f"/proc/{path}", encoding="latin-1", newline="") as file:
            return file.read()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def state(path: str) -> tuple[str, int]:
    """The letter of its state, and its parent, see proc_pid_stat(5)."""
    letter, parent, *_ = [*read(f"{path}/stat").rpartition(")")[2].split(), "X", "0"]
    return letter, int(parent)


def own() -> set[str]:
    """This process, and those of its session that have started it."""
    pids, pid = set(), os.getpid()
    while pid > 0 and os.getsid(pid) == os.getsid(0):
        pids.add(str(pid))
        pid = state(str(pid))[1]
    return pids


def alive(pid: str) -> str:
    """Where /proc tells of it, or of one of its threads where the first has ended before them; empty if none lives."""
    if state(pid)[0] not in "ZX":
        return pid
    try:
        threads = [f"{pid}/task/{thread}" for thread in os.listdir(f"/proc/{pid}/task")]
    except (FileNotFoundError, ProcessLookupError):
        return ""
    return next((thread for thread in threads if state(thread)[0] not in "ZX"), "")


def program(path: str) -> str:
    """The file that it executes; empty where this user may not see that."""
    try:
        link = os.readlink(os.fsencode(f"/proc/{path}/exe")).decode("latin-1")
    except OSError:
        return ""
    return re.sub(r" \(deleted\)$", "", os.path.basename(link))


def script(interpreter: str, words: list[str]) -> str:
    """What an interpreter was told to do: its first argument that is neither an option nor belongs to one."""
    for called, takes, code in INTERPRETERS:
        if re.fullmatch(called, interpreter):
            remaining = iter(words)
            for word in remaining:
                if re.fullmatch(code, word):
                    return ""
                if re.fullmatch(takes, word):
                    next(remaining, "")
                elif word[:1] not in ("-", "+"):
                    return os.path.basename(word)
    return ""


def names(pid: str, path: str) -> tuple[set[str], str]:
    """What it is called: by the kernel, by its first argument, by the file that it executes, by its script.

    And the name that the kernel has cut, where no other one tells how it goes on.
    """
    short = read(f"{pid}/comm")[:-1]
    first, *words = read(f"{path}/cmdline").split("\0")
    started, executed = os.path.basename(first), program(path)
    # A script that the kernel itself has started has its own name, and stands among the first arguments.
    scripts = [each for each in map(os.path.basename, words[:3]) if short and each[:KEPT] == short]
    called = {started, executed, *scripts, *(script(each, words) for each in (started, executed))} - {""}
    if len(short) == KEPT and any(name.startswith(short) for name in called):
        return called, ""
    return called | {short}, short if len(short) == KEPT else ""


def is_called(pid: str, name: str) -> bool:
    """Whether it lives and has the name."""
    path = alive(pid)
    found, cut = names(pid, path) if path else (set(), "")
    if cut and name not in found and name.startswith(cut):
        sys.exit(f"the kernel has cut the name of process {pid} to {KEPT} characters: it may be this one or another")
    return name in found


def look(name: str) -> dict[str, int]:
    """How many there are."""
    if not name:
        sys.exit("the name is empty")
    if "/" in name or name != name.strip():
        sys.exit(f"{name!r} is no name: it has a directory, or begins or ends with a space")
    pids = {each for each in os.listdir("/proc") if each.isdigit()}
    if "1" not in pids:
        sys.exit("/proc hides the processes of other users (hidepid), so that nobody but root can count them")
    return {"count": len([pid for pid in pids - own() if is_called(pid, os.fsencode(name).decode("latin-1"))])}


if __name__ == "__main__":
    try:
        print(json.dumps(look(os.environ["LOOK_NAME"])))
    except OSError as error:
        sys.exit(f"cannot look at the processes: {error}")
