"""The workspace of a run: a directory that is 0700, outside every project, and removed at the end.

Most of it belongs to one invocation of Ansible and is wiped at the end of that: `LASTING` stays for the next.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import json
import locale
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from runner.executor.inventory.project_file import PASSES, may_pass

PREFIX = "runbook-"
SOCKETS = "ssh"
"""The directory for the sockets of the connections that ssh keeps open."""

LASTING = ("ansible.cfg", "home", SOCKETS, "tmp")
"""What all invocations of a run share: Ansible's configuration, and the connections that ssh keeps open.

So do they the directory for temporary files, but nothing in it.
"""

INPUTS = "inputs.json"
"""The file of Ansible's extra variables."""

CAPTURED = "captured.json"
"""The file of what earlier parts kept of each host; our callback plugin reads it, no loader of Ansible's does."""

CONFIGURATION = "[defaults]\ninternal_poll_interval = 0.005\n"
"""Ansible's configuration file; without one it would look for one in the user's home and the working directory.

While a step goes on, Ansible looks for its answer again after each interval of so many seconds. Its default is 0.001,
which costs 3 % of a processor for as long as the step lasts; no variable of the environment sets it.
"""

_BELOW = 58
"""Bytes of what ssh binds below the directory that it lies in: with a control socket's name, and 17 more."""

_LONGEST = 107
"""Bytes of the path of a socket."""

PASSED_ON = (
    *("HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "SSH_AUTH_SOCK", "KRB5CCNAME"),
    *(
        "ANSIBLE_VAULT_PASSWORD_FILE",
        "ANSIBLE_VAULT_IDENTITY_LIST",
        "ANSIBLE_COLLECTIONS_PATH",
        "ANSIBLE_BECOME_PASSWORD_FILE",
    ),
    *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_REGION"),
    *("AWS_DEFAULT_REGION", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_EC2_METADATA_DISABLED"),
    *("AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN", "AWS_ROLE_SESSION_NAME", "AWS_EC2_METADATA_SERVICE_ENDPOINT"),
)
"""The only variables of the user's environment that reach Ansible, besides those that `runbook.toml` chooses.

None of them changes what is run.
"""

CONFIDENTIAL = ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
"""Those of them that are secrets, which are kept out of all that is written and shown."""

_PATHS: Mapping[str, str] = {
    "ANSIBLE_VAULT_PASSWORD_FILE": "",
    "ANSIBLE_BECOME_PASSWORD_FILE": "",
    "ANSIBLE_VAULT_IDENTITY_LIST": ",",
    "ANSIBLE_COLLECTIONS_PATH": os.pathsep,
}
"""Those that hold paths, and what stands between several."""


def make(run_id: str) -> Path:
    """A new workspace for run `run_id`, with nothing but what lasts."""
    directory = Path(tempfile.mkdtemp(prefix=_prefix(run_id), dir=temporary_root(_BELOW)))
    for part in ("home", SOCKETS, "tmp"):
        (directory / part).mkdir(mode=0o700)
    (directory / "ansible.cfg").write_text(CONFIGURATION)
    return directory


def wipe(directory: Path) -> None:
    """Remove what belongs to one invocation; somebody else may do so at the same time."""
    lasting = [directory / name for name in LASTING]
    with contextlib.suppress(OSError):
        for path in (*directory.iterdir(), *(directory / "tmp").iterdir()):
            if path in lasting:
                continue
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)


def existing(run_id: str) -> list[Path]:
    """The workspaces of run `run_id` that are there, whoever was to remove them."""
    return [path for path in temporary_root(_BELOW).glob(f"{_prefix(run_id)}*") if is_workspace(path)]


def is_workspace(path: Path) -> bool:
    """Whether `path` is one by its name, and a directory itself."""
    return path.name.startswith(PREFIX) and path.is_dir() and not path.is_symlink()


def _prefix(run_id: str) -> str:
    return f"{PREFIX}{run_id[-8:]}-"


def temporary_root(below: int) -> Path:
    """The system's temporary directory, or /tmp where a socket whose path goes on for `below` bytes finds no room."""
    root = Path(tempfile.gettempdir()).resolve()
    has_room = len(os.fsencode(root)) + below <= _LONGEST
    return root if has_room else Path("/tmp")  # noqa: S108 - mkdtemp makes a name of its own


def fill(
    directory: Path,
    playbook: bytes,
    *,
    name: str,
    inputs: Mapping[str, Any],
    captured: Mapping[str, Mapping[str, Any]],
    files: Mapping[str, bytes] = MappingProxyType({}),
) -> Path:
    """Write what the invocation reads: the playbook as it is, the inputs, and each host's captured values; its path.

    The `files` lie to the playbook as they do in the library, where it is in `playbooks/`.

    Every value arrives as it is, and no text in it is a template to Ansible: a planted `{{ lookup('pipe', ...) }}`
    would run on this machine. YAML cannot do that: of a scalar that is tagged `!unsafe` ansible-core 2.19 finds out
    the type again, quoted or not, so that "1.10" becomes 1.1.
    """
    path = Path("playbooks", name)
    (directory / "project").mkdir(mode=0o700)
    for place, content in {**files, str(path): playbook}.items():
        (directory / "project" / place).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        (directory / "project" / place).write_bytes(content)
    (directory / INPUTS).write_text(json.dumps({name: _untemplated(value) for name, value in inputs.items()}))
    (directory / CAPTURED).write_text(json.dumps(captured))
    return directory / "project" / path


def _untemplated(value: Any) -> Any:
    """How Ansible's JSON says that a text is no template."""
    return {"__ansible_unsafe": value} if isinstance(value, str) else value


def environment(environ: Mapping[str, str], *, python: str) -> dict[str, str]:
    """The part of the environment `environ` that a child may see; programs beside `python` come first on PATH.

    Its locale is one of UTF-8 that this machine has: Ansible does not start in another one. A path that is given from
    here is whole: the child stands elsewhere.
    """
    path = os.pathsep.join((str(Path(python).parent), environ.get("PATH") or os.defpath))
    chosen = [name for name in environ.get(PASSES, "").split(",") if may_pass(name)]
    passed = {name: environ[name] for name in (*PASSED_ON, *chosen) if name in environ}
    passed |= {name: _whole(name, passed[name]) for name in _PATHS if passed.get(name)}
    return {"PATH": path, **passed, **({} if _is_usable(passed) else {"LC_ALL": _utf8_locale()})}


def _is_usable(environ: Mapping[str, str]) -> bool:
    """Whether every locale that `environ` names is there, and the one that counts for characters is of UTF-8."""
    locales = [environ[name] for name in ("LC_ALL", "LC_CTYPE", "LANG") if environ.get(name)]
    counting = locales[:1] if environ.get("LC_ALL") else locales
    return bool(counting) and _codeset(counting[0]) == "UTF-8" and all(map(_codeset, counting))


@functools.cache
def _utf8_locale() -> str:
    """A locale of UTF-8 that is there; the standard one where none is, so that Ansible says what it lacks."""
    standard = "C.UTF-8"
    if _codeset(standard) == "UTF-8":
        return standard
    with contextlib.suppress(OSError):
        locales = subprocess.run(["locale", "-a"], stdout=subprocess.PIPE, check=False).stdout.split()  # noqa: S607
        return next((name for name in map(os.fsdecode, locales) if _codeset(name) == "UTF-8"), standard)
    return standard


def _codeset(name: str) -> str:
    """The encoding of the characters in the locale `name`; empty where there is no such locale."""
    library = ctypes.CDLL(None)
    library.newlocale.restype = ctypes.c_void_p
    handle = library.newlocale(1 << locale.LC_CTYPE, os.fsencode(name), None)
    if not handle:
        return ""
    library.nl_langinfo_l.restype = ctypes.c_char_p
    codeset = library.nl_langinfo_l(locale.CODESET, ctypes.c_void_p(handle))
    library.freelocale(ctypes.c_void_p(handle))
    return str(codeset.decode())


def _whole(name: str, value: str) -> str:
    """Each path in `value`, one of `_PATHS`, from the root; of a vault it may have a label before an @."""
    mark = _PATHS[name]
    items = []
    for item in value.split(mark) if mark else [value]:
        label, at, path = item.strip().rpartition("@") if mark == "," else ("", "", item)
        if path != "prompt":
            path = os.path.abspath(os.path.expanduser(path))  # noqa: PTH100, PTH111 - there may be no such home
        items.append(label + at + path)
    return mark.join(items)
