"""Dataclasses and regular expressions of the standard library, of which nothing is compiled before it is needed.

Each command imports some hundreds of both, and uses a third of them. To compile six methods of each dataclass, and each
expression, was a third of the time until a run began. Here `__init__` is compiled for the first object of a class, its
other methods are the same functions for every class, and an expression is compiled when it is first used.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from functools import cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any

__all__ = ["dataclass", "regex"]

if TYPE_CHECKING:
    from dataclasses import dataclass
    from re import compile as regex
else:

    class regex:  # noqa: N801 - it stands where a function of the standard library stood
        """What `re.compile` gives for the same arguments, as soon as something of it is asked for."""

        def __init__(self, text: str | bytes, flags: int = 0) -> None:
            self._source = (text, flags)

        def __getattr__(self, name: str) -> Any:
            value = getattr(re.compile(*self._source), name)
            setattr(self, name, value)  # so that it is asked for once
            return value

    def dataclass(
        kind: type[Any] | None = None, /, *, frozen: bool = False, slots: bool = False, kw_only: bool = False
    ) -> Any:
        """What `dataclasses.dataclass` makes of a class with these options; one that extends another, by itself."""

        def made(plain: type[Any]) -> type[Any]:
            if any(map(dataclasses.is_dataclass, plain.__bases__)):
                return dataclasses.dataclass(frozen=frozen, slots=slots, kw_only=kw_only)(plain)
            own = set(vars(plain)) - ({"__hash__"} if plain.__hash__ is None else set())
            bare = dataclasses.dataclass(init=False, repr=False, eq=False, slots=slots, kw_only=kw_only)(plain)
            methods = {"__repr__": _repr, "__eq__": _eq, "__hash__": None}
            if "__init__" not in own:
                methods["__init__"] = _first_init(bare, frozen=frozen, slots=slots)
            if frozen:
                bare.__dataclass_params__.frozen = True  # so that what extends it must be frozen, too
                methods |= {"__hash__": _hash, "__setattr__": _refuse_to_set, "__delattr__": _refuse_to_delete}
                methods |= {"__getstate__": _state, "__setstate__": _set_state} if slots else {}
            for name, method in methods.items():
                if name not in own:
                    setattr(bare, name, method)
            return bare

        return made if kind is None else made(kind)


def _first_init(kind: type[Any], **options: bool) -> Callable[..., None]:
    """An `__init__` that puts the compiled one in its own place."""

    def __init__(self: Any, *values: Any, **named: Any) -> None:  # noqa: N807 - it is one
        namespace: dict[str, Any] = {"__annotations__": {}, "__doc__": kind.__doc__}
        for each in dataclasses.fields(kind):
            namespace["__annotations__"][each.name] = each.type
            namespace[each.name] = each
        if after := getattr(kind, "__post_init__", None):
            namespace["__post_init__"] = after
        twin = type(kind.__name__, (), namespace)
        init = dataclasses.dataclass(**options, repr=False, eq=False)(twin).__dict__["__init__"]
        init.__qualname__ = f"{kind.__qualname__}.__init__"
        kind.__init__ = init
        init(self, *values, **named)

    return __init__


@cache
def _compared(kind: Any) -> Callable[[Any], Any]:
    """What gives the values by which two objects of a class are compared."""
    names = [each.name for each in dataclasses.fields(kind) if each.compare]
    return attrgetter(*names) if names else lambda _: ()


def _repr(self: Any) -> str:
    values = (f"{each.name}={getattr(self, each.name)!r}" for each in dataclasses.fields(self) if each.repr)
    return f"{type(self).__qualname__}({', '.join(values)})"


def _eq(self: Any, other: Any) -> Any:
    if other.__class__ is not self.__class__:
        return NotImplemented
    values = _compared(self.__class__)
    return values(self) == values(other)


def _hash(self: Any) -> int:
    return hash(_compared(self.__class__)(self))


def _refuse_to_set(_self: Any, name: str, _value: Any) -> None:
    raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_to_delete(_self: Any, name: str) -> None:
    raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")


def _state(self: Any) -> list[Any]:
    return [getattr(self, each.name) for each in dataclasses.fields(self)]


def _set_state(self: Any, state: list[Any]) -> None:
    for each, value in zip(dataclasses.fields(self), state, strict=True):
        object.__setattr__(self, each.name, value)
