"""Somebody at a terminal who is trained: told little, asked what they have done, and sent on where they are wrong."""

import re
import time

import click

from runner.cli.output.terminal import safe
from runner.core.deferred import dataclass
from runner.core.identifiers import RUNBOOK_ID
from runner.library.library import Library
from runner.services.drills.trainee import AlertText, Said, StepToDo
from runner.services.library.find_runbooks import find_runbooks

_MOST = 5
_SAID: dict[str, Said] = {"d": "done", "h": "hint", "g": "give up"}


@dataclass(slots=True)
class TraineePrompt:
    """The person with this login, who looks for runbooks in the `library`."""

    name: str
    library: Library

    def find(self, alert: AlertText) -> str:
        """The runbook that they name; words are looked up as `runbook find` does, nothing is giving up."""
        click.secho(f"\nalert    {safe(alert.alert)} {safe(alert.says)}", bold=True, err=True)
        click.echo(f"         severity {alert.severity}, on {', '.join(map(safe, alert.hosts))}", err=True)
        click.echo(f"         a user sees: {safe(alert.sees)}", err=True)
        while True:
            ask = "  Which runbook? Its id, or words to look for (nothing to give up)"
            typed = click.prompt(ask, default="", show_default=False, err=True).strip()
            if not typed or re.fullmatch(RUNBOOK_ID, typed.upper()):
                return str(typed.upper())
            hits = find_runbooks(typed, self.library).hits[:_MOST]
            for hit in hits:
                click.echo(f"         {hit.runbook}  {safe(hit.title)}", err=True)
            if not hits:
                click.echo("         nothing is found; try other words", err=True)

    def do(self, step: StepToDo, *, told: int, seconds: float) -> Said:
        """What they say of a step; a hint more is shown each time that they ask for one."""
        timer = time.strftime("%M:%S", time.gmtime(seconds))
        hosts = ", ".join(map(safe, step.hosts))
        click.secho(f"\n{timer}    step {step.number} of {step.of}: {safe(step.name)}  on {hosts}", bold=True, err=True)
        for hint in step.hints[:told]:
            click.echo(f"  hint   {safe(hint, lines=True)}", err=True)
        left = ", (h)int" if told < len(step.hints) else ""
        said = {letter: word for letter, word in _SAID.items() if letter != "h" or left}
        answer = click.prompt(
            f"  Do it in another terminal. (d)one{left}, (g)ive up",
            type=click.Choice([*said, *said.values()], case_sensitive=False),
            show_choices=False,
            err=True,
        )
        return _SAID[str(answer)[0]]

    def tell(self, text: str) -> None:
        """Print it."""
        click.secho(f"  {safe(text)}", fg="yellow", err=True)
