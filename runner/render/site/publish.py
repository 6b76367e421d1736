"""Writes the site: all of it or nothing, and never over what is not an earlier site of ours."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from runner.core.errors import InvalidInputError

MARKER = ".runbook-site"
"""The file by which a directory is known to be a site, with the names of the files in it."""


def publish(pages: Mapping[str, str], out: Path) -> None:
    """Write `pages`, by the names of their files, so that the directory `out` holds them and nothing else.

    They are written beside it first. Whoever reads `out` meanwhile sees the earlier site or the new one; when anything
    goes wrong the earlier one stays.

    Raises:
        InvalidInputError: `out` holds something that `publish` has not written, or cannot be written.
    """
    out = Path(os.path.realpath(out))
    check(out)
    new, old = (out.with_name(f".{out.name}.{word}-{os.getpid()}") for word in ("new", "old"))
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        _write({**pages, MARKER: "".join(f"{name}\n" for name in sorted(pages))}, new)
        _swap(new, out, old)
    except OSError as error:
        raise InvalidInputError(f"{error.filename or out}: {error.strerror}", hint="the earlier site stays") from error
    finally:
        for left in (new, old):
            shutil.rmtree(left, ignore_errors=True)


def check(out: Path) -> None:
    """See that a site may be written to `out`.

    Raises:
        InvalidInputError: something there is not from an earlier site.
    """
    if not os.path.lexists(out):
        return
    if not out.is_dir():
        raise InvalidInputError(f"{out} is not a directory", hint="name a directory that does not exist yet")
    try:
        known = {MARKER, *(out / MARKER).read_text(encoding="utf-8").splitlines()}
    except (OSError, UnicodeDecodeError):
        known = set()
    if strange := sorted(path.name for path in out.iterdir() if path.name not in known):
        others = f" and {len(strange) - 1} more" if len(strange) > 1 else ""
        message = f"{out} holds {strange[0]}{others}, which is not from an earlier site"
        raise InvalidInputError(message, hint="name a directory of its own: what is in it is replaced as a whole")


def _write(pages: Mapping[str, str], directory: Path) -> None:
    shutil.rmtree(directory, ignore_errors=True)  # of a process with the same number that died here
    directory.mkdir()
    for name, text in pages.items():
        (directory / name).write_text(text, encoding="utf-8", newline="\n")


def _swap(new: Path, out: Path, old: Path) -> None:
    if not out.exists():
        new.rename(out)
        return
    out.rename(old)
    try:
        new.rename(out)
    except BaseException:
        old.rename(out)
        raise
