"""Prints how many processes have a name, without those of this look itself and those that have ended."""

from __future__ import annotations

import json
import os
import sys

KEPT = 15
"""Characters of a name that the kernel keeps, see proc_pid_comm(5)."""


def read(pid: str, name: str) -> str:
    """A file about a process; empty where it has ended meanwhile."""
    try:
        with open(f"/proc/{pid}/{name}", "rb") as file:
            return os.fsdecode(file.read())
    except (FileNotFoundError, ProcessLookupError):
        return ""


def facts(pid: str) -> tuple[str, str, int]:
    """Its short name, its state and its parent, see proc_pid_stat(5)."""
    before, _, after = read(pid, "stat").rpartition(")")
    state, parent, *_ = [*after.split(), "X", "0"]
    return before.partition("(")[2], state, int(parent)


def own() -> set[str]:
    """This process, and those of its session that have started it."""
    pids, pid = set(), os.getpid()
    while pid > 0 and os.getsid(pid) == os.getsid(0):
        pids.add(str(pid))
        pid = facts(str(pid))[2]
    return pids


def is_called(pid: str, name: str) -> bool:
    """Whether it lives and has the name: that of its program as it was started, or that which it has now."""
    short, state, _ = facts(pid)
    started = os.path.basename(read(pid, "cmdline").partition("\0")[0])
    is_cut = len(short) == KEPT and started.startswith(short)
    return state not in "ZX" and name in (started, started if is_cut else short)


def look(name: str) -> dict[str, int]:
    """How many there are."""
    if not name:
        sys.exit("the name is empty")
    pids = {each for each in os.listdir("/proc") if each.isdigit()}
    if "1" not in pids:
        sys.exit("/proc hides the processes of other users (hidepid), so that nobody but root can count them")
    return {"count": len([pid for pid in pids - own() if is_called(pid, name)])}


if __name__ == "__main__":
    try:
        print(json.dumps(look(os.environ["LOOK_NAME"])))
    except OSError as error:
        sys.exit(f"cannot look at the processes: {error}")
