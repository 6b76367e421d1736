"""The narrow waist: finds every kind on the three shelves by looking."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType, ModuleType
from typing import ClassVar, Protocol, TypeVar

import runner.channels
import runner.kinds.steps
import runner.kinds.verifications
from runner.channels.base import Channel
from runner.kinds.steps.base import StepKind
from runner.kinds.verifications.base import VerificationKind


class _Keyed(Protocol):
    key: ClassVar[str]


Kind = TypeVar("Kind", bound=_Keyed)


def _kinds(shelf: ModuleType, base: type[Kind]) -> Mapping[str, type[Kind]]:
    found: dict[str, type[Kind]] = {}
    for name in sorted(entry.name for entry in pkgutil.iter_modules(shelf.__path__)):
        module = importlib.import_module(f"{shelf.__name__}.{name}")
        for item in vars(module).values():
            own = isinstance(item, type) and issubclass(item, base) and "key" in vars(item)
            if own and found.setdefault(item.key, item) is not item:
                raise RuntimeError(f"{shelf.__name__}: {item.key!r} is both {found[item.key]} and {item}")
    return MappingProxyType(found)


@cache
def steps() -> Mapping[str, type[StepKind]]:
    """Every kind of step, by the key a step is written with."""
    return _kinds(runner.kinds.steps, StepKind)


@cache
def verifications() -> Mapping[str, type[VerificationKind]]:
    """Every kind of verification, by its key."""
    return _kinds(runner.kinds.verifications, VerificationKind)


@cache
def channels() -> Mapping[str, type[Channel]]:
    """Every kind of channel, by its key."""
    return _kinds(runner.channels, Channel)
