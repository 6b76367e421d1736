"""`runbook demo`: Watch a real PostgreSQL break and RUN-001 repair it, with the record of it."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import click

from runner.cli import context
from runner.cli.output import progress
from runner.cli.output.terminal import safe
from runner.cli.prompts.operator import InAdvance, Prompt
from runner.cli.run_session import run_environment
from runner.lab.demo_workspace import workspace
from runner.lab.flow import DemoResult, ScriptedOperator, Stage, release, repair
from runner.lab.receiver import Receiver
from runner.lab.shop import Shop
from runner.library.library import Library
from runner.orchestrator.request import Result, RunRequest
from runner.services.runs import start_run


@click.command("demo")
@click.option("--ssh", is_flag=True, help="Use four hosts over real SSH; also a release and a rollback by RUN-002.")
@click.option("--no-remediation", is_flag=True, help="Break it and do not repair it: it stays broken (exit 1).")
@click.option("--no-fault", is_flag=True, help="Do not break it: RUN-001 refuses a healthy system (exit 1).")
@click.option("--ask", is_flag=True, help="Answer the questions of the runbook yourself.")
def command(*, ssh: bool, no_remediation: bool, no_fault: bool, ask: bool) -> None:
    """Break a real PostgreSQL on this machine and repair it. Nothing else is touched, and only the record remains.

    It needs no root and no containers. PostgreSQL comes with pip install 'runbookctl[demo]'; --ssh needs sshd.
    """
    context.recover_abandoned(context.state())
    began = time.monotonic()

    def say(text: str) -> None:
        click.echo(f"{time.monotonic() - began:6.1f}s  {safe(text)}", err=True)

    with workspace() as directory, Receiver.listening() as receiver:
        opened = Shop.over_ssh(directory) if ssh else Shop.local(directory)
        with opened as shop:
            stage = Stage(
                shop=shop,
                library=Library.shipped(),
                receiver=receiver,
                start=lambda request: _start(request, directory, ask=ask),
                say=say,
                new_run_id=context.new_run_id,
            )
            result = repair(stage, fault=not no_fault, remediation=not no_remediation)
            if ssh and result.ok:
                result = release(stage)
    _tell(result)


def _start(request: RunRequest, directory: Path, *, ask: bool) -> Result:
    runbook = request.source.runbook
    drawing = progress.choose(runbook, as_json=False)
    operator: Any = ScriptedOperator()
    if ask:
        operator = Prompt(runbook, context.actor().user, given=InAdvance(), pause=drawing.pause)
    # What a module that is ended at once leaves behind goes with the demo's own directory.
    environ = {**os.environ, "TMPDIR": str(directory)}
    with run_environment(context.state(), operator, drawing, environ=environ) as env:
        return start_run(request, env)


def _tell(result: DemoResult) -> None:
    if result.run:
        click.echo(f"report  {safe(str(result.run.report))}")
        click.echo(f"audit   {result.run.audit}")
        for problem in result.run.problems:
            click.echo(f"error: {safe(problem, lines=True)}", err=True)
    raise click.exceptions.Exit(result.exit_code)
