"""`runbook plan`: What a run would do: its hosts, its steps, its questions. Nothing is done."""

from __future__ import annotations

import os
from pathlib import Path

import click

from runner.cli import context
from runner.cli.terminal import safe, short
from runner.definition.model import Runbook
from runner.definition.step import Effect
from runner.execution.executor import NOTHING, Cancellation, Job, resolve
from runner.execution.reviewed import reviewed
from runner.execution.spans import Gate, cut
from runner.execution.target import Target


@click.command("plan")
@click.argument("runbook")
@click.option(
    "-i",
    "--inventory",
    "inventories",
    multiple=True,
    required=True,
    type=click.Path(path_type=Path),
    help="A file or directory of hosts; may be given again.",
)
@click.option("-l", "--limit", metavar="HOSTS", help="Only hosts that this Ansible pattern matches, too.")
@click.option("-e", "--input", "given", multiple=True, metavar="NAME=VALUE", help="A value that the runbook asks for.")
def command(runbook: str, inventories: tuple[Path, ...], limit: str | None, given: tuple[str, ...]) -> None:
    """Show what `runbook run` would do with the same words. No host is contacted."""
    library = context.library()
    source = library.source(runbook)
    job = Job(
        run_id=context.new_run_id(),
        name=f"{source.runbook.id}.yml",
        playbook=reviewed(library, source),
        inventories=context.inventories(inventories, library),
        limit=limit,
        inputs=context.inputs(source.runbook, given),
        hosts="all",
        becomes=False,
        environ=os.environ,
        cancellation=Cancellation(),
    )
    target = Target.from_hello(resolve(job, NOTHING))
    target.check(source.runbook)
    _show(source.runbook, target, job)


def _show(runbook: Runbook, target: Target, job: Job) -> None:
    click.secho(f"{runbook.id} {safe(runbook.title)}", bold=True)
    for name, value in job.inputs.items():
        click.echo(f"  input   {name} = {short(str(value))}")
    gates = [item for item in cut(runbook.procedure) if isinstance(item, Gate)]
    for number, step in enumerate(runbook.procedure, 1):
        hosts = ", ".join(map(safe, target.of(runbook, step)))
        click.echo(f"  {number:2} {safe(step.name)}  [{step.effect}]  on {hosts}")
        if step.action and not step.manual:
            click.echo(f"       {step.action.key:6} {short(' '.join(step.action.describe().split()), 160)}")
        for gate in gates:
            if gate.step.id == step.id:
                click.echo(f"       asks   {gate.kind}: {short(' '.join(gate.text.split()), 160)}")
    click.echo(_radius(runbook, target))


def _radius(runbook: Runbook, target: Target) -> str:
    """The blast radius in one sentence."""
    changing = [step for step in runbook.steps if step.effect is not Effect.READ and not step.manual]
    touched = {host for step in changing for host in target.of(runbook, step)}
    destructive = sum(step.effect is Effect.DESTRUCTIVE for step in changing)
    words = f"changes {len(touched)} of {len(target.names)} hosts in {target.environment}"
    return f"{words}, {destructive} destructive step{'s' * (destructive != 1)}"
