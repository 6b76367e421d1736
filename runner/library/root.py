"""Where the library is: the directory above `runbooks/`, and what messages call a file in it."""

import hashlib
import os
import stat
from collections.abc import Mapping
from pathlib import Path

import runner
from runner.core.errors import InvalidInputError
from runner.core.limited_file import read_limited

SHIPPED = Path("shipped")
"""What `--library` says for the library that comes with the product."""
LARGEST_SCRIPT = 4 * 1024**2
"""Bytes of a file that a runbook names."""


def library_root(given: Path | None, *, here: Path) -> Path | None:
    """The directory `given`, else the library that `here` lies in; None when it lies in none."""
    if given is not None:
        return shipped_root() if given == SHIPPED and not (given / "runbooks").is_dir() else given
    return root_above(here)


def root_above(here: Path) -> Path | None:
    """The library in the directory `here`, else the nearest above it, as git finds a repository; else None.

    A `runbooks/` with contacts or a RUN- file in it makes a library; any other (pages of Markdown, or nothing yet)
    makes one only where it lies in `here` itself. A directory above that everybody may write to, such as /tmp, holds
    none: anybody might have put it there.
    """
    candidates = [here, *(each for each in here.absolute().parents if not _everybodys(each))]
    found = next((each for each in candidates if _begun(each / "runbooks")), None)
    return here if found is None and (here / "runbooks").is_dir() else found


def default_state(here: Path) -> Path:
    """Where runs are recorded when nobody says so: `.runbook` in `here`, or beside the library that `here` lies in.

    From each of a library's directories the same runs are seen, and the same hosts are locked.
    """
    name = Path(".runbook")
    above = None if (here / name).exists() else root_above(here)
    return name if above in (None, here) else above / name


def cache_directory(environ: Mapping[str, str]) -> Path:
    """Where this user keeps what can be made again, by the XDG Base Directory Specification."""
    given = environ.get("XDG_CACHE_HOME", "")
    base = Path(given) if given.startswith("/") else Path(environ.get("HOME") or "/nonexistent") / ".cache"
    return base / "runbook"


def _begun(runbooks: Path) -> bool:
    return (runbooks / "contacts.yml").is_file() or next(runbooks.glob("RUN-*.yml"), None) is not None


def _everybodys(directory: Path) -> bool:
    try:
        return bool(directory.stat().st_mode & stat.S_IWOTH)
    except OSError:
        return True


def shipped_root() -> Path:
    """The product's own library: inside the package when it was installed, beside it in a checkout."""
    package = Path(runner.__file__).parent
    inside = package / "shipped"
    return inside if inside.is_dir() else package.parent


def shown(path: Path) -> str:
    """`path` as findings call it: as short as it can be said from here; a link has its own name, not its target's."""
    try:
        return str(Path(os.path.realpath(path.parent), path.name).relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def digest(path: Path) -> str:
    """The SHA-256 of the file at `path`, or of those in the directory; empty where it cannot be read."""
    if path.is_dir():
        files = [f"{each.name} {digest(each)}" for each in sorted(path.glob("*.yml"))]
        return hashlib.sha256("\n".join(files).encode()).hexdigest()
    try:
        return hashlib.sha256(read_limited(path, LARGEST_SCRIPT)).hexdigest()
    except InvalidInputError:
        return ""


def names_in(directory: Path) -> list[str]:
    """The names of what lies in `directory`; none where it is not there, or not for us."""
    try:
        return [path.name for path in directory.iterdir()]
    except OSError:
        return []
