"""Imports of libraries without what these import beside it, which takes longer than they do, and is used by nobody."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from types import ModuleType, SimpleNamespace


@contextmanager
def left_out(name: str, *, instead: ModuleType | None = None) -> Iterator[None]:
    """While the block lasts the module of that `name` counts as not installed, unless somebody has imported it before.

    Who imports it in the block must go on without it for good, or with what there is `instead`; who does so afterwards
    finds it.
    """
    if name in sys.modules:
        yield
        return
    sys.modules[name] = instead  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[name]


def plugins_left_out(name: str) -> AbstractContextManager[None]:
    """While the block lasts the `importlib_metadata` of the module of that `name` finds no plug-ins of other packages.

    To look for them reads the metadata of every package that is installed.
    """
    instead = ModuleType(name)
    instead.__dict__["importlib_metadata"] = SimpleNamespace(entry_points=lambda **_: ())
    return left_out(name, instead=instead)
