"""Variables of a host with their templates filled in, and conditions over what a probe has seen, without Ansible."""

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from jinja2 import StrictUndefined, TemplateError
from jinja2.nativetypes import NativeEnvironment

from runner.core.deferred import dataclass
from runner.core.errors import InvalidInputError

_DEEPEST = 10
_VAULTED = "__ansible_vault"
"""The key of what stands for a value that is encrypted by itself."""

_LEADS_TO = {
    "ansible_connection": "connection",
    "ansible_host": "address",
    "ansible_ssh_host": "address",
    "ansible_port": "port",
    "ansible_ssh_port": "port",
    "ansible_user": "user",
    "ansible_ssh_user": "user",
    "ansible_ssh_private_key_file": "private_key_file",
    "ansible_ssh_executable": "ssh_executable",
    "ansible_ssh_args": "ssh_args",
    "ansible_ssh_common_args": "ssh_common_args",
    "ansible_ssh_extra_args": "ssh_extra_args",
}
"""Ansible's variables, each with its name among the facts of a connection; of two of a name it takes the later one."""
_WHERE = frozenset({"connection", "address", "port"})
"""Those without which nobody knows where the connection leads."""


def _environment() -> NativeEnvironment:
    environment = NativeEnvironment(undefined=StrictUndefined)
    environment.filters |= {
        "from_json": json.loads,
        "to_json": json.dumps,
        "basename": lambda path: path.rpartition("/")[2],
    }
    environment.filters |= {"regex_findall": lambda text, pattern: re.findall(pattern, text)}
    environment.tests |= {"search": _search, "match": _match, "regex": _search}
    return environment


def _search(text: str, pattern: str, *, multiline: bool = False, ignorecase: bool = False) -> bool:
    flags = (re.MULTILINE if multiline else 0) | (re.IGNORECASE if ignorecase else 0)
    return re.search(pattern, text, flags) is not None


def _match(text: str, pattern: str) -> bool:
    return re.match(pattern, text) is not None


_ENVIRONMENT = _environment()


@dataclass(frozen=True, slots=True)
class HostValues:
    """The host `name` and its variables, as the inventory has them: one may be made of others."""

    name: str
    values: Mapping[str, Any]

    @property
    def connection(self) -> Mapping[str, Any]:
        """What leads to it, by the names of `ConnectionFacts`.

        Raises:
            InvalidInputError: where it leads only Ansible can say.
        """
        named = [(fact, self.values[name]) for name, fact in _LEADS_TO.items() if name in self.values]
        return {fact: self.filled(value, missing=None if fact in _WHERE else "") for fact, value in named}

    def filled(self, item: Any, *, missing: str | None = None) -> Any:
        """`item` with a value in the place of each template, however deep; with `missing` where there is none.

        Raises:
            InvalidInputError: a variable is missing, and nothing stands for it.
        """
        if isinstance(item, Mapping) and _VAULTED in item:
            if missing is None:
                hint = "put it into a file of group_vars or host_vars that ansible-vault encrypts as a whole"
                raise InvalidInputError(
                    f"{self.name}: a value is encrypted by itself, which only Ansible reads", hint=hint
                )
            return missing
        if isinstance(item, Mapping):
            return {key: self.filled(each, missing=missing) for key, each in item.items()}
        if isinstance(item, list | tuple):
            return [self.filled(each, missing=missing) for each in item]
        for _ in range(_DEEPEST):
            if not (isinstance(item, str) and "{{" in item):
                break
            item = self._once(item, missing)
        return self.filled(item, missing=missing) if isinstance(item, Mapping | list) else item

    def _once(self, text: str, missing: str | None) -> Any:
        try:
            made = _ENVIRONMENT.from_string(text).render(self.values)
            return str(made) if isinstance(made, StrictUndefined) else made  # which raises
        except (TemplateError, TypeError, ValueError) as error:
            if missing is not None:
                return missing
            raise InvalidInputError(f"{self.name}: {text} cannot be filled in: {error}") from None


def holds(condition: str, names: Mapping[str, Any]) -> bool:
    """Whether `condition` is true of what `names` say; one that cannot be judged is not."""
    try:
        return bool(_compiled(condition)(**names))
    except (TemplateError, TypeError, ValueError, KeyError):
        return False


@lru_cache(maxsize=256)
def _compiled(condition: str) -> Any:
    return _ENVIRONMENT.compile_expression(condition, undefined_to_none=False)
