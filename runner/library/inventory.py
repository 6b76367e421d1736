"""Inventories, as far as their files say it in plain YAML or INI: groups, hosts and the variables that are set.

No program is run that would print one, and no value is decrypted.
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from runner.core.deferred import regex
from runner.core.errors import InvalidInputError
from runner.core.limited_file import read_limited
from runner.core.templates import gives
from runner.model.yaml.finding import InvalidFileError
from runner.model.yaml.lenient_yaml import MAX_BYTES, Value, documents

_VAULT = b"$ANSIBLE_VAULT"
_OWN = ("ansible_", "runbook_")
"""How the names begin of variables that reach a host by other ways than its programs' arguments."""
_VARIABLES = ("group_vars", "host_vars")
_SECTION = regex(r"\[([^\]:]+)(?::(\w+))?\]")
_ASSIGNED = regex(r"(?:^|\s)([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(\S*)")
_DEEPEST = 24


def names(path: Path) -> list[str]:
    """The groups and hosts in the inventory at `path`, a file or a directory."""
    return list(dict.fromkeys(member for _, member in _memberships(path)))


def variables(path: Path) -> frozenset[str]:
    """Every variable that a file of the inventory `path` sets for a host or a group; what cannot be read sets none."""
    return frozenset(name for name, _ in _settings(path))


def environments(path: Path) -> list[str]:
    """The environment classes that the inventory at `path` names; one that names none is production."""
    return sorted({value for name, value in _settings(path) if name == "runbook_environment"}) or ["production"]


def names_path(path: Path, place: Path) -> bool:
    """Whether the inventory at `path` sets a variable to a file below `place`, or to words with such a one."""
    return any(f"{place}/" in value for _, value in _settings(path))


def encrypted(path: Path) -> list[Path]:
    """The files of the inventory at `path` that ansible-vault has encrypted, so that nobody knows what they set."""
    return [file for file in _files(path) if _bytes(file).startswith(_VAULT)]


def vaulted(path: Path) -> frozenset[str]:
    """The variables in the inventory at `path` that are encrypted by themselves, or whose templates name such a one."""
    values = [value for file in _files(path) for value in _values_in(file)]
    parts = [part for value in values for part in _parts(str(value.place[-1]), value)]
    paths = {name for name, part in parts if part.node.tag == "!vault" and not name.startswith(_OWN)}
    more = paths
    while more:
        named = {name for name, part in parts if any(gives(part.text or "", path) for path in more)}
        more = {name for name in named - paths if not name.startswith(_OWN)}
        paths |= more
    return frozenset(paths)


def _settings(path: Path) -> Iterator[tuple[str, str]]:
    """Each variable that the inventory sets, and the text that it is set to; empty where that is no text."""
    for file in _files(path):
        yield from _set_in(file)


def _files(path: Path) -> list[Path]:
    """The inventory `path` itself, and what lies beside or below it."""
    folders = [path.parent / each for each in _VARIABLES] if path.is_file() else [path]
    below = [each for folder in folders for each in folder.rglob("*") if each.is_file()]
    return [*([path] if path.is_file() else ()), *sorted(below)]


def _memberships(path: Path) -> Iterator[tuple[str, str]]:
    """Each group and each member of it; what stands at the top is a member of nothing."""
    if path.is_dir():
        inside = sorted(each for each in path.iterdir() if each.name not in _VARIABLES and each.name[0] != ".")
        for each in inside:
            yield from _memberships(each)
        return
    text = _text(path)
    yield from _ini(text) if re.search(r"^\[", text, re.MULTILINE) else _yaml(text)


def _yaml(text: str) -> Iterator[tuple[str, str]]:
    for document in _documents(text):
        yield from (("", top) for top in _keys(document))
        for name, group in _groups(document):
            yield from ((name, member) for key in ("children", "hosts") for member in _keys(group.get(key)))


def _ini(text: str) -> Iterator[tuple[str, str]]:
    group, kind = "", ""
    for line in map(str.strip, text.splitlines()):
        if match := _SECTION.match(line):
            group, kind = match[1], match[2] or ""
            yield "", group
        elif line and line[0] not in "#;" and kind != "vars":
            yield group, line.split()[0]


def _groups(value: Value, depth: int = 0) -> Iterator[tuple[str, Value]]:
    """Each group in a YAML inventory, and what is written there; an alias may lead back into itself."""
    for group in value.values() if depth < _DEEPEST else ():
        yield str(group.place[-1]), group
        if children := group.get("children"):
            yield from _groups(children, depth + 1)


def _set_in(path: Path) -> Iterator[tuple[str, str]]:
    if path.suffix in {"", ".ini", ".cfg"} and set(_VARIABLES).isdisjoint(path.parts):
        yield from ((name, value.strip("\"'")) for name, value in _ASSIGNED.findall(_text(path)))
    else:
        yield from ((str(each.place[-1]), each.text or "") for each in _values_in(path))


def _values_in(path: Path) -> Iterator[Value]:
    """What is set in a file of YAML."""
    beside = not set(_VARIABLES).isdisjoint(path.parts)
    if beside or path.suffix in {".yml", ".yaml", ".json"}:
        for document in _documents(_text(path)):
            yield from document.values() if beside else _set_by(document)


def _set_by(document: Value) -> Iterator[Value]:
    for _, group in _groups(document):
        if own := group.get("vars"):
            yield from own.values()
        if hosts := group.get("hosts"):
            for host in hosts.values():
                yield from host.values()


def _parts(name: str, value: Value) -> Iterator[tuple[str, Value]]:
    """What has no keys in a value, by its path: `db.password`."""
    if value.is_mapping:
        for part in value.values():
            yield from _parts(f"{name}.{part.place[-1]}", part)
    else:
        yield name, value


def _keys(value: Value | None) -> Iterable[str]:
    return [str(each.place[-1]) for each in value.values()] if value else []


def _documents(text: str) -> list[Value]:
    try:
        return documents(text.encode(), file="inventory")
    except InvalidFileError:
        return []


def _bytes(path: Path) -> bytes:
    try:
        return read_limited(path, MAX_BYTES)
    except InvalidInputError:
        return b""


def _text(path: Path) -> str:
    """What the file says; a program, and what is too large or cannot be read, says nothing."""
    data = _bytes(path)
    return "" if data.startswith(b"#!") or len(data) > MAX_BYTES else data.decode("utf-8", "replace")
