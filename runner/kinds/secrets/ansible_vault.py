"""`ansible-vault:FILE#KEY`: a value in a file that ansible-vault has encrypted."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from runner.core.secrets import SecretReference, SecretUnavailableError
from runner.kinds.secrets.base import SecretStore, ask_program

_HINT = "name the file of its password with --vault-password-file or ANSIBLE_VAULT_PASSWORD_FILE"


class AnsibleVault(SecretStore):
    """What Ansible's own tool decrypts, which finds the vault's password where Ansible does."""

    key = "ansible-vault"
    at_hand = True

    def read(self, reference: SecretReference, environ: Mapping[str, str]) -> str:
        """The text behind the key; `db.password` is also `password` in the mapping `db`."""
        where, key = str(Path(reference.where).expanduser()), reference.key
        program = str(Path(sys.executable).with_name("ansible-vault"))
        answer = ask_program([program, "view", "--", where], environ, login=f"ansible-vault view {where}")
        if answer.code:
            raise SecretUnavailableError(f"{where} cannot be decrypted; {_HINT}")
        try:
            value: Any = yaml.safe_load(answer.output)
            for part in [key] if isinstance(value, dict) and key in value else key.split("."):
                value = value[part]
        except (yaml.YAMLError, LookupError, TypeError):
            raise SecretUnavailableError(f"{where} has no key {key!r}") from None
        if not isinstance(value, str):
            raise SecretUnavailableError(f"{key!r} in {where} is not text; put it in quotes there")
        return value


class OldAnsibleVault(AnsibleVault):
    """`vault:FILE#KEY`: the same by the name that it had before."""

    key = "vault"
