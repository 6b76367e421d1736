"""Imports of libraries without what these import beside it, which takes longer than they do, and is used by nobody."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType, SimpleNamespace


@contextmanager
def left_out(name: str) -> Iterator[None]:
    """While the block lasts the module of that `name` counts as not installed, unless somebody has imported it before.

    Who imports it in the block must go on without it for good; who does so afterwards finds it.
    """
    if name in sys.modules:
        yield
        return
    sys.modules[name] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[name]


@contextmanager
def plugins_left_out(name: str) -> Iterator[None]:
    """While the block lasts the `importlib_metadata` of the module of that `name` finds no plug-ins of other packages.

    To look for them reads the metadata of every package that is installed. Nothing changes where somebody has imported
    the module before.
    """
    if name in sys.modules:
        yield
        return
    module = sys.modules[name] = ModuleType(name)
    module.__dict__["importlib_metadata"] = SimpleNamespace(entry_points=lambda **_: ())
    try:
        yield
    finally:
        del sys.modules[name]
