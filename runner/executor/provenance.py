"""What exactly runs: the versions of the programs, the commit of the library, and the collections of a playbook."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from runner.core.deferred import regex

_PROGRAMS = ("runbookctl", "ansible-core", "ansible-runner")
_PATIENCE = 5.0
"""Seconds for git to answer; a network file system may hang."""

_MODULE = regex(rb"^[ -]*([a-z][a-z0-9_]*\.[a-z][a-z0-9_]*)\.[a-z][a-z0-9_.]*:", re.MULTILINE)
_OWN = "ansible.builtin"
_LIBRARY = ("runbooks", "playbooks", "inventories")


def provenance(library: Path, playbook: bytes, environ: Mapping[str, str]) -> dict[str, Any]:
    """What a run of `playbook` from the `library` depends on besides its text; nothing is started but git."""
    used = sorted({match.decode() for match in _MODULE.findall(playbook)} - {_OWN})
    versions = {"python": ".".join(map(str, sys.version_info[:3])), **{name: _version(name) for name in _PROGRAMS}}
    versions |= {"library": str(library), "commit": commit(library, environ)}
    return versions | ({"collections": {name: _collection(name, environ) for name in used}} if used else {})


def commit(library: Path, environ: Mapping[str, str]) -> str:
    """The commit of `library` in git, and how many of its files differ from it; or why there is none."""
    # Nothing that the repository's own configuration names is executed, and no variable leads to another repository.
    safe = ("-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null")
    arguments = ("status", "--porcelain=v2", "--branch", "--", *_LIBRARY)
    environ_of_git = {name: environ[name] for name in ("PATH", "HOME") if name in environ}
    try:
        git = subprocess.run(
            ["git", *safe, "-C", str(library), *arguments],  # noqa: S607 - the user's own git, by the user's own PATH
            env={"PATH": os.defpath, "LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0", **environ_of_git},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_PATIENCE,
            check=False,
        )
    except FileNotFoundError:
        return "not known: git is not installed"
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"not known: {error}"
    if git.returncode:
        why = git.stderr.decode(errors="replace").strip().splitlines()[:1]
        return "none: the library is in no git repository" if _is_outside(why) else f"not known: {''.join(why)}"
    return _commit(git.stdout.decode(errors="replace").splitlines())


def _is_outside(why: list[str]) -> bool:
    return "not a git repository" in "".join(why)


def _commit(lines: list[str]) -> str:
    name = next((line.split()[-1] for line in lines if line.startswith("# branch.oid ")), "(initial)")
    changed = sum(not line.startswith("#") for line in lines)
    dirty = f", {changed} {'file differs' if changed == 1 else 'files differ'} from it" if changed else ""
    return f"{'none yet' if name == '(initial)' else name}{dirty}"


def _version(distribution: str) -> str:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return "not known"


def _collection(name: str, environ: Mapping[str, str]) -> str:
    """The version of the first collection of that name where Ansible looks for it."""
    for root in _roots(environ):
        try:
            manifest = json.loads(
                (root / "ansible_collections" / name.replace(".", "/") / "MANIFEST.json").read_bytes()
            )
            return str(manifest["collection_info"]["version"])
        except (OSError, ValueError, LookupError, TypeError):
            continue
    return "not known"


def _roots(environ: Mapping[str, str]) -> Iterator[Path]:
    paths = environ.get("ANSIBLE_COLLECTIONS_PATH", "~/.ansible/collections:/usr/share/ansible/collections")
    home = environ.get("HOME", "~")
    yield from (Path(path.replace("~", home, 1)) for path in paths.split(os.pathsep) if path)
    yield from map(Path, filter(None, sys.path))
