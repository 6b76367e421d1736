"""Where a secret is, never the secret: in the environment, a file, a vault, a command's output, a person's head."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import yaml

from runner.core.characters import unfit

SHORTEST = 4
"""Characters of a secret, at least: what is shorter cannot be told from other text, and so not be kept out of it."""

PROMPT = "prompt"
"""The reference to a secret that a person types."""

FORMS = "env:NAME, file:PATH, vault:PATH#KEY, command:PROGRAM ARGUMENTS or prompt"

_FORM = re.compile(
    r"(?P<kind>env):(?P<name>[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<file>file):(?P<path>[^\x00-\x1f]+)"
    r"|(?P<vault>vault):(?P<in>[^#\x00-\x1f]+)#(?P<key>[^#\x00-\x1f]+)"
    r"|(?P<command>command):(?P<line>[^\x00-\x1f]*\S[^\x00-\x1f]*)"
    r"|(?P<prompt>prompt)"
)
CONFIDENTIAL_WORD = r"(?:pass(?:word|wd|phrase)|secret|token|(?:api|access|private|routing)[_-]?key|credentials?)"
"""A word for a secret in the name of a variable, an option or an input, whatever its case."""

_SECRET_NAME = re.compile(rf"(?i)(?:.*{CONFIDENTIAL_WORD}|(?:.*_)?pwd)(?:_value|_[0-9]+)?")
_PATIENCE = 60.0
"""Seconds for a command that may have to ask a password manager."""


@dataclass(frozen=True, slots=True)
class SecretReference:
    """Where a secret is: `kind` is the word before the colon, `where` what follows it, `key` the key inside a vault.

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
        match = _FORM.fullmatch(text)
        if match is None:
            raise ValueError(f"a secret is never written down, only where it is: {FORMS}")
        kind, where, key = (*[group for group in match.groups() if group], "", "")[:3]
        return cls(kind, where, key)

    def __str__(self) -> str:
        return ":".join(filter(None, (self.kind, self.where))) + (f"#{self.key}" if self.key else "")

    def absolute(self, base: Path) -> Self:
        """The same, with a path that does not depend on where one stands: it is taken from `base`."""
        if self.kind not in {"file", "vault"}:
            return self
        return replace(self, where=os.path.abspath(base / Path(self.where).expanduser()))  # noqa: PTH100 - links stay

    def resolve(self, environ: Mapping[str, str]) -> str:
        """The secret; a line break at its end is not part of it.

        Raises:
            ValueError: it is not there; the message never quotes what was found.
        """
        ways = {"env": self._env, "file": self._file, "vault": self._vault, "command": self._command}
        if self.kind not in ways:
            raise ValueError("is asked for, and there is nobody to ask")
        return re.sub(r"\r?\n\Z", "", ways[self.kind](environ))

    def _env(self, environ: Mapping[str, str]) -> str:
        if self.where not in environ:
            raise ValueError(f"the environment variable {self.where} is not set")
        return environ[self.where]

    def _file(self, _: Mapping[str, str]) -> str:
        try:
            return Path(self.where).read_text(encoding="utf-8")
        except OSError as error:
            raise ValueError(f"{self.where}: {error.strerror}") from None
        except UnicodeDecodeError:
            raise ValueError(f"{self.where} is not text in UTF-8") from None

    def _vault(self, environ: Mapping[str, str]) -> str:
        """What Ansible's own tool decrypts, which finds the vault's password where Ansible does."""
        program = str(Path(sys.executable).with_name("ansible-vault"))
        hint = "name the file of its password with --vault-password-file or ANSIBLE_VAULT_PASSWORD_FILE"
        # A session of its own has no terminal, so that nothing asks for the password in between.
        decrypted = _output([program, "view", "--", self.where], environ, quiet=True)
        if decrypted is None:
            raise ValueError(f"{self.where} cannot be decrypted; {hint}")
        try:
            value: Any = yaml.safe_load(decrypted)
            for part in [self.key] if isinstance(value, dict) and self.key in value else self.key.split("."):
                value = value[part]
        except (yaml.YAMLError, LookupError, TypeError):
            raise ValueError(f"{self.where} has no key {self.key!r}") from None
        if not isinstance(value, str):
            raise ValueError(f"{self.key!r} in {self.where} is not text; put it in quotes there")  # noqa: TRY004
        return value

    def _command(self, environ: Mapping[str, str]) -> str:
        try:
            words = shlex.split(self.where)
        except ValueError:
            raise ValueError("a quotation in the command is not closed") from None
        output = _output(words, environ, quiet=False)
        if output is None:
            raise ValueError(f"{words[0]} did not give it: it cannot be started, failed, or took too long")
        return output


def is_secret_name(name: str) -> bool:
    """Whether what is called `name` holds a secret, and not where one is, like a `password_file`."""
    return _SECRET_NAME.fullmatch(name) is not None


def _output(words: Sequence[str], environ: Mapping[str, str], *, quiet: bool) -> str | None:
    """What a command prints; None when it did not succeed. What it complains about goes where ours does, or nowhere."""
    try:
        process = subprocess.run(
            words,
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL if quiet else None,
            start_new_session=quiet,
            timeout=_PATIENCE,
            check=True,
        )
        return process.stdout.decode()
    except (OSError, subprocess.SubprocessError, ValueError):
        return None


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
