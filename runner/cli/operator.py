"""The person at the keyboard: asked at every gate, or answered for in advance by a flag."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

import click

from runner.cli.terminal import brief, safe, short
from runner.definition.model import Declared, Runbook
from runner.execution.spans import Gate
from runner.request import Answer

_QUESTIONS = {"approve": "Go ahead?", "manual": "Done?", "confirm": "Is this so?"}


class Prompt:
    """Asks on the terminal; where there is none, only what a flag has answered in advance passes.

    `yes` answers approvals. `confirmed` names the steps whose manual work and confirmations the person who started the
    run vouches for.
    """

    def __init__(
        self,
        runbook: Runbook,
        user: str,
        *,
        yes: bool,
        confirmed: Collection[str],
        pause: Callable[[], AbstractContextManager[Any]],
    ) -> None:
        self._runbook, self._user, self._yes, self._confirmed, self._pause = runbook, user, yes, confirmed, pause

    def answer(self, gate: Gate, *, hosts: Sequence[str], captured: Mapping[str, Mapping[str, Any]]) -> Answer:
        """The answer to `gate`."""
        if gate.kind == "approve" and self._yes:
            return Answer(yes=True, by=self._user, note="given in advance with --yes")
        if gate.kind != "approve" and gate.name in self._confirmed:
            return Answer(yes=True, by=self._user, note="given in advance with --confirm")
        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            flag = "--yes" if gate.kind == "approve" else f"--confirm {gate.name}"
            return Answer(yes=False, by="nobody", note=f"there is no terminal to ask on; {flag} answers in advance")
        with self._pause():
            self._show(gate, hosts, captured)
            return self._ask(gate)

    def _show(self, gate: Gate, hosts: Sequence[str], captured: Mapping[str, Mapping[str, Any]]) -> None:
        step = gate.step
        click.secho(f"\n{safe(step.name)}", bold=True, err=True)
        if step.why:
            click.echo(f"  why     {safe(step.why)}", err=True)
        click.echo(f"  hosts   {safe(', '.join(hosts))}", err=True)
        if step.action and gate.kind == "approve":
            click.echo(f"  effect  {step.effect}", err=True)
            click.echo(f"  does    {short(' '.join(step.action.describe().split()), 300)}", err=True)
            for host in hosts:
                for name, value in captured.get(host, {}).items():
                    click.echo(f"  knows   {safe(host)}: {safe(name)} = {brief(value)}", err=True)
        click.echo("\n" + "\n".join(f"  {safe(line)}" for line in gate.text.splitlines()), err=True)

    def _ask(self, gate: Gate) -> Answer:
        choices = click.Choice(["y", "n", "e"], case_sensitive=False)
        said = click.prompt(
            f"  {_QUESTIONS[gate.kind]} (y)es, (n)o, (e)scalate", type=choices, show_choices=False, err=True
        )
        if said == "e":
            return Answer(yes=False, by=self._user, declared=self._declare())
        note = ""
        if gate.kind != "approve" and said == "y":
            note = _text(click.prompt("  Note for the record", default="", show_default=False, err=True))
        return Answer(yes=said == "y", by=self._user, note=note)

    def _declare(self) -> str:
        known = [item.declared for item in self._runbook.escalation.when if isinstance(item, Declared)]
        for number, text in enumerate(known, 1):
            click.echo(f"    {number}  {safe(text)}", err=True)
        said = _text(click.prompt("  Why (a number, or in words)", err=True))
        return known[int(said) - 1] if said.isdecimal() and 0 < int(said) <= len(known) else said


def _text(typed: str) -> str:
    """What was typed; bytes that are not text in UTF-8, which Python shows as half surrogate pairs, as escapes."""
    return typed.encode(errors="backslashreplace").decode()
