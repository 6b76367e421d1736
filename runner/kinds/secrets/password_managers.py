"""`op:`, `lastpass:` and `bitwarden:`: password managers, each asked by its own command line program.

What they answer when they are locked is in their documentation: https://developer.1password.com/docs/cli/reference,
https://github.com/lastpass/lastpass-cli (`cmd-show.c`, `cmd.c`) and https://bitwarden.com/help/cli/.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from runner.core.secrets import SecretReference, SecretUnavailableError
from runner.kinds.secrets.base import ProgramAnswer, SecretStore, ask_program


def _locked(store: str, login: str) -> SecretUnavailableError:
    return SecretUnavailableError(f"{store} is locked, or nobody is logged in; type: {login}")


class OnePassword(SecretStore):
    """`op://VAULT/ITEM/FIELD`: 1Password's own secret references, read with `op`."""

    key = "op"

    def read(self, reference: SecretReference, environ: Mapping[str, str]) -> str:
        """What `op read` prints."""
        login = "eval $(op signin)"
        answer = ask_program(["op", "read", "--no-newline", f"op:{reference.where}"], environ, login=login)
        if answer.code == 0:
            return answer.output
        if re.search(r"(?i)signed in|sign in|session expired|no accounts configured|authoriz", answer.complaint):
            raise _locked("1Password", login)
        raise SecretUnavailableError(_without("1Password", answer, f"op read op:{reference.where}"))


class LastPass(SecretStore):
    """`lastpass:ITEM#FIELD`: the field of an item, `password` where none is named, read with `lpass`."""

    key = "lastpass"

    def read(self, reference: SecretReference, environ: Mapping[str, str]) -> str:
        """What `lpass show` prints."""
        field = reference.key or "password"
        option = f"--{field}" if field in {"password", "username", "url", "notes"} else f"--field={field}"
        words, login = (
            ["lpass", "show", "--color=never", option, reference.where],
            "lpass login --trust NAME@EXAMPLE.COM",
        )
        answer = ask_program(words, {**environ, "LPASS_DISABLE_PINENTRY": "1"}, login=login)
        if re.search(r"Perhaps you need to login|Not logged in|Could not authenticate", answer.complaint):
            raise _locked("LastPass", login)
        if answer.code:
            raise SecretUnavailableError(_without("LastPass", answer, f"lpass show {reference.where}"))
        if answer.output.startswith("Multiple matches found."):  # with exit code 0
            raise SecretUnavailableError(f"LastPass has several items {reference.where!r}; write the id of one")
        return answer.output


class Bitwarden(SecretStore):
    """`bitwarden:ITEM#FIELD`: `password`, `username`, `notes` or a field of an item, read with `bw`."""

    key = "bitwarden"

    def read(self, reference: SecretReference, environ: Mapping[str, str]) -> str:
        """The field in what `bw get item` prints."""
        login = "export BW_SESSION=$(bw unlock --raw)"
        answer = ask_program(["bw", "--nointeraction", "get", "item", reference.where], environ, login=login)
        if re.search(r"(?i)not logged in", answer.complaint):
            raise _locked("Bitwarden", f"bw login && {login}")
        if re.search(r"(?i)vault is locked|master password|session key", answer.complaint):
            raise _locked("Bitwarden", login)
        if "More than one result" in answer.complaint:
            raise SecretUnavailableError(f"Bitwarden has several items {reference.where!r}; write the id of one")
        if answer.code:
            raise SecretUnavailableError(_without("Bitwarden", answer, f"bw get item {reference.where}"))
        return _field(answer.output, reference)


def _field(output: str, reference: SecretReference) -> str:
    """The field that `reference` names in an item of Bitwarden, as JSON."""
    wanted = reference.key or "password"
    try:
        item: Any = json.loads(output)
        own = {**(item.get("login") or {}), "notes": item.get("notes")}
        others = {field.get("name"): field.get("value") for field in item.get("fields") or ()}
    except (ValueError, AttributeError, TypeError, RecursionError):
        raise SecretUnavailableError("what bw printed is no item; update bw") from None
    value = others.get(wanted) or own.get(wanted)
    if not isinstance(value, str) or not value:
        raise SecretUnavailableError(f"the item {reference.where!r} of Bitwarden has no {wanted!r}")
    return value


def _without(store: str, answer: ProgramAnswer, check: str) -> str:
    return (
        f"{store} has no such item or field, or does not give it (exit code {answer.code}); to see why, type: {check}"
    )
