"""Prints whether a path is there, whose it is, how old, and what it contains; links are followed."""

from __future__ import annotations

import hashlib
import json
import os
import pwd
import stat
import sys
import time
from typing import Any


def contents(path: str, wanted: bytes) -> dict[str, Any]:
    """The SHA-256 of the file, and whether it contains `wanted`."""
    digest, tail, contains = hashlib.sha256(), b"", False
    with open(path, "rb") as file:
        for part in iter(lambda: file.read(1 << 20), b""):
            digest.update(part)
            contains = contains or (bool(wanted) and wanted in tail + part)
            tail = (tail + part)[-len(wanted) :] if wanted else b""
    return {"sha256": digest.hexdigest(), "contains": contains}


def owner(number: int) -> str:
    """The name of a user, or the number where it has none."""
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def look(path: str) -> dict[str, Any]:
    """What is known of the path."""
    if not path.startswith("/"):
        sys.exit(f"{path!r} is no absolute path")
    try:
        facts = os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return {"exists": "a link to nothing" if os.path.islink(path) else False}
    found = {
        "exists": True,
        "owner": owner(facts.st_uid),
        "mode": f"{stat.S_IMODE(facts.st_mode):04o}",
        "age_seconds": round(time.time() - facts.st_mtime, 3),
    }
    wanted = os.environ.get("LOOK_CONTAINS")
    if wanted is None:
        return found
    if not stat.S_ISREG(facts.st_mode):
        sys.exit(f"{path} is no regular file, so nobody can say what it contains")
    return {**found, **contents(path, os.fsencode(wanted))}


if __name__ == "__main__":
    try:
        print(json.dumps(look(os.environ["LOOK_PATH"])))
    except OSError as error:
        sys.exit(f"cannot look at {os.environ['LOOK_PATH']}: {error.strerror}")
