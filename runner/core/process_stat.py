"""What Linux says of a process in `/proc/PID/stat`: who its parent is, when it was started, whether it is stopped."""

from pathlib import Path

_PARENT, _STARTED = 1, 19


def stat_fields(pid: int) -> list[bytes]:
    """The fields of proc_pid_stat(5) from the state on, which is number 3 there; none when there is no such process."""
    try:
        return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return []


def is_alive(pid: int) -> bool:
    """Whether `pid` runs; a zombie does not."""
    return stat_fields(pid)[:1] not in ([], [b"Z"])


def is_stopped(pid: int) -> bool:
    """Whether `pid` exists and was halted, by SIGSTOP, by Ctrl-Z or by a debugger."""
    return stat_fields(pid)[:1] in ([b"T"], [b"t"])


def parent(pid: int) -> int:
    """The parent of `pid`; 0 when there is none, or no such process."""
    fields = stat_fields(pid)
    return int(fields[_PARENT]) if fields else 0


def started(pid: int) -> int | None:
    """When `pid` was started, in ticks since the boot: another process that has its number was at another time."""
    fields = stat_fields(pid)
    return int(fields[_STARTED]) if fields and fields[0] != b"Z" else None
