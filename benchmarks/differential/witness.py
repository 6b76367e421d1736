"""What the steps of a comparison do on a host, as the host sees it: each program that is called, and each file."""

from __future__ import annotations

import json
import re
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

NAME = "witness"
"""The program, in the directory of each host."""
READS = "reads"
"""The word at which it reads its input, which plain Ansible leaves open over SSH."""
_WRITTEN = "witnessed"
_PROGRAM = """\
#!{python} -IS
import json, os, sys

def words(process):
    with open("/proc/%d/cmdline" % process, "rb") as file:
        return [word.decode("utf-8", "surrogateescape") for word in file.read().split(b"\\0")[:-1]]

seen = {{
    "words": sys.argv[1:],
    "environment": dict(os.environ),
    "user": [os.getuid(), os.getgid(), sorted(os.getgroups())],
    "directory": os.getcwd(),
    "mask": os.umask(0o22),
    "input": sys.stdin.read() if sys.argv[2:] == ["{reads}"] else "",
    "called by": words(os.getppid()),
}}
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "{written}"), "a") as file:
    file.write(json.dumps(seen) + "\\n")
print(json.dumps(sys.argv[2:]))
"""
_OF_THE_WAY = re.compile(r"ANSIBLE_.*|AWX_.*|RUNBOOK_(?!DEMO_HOST).*|RUNNER_.*|ORIGINAL_.*|SSH_.*|PATH|OLDPWD|_")
"""Variables that say who runs Ansible, and with which connection, and so differ."""
_DIRECTORIES = (
    r"[^\s\"']*/runbook-[0-9a-z]{8}-\w+/project/playbooks",
    r"[^\s\"']*/run/playbooks",
)
"""Where a playbook is, which is a directory of its own for each way of doing it."""


def furnish(places: Path, hosts: Mapping[str, Any], python: str) -> None:
    """A directory for each host, open to everybody, with the program."""
    places.mkdir()
    places.chmod(0o755)
    for name in hosts:
        (places / name).mkdir()
        (places / name).chmod(0o777)
        for file, text, mode in (
            (NAME, _PROGRAM.format(python=python, written=_WRITTEN, reads=READS), 0o755),
            (_WRITTEN, "", 0o666),
        ):
            (places / name / file).write_text(text, encoding="utf-8")
            (places / name / file).chmod(mode)


def witnessed(places: Path) -> list[str]:
    """What was done on each host, in lines that can be compared."""
    return [f"{place.name}: {line}" for place in sorted(places.iterdir()) for line in (*_calls(place), *_files(place))]


def _calls(place: Path) -> Iterator[str]:
    for line in (place / _WRITTEN).read_text(encoding="utf-8").splitlines():
        seen = json.loads(line)
        if seen["user"][0] and not seen["directory"].startswith(str(place)):  # who may not enter where a playbook is
            seen |= {"directory": "elsewhere", "environment": {**seen["environment"], "PWD": "elsewhere"}}
        kept = {name: text for name, text in seen["environment"].items() if not _OF_THE_WAY.fullmatch(name)}
        yield same(json.dumps({**seen, "environment": kept}, sort_keys=True))


def _files(place: Path) -> Iterator[str]:
    for path in sorted(place.rglob("*")):
        if path.is_file() and path.name not in (NAME, _WRITTEN):
            about = path.stat()
            text = path.read_bytes().decode("utf-8", "backslashreplace")
            yield same(f"{path.relative_to(place)}: {stat.filemode(about.st_mode)} {about.st_uid} {text!r}")


def same(text: str) -> str:
    """The text without what each way of doing a playbook has otherwise."""
    for pattern in _DIRECTORIES:
        text = re.sub(pattern, "PLAYBOOKS", text)
    return text
