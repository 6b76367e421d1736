"""Whether anybody but root and this user may change the files that are about to be executed."""

import grp
import os
import pwd
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from runner.core.errors import InvalidInputError
from runner.core.ownership import outside

_MOST = 5
"""Faults that are told at a time."""

_Fault = tuple[Path, str, str]
"""A file or directory that others may change, what is wrong with it, and the command that mends it."""


def check(paths: Iterable[Path], *, variables_beside: bool = False) -> None:
    """That nobody else may change what lies at or below `paths`, or put something else in its place.

    `variables_beside` says that Ansible reads `group_vars` and `host_vars` beside each file as well. Behind `sudo`, the
    files of whoever called it are as good as root's: they may do everything already.

    Raises:
        InvalidInputError: somebody may.
    """
    places = [place for path in paths for place in (path, *(_beside(path) if variables_beside else ()))]
    faults = list(dict.fromkeys(fault for place in _followed(places) for fault in _fault(place)))
    faults += [fault for place in places for fault in _open_directory(place) if variables_beside]
    if faults:
        more = [f"and {len(faults) - _MOST} more"] if len(faults) > _MOST else []
        lines = "\n".join([*(f"{path} {what}" for path, what, _ in faults[:_MOST]), *more])
        hint = "\n".join(dict.fromkeys(mend for _, _, mend in faults[:_MOST]))
        raise InvalidInputError(f"others can change what would be executed:\n{lines}", hint=f"look at it first; {hint}")


def _beside(path: Path) -> list[Path]:
    return [] if path.is_dir() else [path.resolve().parent / name for name in ("group_vars", "host_vars")]


def _followed(paths: Iterable[Path]) -> Iterator[Path]:
    """Everything at and below `paths`, each directory that leads to it, and whatever a link leads to; each once."""
    waiting, visited = list(paths), set[Path]()
    while waiting:
        real = Path(os.path.realpath(waiting.pop()))
        for place in (*real.parents, real, *_below(real)):
            if place not in visited:
                visited.add(place)
                yield place
                if place.is_symlink():
                    waiting.append(place)


def _below(path: Path) -> Iterator[Path]:
    for directory, names, files in os.walk(path):
        yield from (Path(directory, name) for name in (*names, *files))


def _open_directory(path: Path) -> Iterator[_Fault]:
    """A directory like /tmp keeps each file for its owner, but lets everybody put a `group_vars` beside it."""
    directory = Path(os.path.realpath(path)).parent
    if directory.is_dir() and directory.stat().st_mode & stat.S_ISVTX:
        yield (
            path,
            f"lies in {directory}, where everybody can add files",
            f"mkdir -m 700 inventory; mv {path} inventory/",
        )


def _fault(path: Path) -> Iterator[_Fault]:
    try:
        status = path.lstat()
    except OSError:  # what is not there is told by whoever reads it
        return
    user, group = outside.owner(path, status)
    if user not in _ours():
        owner = login_of(user)
        yield path, f"belongs to {owner}", f"sudo chown -R {login_of(outside.user_id())} {path}, or run as {owner}"
    if stat.S_ISLNK(status.st_mode) or status.st_mode & stat.S_ISVTX:  # which keeps what is in it for its owner
        return
    if status.st_mode & stat.S_IWOTH:
        yield path, f"can be written by everybody (mode {stat.S_IMODE(status.st_mode):04o})", f"chmod go-w {path}"
    elif status.st_mode & stat.S_IWGRP and not _is_alone(user, group):
        yield path, f"can be written by the group {_group(group)}", f"chmod g-w {path}"


def _ours() -> set[int]:
    ours = outside.user_id()
    before = os.environ.get("SUDO_UID", "") if ours == 0 else ""
    return {0, ours, *([int(before)] if before.isdigit() else [])}


def _is_alone(user: int, number: int) -> bool:
    """Whether the group is that of one user: many systems give each user one, and let it write what they make."""
    try:
        group, owner = grp.getgrgid(number), login_of(user)
    except KeyError:
        return False
    return group.gr_name == owner and not {*group.gr_mem} - {owner}


def login_of(uid: int) -> str:
    """The login name of the user with the number `uid`, else that number in words."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"


def _group(gid: int) -> str:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)
