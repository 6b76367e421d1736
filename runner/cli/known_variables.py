"""The variables that inventories set, for lint: as their files say, and as Ansible does where it is asked about one."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

import click

from runner.cli.output.terminal import safe
from runner.executor.inventory import inventory_hosts
from runner.library.inventory import encrypted, variables
from runner.library.library import shown

_PASSWORDS = ("ANSIBLE_VAULT_PASSWORD_FILE", "ANSIBLE_VAULT_IDENTITY_LIST")


class Known(NamedTuple):
    """The `names` that are set, None where there is no inventory; `incomplete`: an encrypted file may set others."""

    names: frozenset[str] | None
    incomplete: bool = False


def known_variables(folders: frozenset[Path], inventories: tuple[Path, ...]) -> Known:
    """What is known of those that lie in the `folders`, and of the `inventories` that somebody has named.

    Raises:
        InvalidInputError: Ansible cannot read what was named, or cannot decrypt it with the password that was given.
    """
    memory = click.get_current_context().meta.setdefault(__name__, {})  # read, and told, once in an invocation
    if (folders, inventories) not in memory:
        memory[folders, inventories] = _known(folders, inventories)
    known: Known = memory[folders, inventories]
    return known


def _known(folders: frozenset[Path], inventories: tuple[Path, ...]) -> Known:
    paths = [path for path in (*sorted(folders), *inventories) if path.exists()]
    if not paths:
        return Known(None)
    names = frozenset(name for path in paths for name in variables(path))
    hidden = dict.fromkeys(file for path in paths for file in encrypted(path))
    if hidden and not any(map(os.environ.get, _PASSWORDS)):
        files = ", ".join(safe(shown(file)) for file in hidden)
        click.echo(f"notice   what {files} sets is not known: give --vault-password-file FILE to read it", err=True)
        return Known(names, incomplete=True)
    asked = [*inventories, *(each for folder in folders if hidden for each in inventory_hosts.inventories_in(folder))]
    return Known(names | inventory_hosts.variables(asked) if asked else names)
