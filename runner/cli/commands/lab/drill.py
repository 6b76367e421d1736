"""`runbook drill`: Break a system as a RUN- file says, and see its runbook mend it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from runner.cli import context
from runner.cli.rehearsal_session import new_stage, show_and_exit
from runner.lab.demo_workspace import workspace
from runner.lab.drills.drill_flow import drill
from runner.lab.drills.plain_ansible import PlainAnsible
from runner.lab.machines import lab
from runner.lab.receiver import Receiver
from runner.library.library import Library
from runner.library.root import cache_directory


@click.command(
    "drill",
    epilog="""\b
    runbook drill RUN-001
    runbook drill RUN-001 -i inventories/lab --no-remediation
    """,
)
@click.argument("runbook")
@click.option(
    "-i",
    "inventories",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Break these hosts; a lab of its own if none.",
)
@click.option("--no-remediation", is_flag=True, help="Leave the runbook out: it must stay broken (exit 1).")
@click.option("--no-fault", is_flag=True, help="Break nothing: the runbook must refuse a healthy system (exit 1).")
@click.option("--ask", is_flag=True, help="Answer the questions of the runbook yourself.")
def command(runbook: str, *, inventories: tuple[Path, ...], no_remediation: bool, no_fault: bool, ask: bool) -> None:
    """Break the hosts of an inventory as RUNBOOK says under `drill`, and see whether it mends them. Nobody is called.

    Without -i a lab is started for it (see runbook lab), and ended afterwards. Production is refused.
    """
    library = context.library(runbook)
    source = library.usable(runbook)
    context.recover_abandoned(context.state())
    with _hosts(inventories, library) as hosts, workspace() as directory, Receiver.listening() as receiver:
        stage = new_stage(library, hosts, receiver, directory, ask=ask)
        ansible = PlainAnsible(hosts, directory)
        result = drill(stage, source, ansible, fault=not no_fault, remediation=not no_remediation)
    show_and_exit(result)


@contextmanager
def _hosts(inventories: tuple[Path, ...], library: Library) -> Iterator[list[Path]]:
    """The inventories that are named; those of a lab that goes with the block if none is."""
    if inventories:
        yield context.inventories(inventories, library)
        return
    name = f"drill-{os.getpid()}"
    started = lab.up(name, cache_directory(os.environ) / "lab")
    try:
        yield [library.root / "inventories/lab", started.inventory]
    finally:
        lab.down(name)
