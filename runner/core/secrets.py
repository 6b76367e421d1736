"""Where a secret is, never the secret: one grammar for inputs, contacts and the registry."""

import os
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Self

from runner import registered
from runner.core.characters import unfit
from runner.core.deferred import dataclass, regex

SHORTEST = 4
"""Characters of a secret, at least: what is shorter cannot be told from other text, and so not be kept out of it."""

PROMPT = "prompt"
"""The reference to a secret that a person types."""

GROUP = "runbookctl.secrets"
"""The entry points by which other packages add a place of their own, written as its key, a colon and anything."""

FORMS = (
    "env:NAME, file:PATH, ansible-vault:FILE#KEY, vault-kv:MOUNT/PATH#FIELD, aws-sm:NAME#KEY, aws-ssm:/NAME, "
    "op://VAULT/ITEM/FIELD, lastpass:ITEM#FIELD, bitwarden:ITEM#FIELD, command:PROGRAM ARGUMENTS or prompt"
)

PATHS = frozenset({"file", "ansible-vault", "vault"})
"""The kinds that begin with the path of a file."""

_ANY = r"[^\x00-\x1f]"
_TEXT = r"[^#\x00-\x1f]+"
_VAULT = rf"(?P<where>{_TEXT})#(?P<key>{_TEXT})"
# The name of an item is an argument of a password manager: one that begins with a dash would be an option.
_ITEM = rf"(?P<where>(?!-){_TEXT})(?:#(?P<key>{_TEXT}))?"
_FORMS: Mapping[str, str] = {
    "env": r"(?P<where>[A-Za-z_][A-Za-z0-9_]*)",
    "file": rf"(?P<where>{_ANY}+)",
    "ansible-vault": _VAULT,
    "vault": _VAULT,
    "vault-kv": rf"(?P<where>[A-Za-z0-9_.-]+(?:/[A-Za-z0-9_. @+-]+)+)#(?P<key>{_TEXT})",
    "aws-sm": rf"(?P<where>[A-Za-z0-9/_+=.@:-]+)(?:#(?P<key>{_TEXT}))?",
    "aws-ssm": r"(?P<where>[A-Za-z0-9/_.:-]+)",
    "op": rf"(?P<where>//[^/\x00-\x1f]+/[^/\x00-\x1f]+/{_ANY}+)",
    "lastpass": _ITEM,
    "bitwarden": _ITEM,
    "command": rf"(?P<where>{_ANY}*\S{_ANY}*)",
}
"""What may follow the word before the colon, for each kind of our own."""

CONFIDENTIAL_WORD = r"(?:pass(?:word|wd|phrase)|secret|token|(?:api|access|private|routing)[_-]?key|credentials?)"
"""A word for a secret in the name of a variable, an option or an input, whatever its case."""

_SECRET_NAME = regex(rf"(?i)(?:.*{CONFIDENTIAL_WORD}|(?:.*_)?pwd)(?:_value|_[0-9]+)?")


class SecretUnavailableError(ValueError):
    """A secret cannot be read: why, and what to type or to set. The text never quotes what was read."""


@dataclass(frozen=True, slots=True)
class SecretReference:
    """Where a secret is: `kind` is the word before the colon, `where` what follows it, `key` what follows the `#`.

    `prompt` is asked for when the run begins, and kept in memory only.
    """

    kind: str
    where: str = ""
    key: str = ""

    @classmethod
    def parse(cls, text: str) -> Self:
        """The reference that `text` is.

        Raises:
            ValueError: it is none. The message does not repeat it: it may be the secret itself.
        """
        if text == PROMPT:
            return cls(PROMPT)
        kind, _, rest = text.partition(":")
        if kind in _FORMS and (match := re.fullmatch(_FORMS[kind], rest)):
            return cls(kind, match["where"], match.groupdict().get("key") or "")
        if kind not in _FORMS and re.fullmatch(rf"{_ANY}+", rest) and kind in _kinds_of_others():
            return cls(kind, rest)
        raise ValueError(f"a secret is never written down, only where it is: {FORMS}")

    def __str__(self) -> str:
        return ":".join(filter(None, (self.kind, self.where))) + (f"#{self.key}" if self.key else "")

    def absolute(self, base: Path) -> Self:
        """The same, with a path that does not depend on where one stands: it is taken from `base`."""
        if self.kind not in PATHS:
            return self
        return replace(self, where=os.path.abspath(base / Path(self.where).expanduser()))  # noqa: PTH100 - links stay


def _kinds_of_others() -> frozenset[str]:
    """The kinds that other packages register; nothing of theirs is imported for that."""
    return frozenset(entry.name for entry in registered(GROUP))


def is_secret_name(name: str) -> bool:
    """Whether what is called `name` holds a secret, and not where one is, like a `password_file`."""
    return _SECRET_NAME.fullmatch(name) is not None


def check(value: str) -> str:
    """`value`, which can be a secret that is kept out of everything that is written or shown.

    Raises:
        ValueError: it cannot; the message does not quote it.
    """
    if len(value.strip()) < SHORTEST:
        raise ValueError(f"has less than {SHORTEST} characters, which cannot be kept out of what is shown")
    if reason := unfit(value):
        raise ValueError(reason)
    return value
