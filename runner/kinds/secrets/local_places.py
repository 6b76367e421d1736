"""`env:`, `file:` and `command:`: secrets of this machine, in the environment, a file, or what a program prints."""

import shlex
from collections.abc import Mapping
from pathlib import Path

from runner.core.errors import InvalidInputError
from runner.core.limited_file import read_limited
from runner.core.secrets import SecretReference, SecretUnavailableError
from runner.kinds.secrets.base import LONGEST, SecretStore, ask_program


class EnvironmentVariable(SecretStore):
    """`env:NAME`: a variable of the environment of the command."""

    key = "env"
    at_hand = True

    def read(self, reference: SecretReference, environ: Mapping[str, str]) -> str:
        """Its value."""
        if reference.where not in environ:
            raise SecretUnavailableError(f"the environment variable {reference.where} is not set")
        return environ[reference.where]


class SecretFile(SecretStore):
    """`file:PATH`: the whole text of a file."""

    key = "file"
    at_hand = True

    def read(self, reference: SecretReference, environ: Mapping[str, str]) -> str:
        """Its text."""
        try:
            content = read_limited(Path(reference.where).expanduser(), LONGEST)
            if len(content) > LONGEST:
                raise SecretUnavailableError(f"{reference.where} is longer than {LONGEST // 1024} KiB, and no secret")
            return content.decode("utf-8")
        except InvalidInputError as error:
            raise SecretUnavailableError(f"{reference.where} {error.message}") from None
        except UnicodeDecodeError:
            raise SecretUnavailableError(f"{reference.where} is not text in UTF-8") from None


class ProgramOutput(SecretStore):
    """`command:PROGRAM ARGUMENTS`: what a program prints; no shell reads the line."""

    key = "command"

    def read(self, reference: SecretReference, environ: Mapping[str, str]) -> str:
        """What it prints, where it ends with 0."""
        try:
            words = shlex.split(reference.where)
        except ValueError:
            raise SecretUnavailableError("a quotation in the command is not closed") from None
        answer = ask_program(words, environ, login=reference.where)
        if answer.code:
            hint = f"it must print the secret without asking anybody; type: {reference.where}"
            raise SecretUnavailableError(f"{words[0]} ended with exit code {answer.code}: {hint}")
        return answer.output
