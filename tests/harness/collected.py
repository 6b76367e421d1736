"""A library that is written for one test: runbooks, entries of the registry, and what is read of them."""

from __future__ import annotations

from typing import Any

from harness.fakes import runbook_file
from runner.library.library import Library
from runner.library.snapshot import LibrarySnapshot, read

SHIPPED = Library.shipped()
"""The library that comes with the product."""


def collected(root: Any, *runbooks: dict[str, Any], **registry: str) -> LibrarySnapshot:
    """The library in `root` with these `runbooks` (changes to the smallest one) and files of the registry."""
    for changes in runbooks:
        runbook_file(root, **changes)
    directory = root / "runbooks" / "registry"
    directory.mkdir(parents=True, exist_ok=True)
    for name, text in registry.items():
        (directory / f"{name}.yml").write_text(text)
    return read(Library(root))


def entry(name: str, title: str = "Something", owner: str = "backend-team", **keys: Any) -> str:
    """The line of the registry that defines `name`."""
    more = "".join(f", {key}: {value}" for key, value in keys.items())
    return f"{name}: {{title: {title}, owner: {owner}{more}}}\n"


def alert(name: str, severity: str = "P1", **keys: Any) -> str:
    """The line that defines the alert `name`."""
    return entry(name, severity=severity, condition="it is so", **keys)
