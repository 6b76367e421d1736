"""The inputs of a run: given with `-e`, or asked for where there is a terminal; of a secret, where it is."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from runner.cli.option_groups import together
from runner.cli.output.terminal import safe
from runner.cli.prompts import keyboard
from runner.core.characters import unfit

if TYPE_CHECKING:
    from runner.model.input import Input
    from runner.orchestrator.request import RunRequest


def _password_file(_: click.Context, __: click.Parameter, path: Path | None) -> None:
    if path:  # Ansible itself looks here, for what is encrypted in an inventory as well
        os.environ["ANSIBLE_VAULT_PASSWORD_FILE"] = str(path.absolute())


_ASK = click.option("--ask", is_flag=True, help="Ask for every input that is not given, even if it has a default.")
given_option = click.option(
    "-e",
    "--input",
    "given",
    multiple=True,
    metavar="NAME=VALUE",
    help="A value for an input; for a secret, where it is (env:NAME, file:PATH, ...).",
)
_AGAIN = click.option(
    "-e", "--input", "given", multiple=True, metavar="NAME=WHERE", help="Where a secret is now, like env:NAME."
)
vault_option = click.option(
    "--vault-password-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    expose_value=False,
    callback=_password_file,
    help="The file with the ansible-vault password.",
)


options = together(given_option, _ASK, vault_option)
"""The options by which the inputs of a new run are given."""

options_again = together(_AGAIN, vault_option)
"""The options by which one says where the secrets of an earlier run are now."""


def give_inputs(request: RunRequest, given: Sequence[str], **how: bool) -> RunRequest:
    """`request` with its inputs; `how` is as `run_inputs.give_inputs` has it.

    Raises:
        InvalidInputError: some are wrong or missing; the message names all of them.
    """
    from runner.services import run_inputs  # noqa: PLC0415 - it imports all that a run needs

    prompt = ask_input if keyboard.is_there() else None
    return run_inputs.give_inputs(request, given, here=Path.cwd(), environ=os.environ, prompt=prompt, **how)


def ask_input(name: str, item: Input, default: Any = None) -> Any:
    """What a person types for the input `name`, asked for until it is valid; of a secret nothing is shown."""
    hidden = item.type == "secret"
    click.echo(f"{safe(item.help)}: {safe(item.takes)}" + ", which is not shown" * hidden, err=True)
    while True:
        typed = str(click.prompt(f"  {name}", default=default, hide_input=hidden, type=str, err=True))
        try:
            return (item.check_secret if hidden else item.read)(_as_text(typed))
        except ValueError as error:
            click.echo(f"  {safe(str(error))}", err=True)


def _as_text(typed: str) -> str:
    if reason := unfit(typed):
        raise ValueError(f"that {reason}")
    return typed
