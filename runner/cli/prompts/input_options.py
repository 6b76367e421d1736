"""The inputs of a run: given with `-e`, or asked for where there is a terminal; of a secret, where it is."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from runner.cli.output.terminal import safe
from runner.core.characters import unfit
from runner.core.errors import InvalidInputError
from runner.core.secrets import FORMS, PROMPT, Reference
from runner.library.library import Source
from runner.model.input import Input, Wrong, missing, read_all
from runner.model.runbook import Runbook


def _password_file(_: click.Context, __: click.Parameter, path: Path | None) -> None:
    if path:  # Ansible itself looks here, for what is encrypted in an inventory as well
        os.environ["ANSIBLE_VAULT_PASSWORD_FILE"] = str(path.absolute())


_ASK = click.option("--ask", is_flag=True, help="Ask for every input that is not given, even if it has a default.")
_GIVEN = click.option(
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


def options(command: Callable[..., None]) -> Callable[..., None]:
    """The options by which the inputs of a new run are given."""
    return _GIVEN(_ASK(vault_option(command)))


def options_again(command: Callable[..., None]) -> Callable[..., None]:
    """The options by which one says where the secrets of an earlier run are now."""
    return _AGAIN(vault_option(command))


def read(
    source: Source,
    given: Sequence[str],
    *,
    ask: bool = False,
    before: Mapping[str, Any] | None = None,
    planned: bool = False,
) -> dict[str, Any]:
    """The value of every input of the runbook, and of each secret where it is, or `prompt`.

    What is missing is asked for, and with `ask` whatever is not given. `before` are the values of a run that is gone on
    with. For what is only `planned`, no secret need be there.

    Raises:
        InvalidInputError: some are wrong or missing; the message tells of all of them.
    """
    runbook = source.runbook
    texts, wrong = _split(given)
    values, more = read_all(runbook.inputs, {**_still(runbook, before or {}), **texts})
    wrong += [f"-e {each}" for each in more]
    _stay(values, source, texts)
    if not _terminal():
        known = {each.name for each in more}
        absent = [*missing(runbook.inputs, values), *_unasked(runbook, values)]
        if planned:
            absent = [each for each in absent if each.name not in runbook.secrets]
        wrong += [_flag(runbook, each) for each in absent if each.name not in known]
    _refuse(runbook, wrong)
    for name, item in runbook.inputs.items():
        if item.type == "secret":
            values.setdefault(name, PROMPT)
        elif name not in values or (ask and name not in texts and _terminal()):
            values[name] = _until_good(name, item, item.read, default=values.get(name))
    return {name: values[name] for name in runbook.inputs}


def _split(given: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    """What each `-e` says, and what is wrong with those that say nothing; a value is not repeated."""
    texts, wrong = {}, []
    for item in given:
        name, separator, text = item.partition("=")
        if not separator:
            wrong.append(f"-e {safe(name)}: write it as NAME=VALUE")
        elif unfit(text):
            wrong.append(f"-e {safe(name)}: the value is not text in UTF-8; name a file that holds it")
        else:
            texts[name] = text
    return texts, wrong


def _still(runbook: Runbook, before: Mapping[str, Any]) -> dict[str, Any]:
    """The values of an earlier run which the runbook, that may have changed since, still asks for."""
    return {name: value for name, value in before.items() if name in runbook.inputs}


def _stay(values: dict[str, Any], source: Source, texts: Mapping[str, str]) -> None:
    """A path in a reference is one from where it is written: the runbook's directory, or here."""
    for name in values.keys() & source.runbook.secrets:
        base = Path.cwd() if name in texts else source.path.parent
        values[name] = str(Reference.parse(values[name]).absolute(base.absolute()))


def _unasked(runbook: Runbook, values: Mapping[str, Any]) -> list[Wrong]:
    typed = [name for name in runbook.secrets if values.get(name) == PROMPT]
    return [Wrong(name, "is asked for, and there is no terminal") for name in sorted(typed)]


def _flag(runbook: Runbook, each: Wrong) -> str:
    item = runbook.inputs[each.name]
    mend = f"where it is: {FORMS}" if item.type == "secret" else item.takes
    return f"{each.name} {each.what}; give -e {each.name}=..., {mend} ({item.help})"


def reveal(runbook: Runbook, values: Mapping[str, Any]) -> dict[str, str]:
    """Each secret of the runbook, from where `values` say that it is; what nobody has written down is asked for.

    Raises:
        InvalidInputError: some are not there, or cannot be used; the message tells of all of them.
    """
    found, wrong = {}, []
    for name, item in runbook.inputs.items():
        if item.type != "secret" or values[name] == PROMPT:
            continue
        try:
            found[name] = item.check_secret(Reference.parse(values[name]).resolve(os.environ))
        except ValueError as error:
            wrong.append(f"{name} ({values[name]}): {error}")
    _refuse(runbook, wrong)
    for name, item in runbook.inputs.items():
        if name in runbook.secrets and name not in found:
            found[name] = _until_good(name, item, item.check_secret)
    return found


def _refuse(runbook: Runbook, wrong: Iterable[str]) -> None:
    if told := [f"  {each}" for each in wrong]:
        hint = f"runbook show {runbook.id} explains each input"
        raise InvalidInputError("\n".join([f"{runbook.id} cannot start with these inputs:", *told]), hint=hint)


def _terminal() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()


def _until_good(name: str, item: Input, read: Callable[[str], Any], *, default: Any = None) -> Any:
    """What a person types for the input `name`, asked for until `read` takes it; of a secret nothing is shown."""
    hidden = item.type == "secret"
    click.echo(f"{safe(item.help)}: {safe(item.takes)}" + ", which is not shown" * hidden, err=True)
    while True:
        typed = str(click.prompt(f"  {name}", default=default, hide_input=hidden, type=str, err=True))
        try:
            return read(_as_text(typed))
        except ValueError as error:
            click.echo(f"  {safe(str(error))}", err=True)


def _as_text(typed: str) -> str:
    if reason := unfit(typed):
        raise ValueError(f"that {reason}")
    return typed
