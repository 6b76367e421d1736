"""The code of other packages: whatever it raises names the package, and an answer of a wrong type is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import wraps
from inspect import isfunction
from types import NoneType
from typing import TYPE_CHECKING, Any, TypeVar

from runner.core.errors import InvalidInputError, RunbookError
from runner.core.secrets import SecretReference, SecretUnavailableError
from runner.core.templates import parse_expression
from runner.kinds.invocation import Invocation
from runner.kinds.secrets.base import SecretStore

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

_Plugin = TypeVar("_Plugin", bound=type[Any])

_MAY_RAISE = frozenset(
    {"call", "changes", "conditions", "default_conditions", "destroys", "invocation", "obeyed", "programs"}
    | {"result_names", "shell_code"}
)
"""The methods of a kind that say by ValueError what is wrong in a runbook."""
_ANSWERS: dict[str, tuple[type, ...]] = {"invocation": (Invocation,), "probe": (Invocation, NoneType)}
_ANSWERS |= dict.fromkeys(("describe", "destroys", "changes"), (str,)) | {"programs": (list,)}


class PluginError(InvalidInputError, ValueError):
    """What another package registers has failed: a ValueError too, as a kind raises it where it cannot be used."""


def package(entry: EntryPoint) -> str:
    """How messages call the package of `entry`."""
    return f"the package {entry.dist.name} {entry.dist.version}" if entry.dist else "a package without a name"


def origin(entry: EntryPoint) -> str:
    """Who registers what by `entry`."""
    return f"{package(entry)} registers {entry.group} {entry.name} = {entry.value}"


def removal(entry: EntryPoint) -> str:
    """How what is registered by `entry` goes away."""
    return f"pip uninstall {entry.dist.name} removes it" if entry.dist else "take its entry point away"


def guarded_class(kind: _Plugin, entry: EntryPoint) -> _Plugin:
    """The class `kind`, whose public methods and properties are guarded from now on."""
    for name, member in list(vars(kind).items()):
        if name.startswith(("_", "model_")):
            continue
        if isfunction(member):
            setattr(kind, name, guarded(member, entry))
        elif isinstance(member, classmethod):
            setattr(kind, name, classmethod(guarded(member.__func__, entry)))
        elif isinstance(member, property) and member.fget:
            setattr(kind, name, property(guarded(member.fget, entry)))
    return kind


def guarded(function: Callable[..., Any], entry: EntryPoint) -> Callable[..., Any]:
    """The `function` that was registered by `entry`; an iterator is read to its end.

    Raises:
        PluginError: by the result, where the function fails in a way that it must not.
    """
    passes = (RunbookError, ValueError) if function.__name__ in _MAY_RAISE else (RunbookError,)

    @wraps(function)
    def call(*args: Any, **options: Any) -> Any:
        try:
            answer = function(*args, **options)
            return _checked(function.__name__, list(answer) if isinstance(answer, Iterator) else answer)
        except passes:
            raise
        except Exception as error:
            reason = f"{function.__name__} has failed: {type(error).__name__}: {error}"
            raise PluginError(f"{origin(entry)}, whose {reason}", hint=removal(entry)) from error

    return call


def guarded_store(store: type[SecretStore], entry: EntryPoint) -> type[SecretStore]:
    """The `store`, of whose failures only the type is told: their texts may quote what was read."""

    class Guarded(store):  # type: ignore[misc, valid-type]
        def read(self, reference: SecretReference, environ: Mapping[str, str]) -> str:
            reason = ""
            try:
                value = super().read(reference, environ)
            except SecretUnavailableError:
                raise
            except Exception as error:  # noqa: BLE001 - the code of others may fail in any way
                reason = f"has failed: {type(error).__name__}"
            else:
                if isinstance(value, str):
                    return value
                reason = f"returns {type(value).__name__} and must return str"
            raise SecretUnavailableError(f"{origin(entry)}, whose read {reason}; {removal(entry)}")

    return Guarded


def _checked(name: str, answer: Any) -> Any:
    if not isinstance(answer, types := _ANSWERS.get(name, (object,))):
        raise TypeError(f"it returns {type(answer).__name__} and must return {types[0].__name__}")
    for expression in answer.names.values() if isinstance(answer, Invocation) else ():
        parse_expression(expression)
    return answer
