"""A rehearsal at a terminal: what demo and drill say, who answers the questions, and how they end."""

import os
import shlex
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import click

from runner.cli import context
from runner.cli.output import progress
from runner.cli.output.drill_lines import quiet_moment, show_calls, show_moment, show_plans, show_result, show_ways
from runner.cli.output.terminal import fitting, safe
from runner.cli.prompts import keyboard
from runner.cli.prompts.operator import InAdvance, Prompt
from runner.cli.run_session import run_environment
from runner.cli.system import on_signals
from runner.core.deferred import dataclass
from runner.lab.demo_workspace import workspace
from runner.lab.drills.drill_backends import Backend
from runner.lab.drills.kept_ansible import kept_ansible
from runner.lab.flow import DemoResult, ScriptedOperator, Stage
from runner.lab.receiver import Receiver
from runner.library.library import Library
from runner.library.runbook_source import Source
from runner.orchestrator.request import Result, RunRequest
from runner.render.drills.drill_result import DrillResult, DrillTest
from runner.services.drills.brakes import pulled
from runner.services.drills.standard_tests import DrillSession
from runner.services.drills.trainee import Trainee
from runner.services.runs import start_run
from runner.store.state_directory import StateDirectory

_TIMED = 20
"""Columns of a label of the demo with a time before it."""
_TYPED = 60
"""Characters of a command that a person types, or copies from one line of a small screen."""


@contextmanager
def ended_in_order() -> Iterator[None]:
    """While the block lasts, SIGTERM and SIGHUP end it as Ctrl-C does: in order."""

    def interrupt(_number: int, _frame: Any) -> NoReturn:
        raise KeyboardInterrupt

    with on_signals(interrupt):
        yield


def new_stage(
    library: Library, inventories: Sequence[Path], receiver: Receiver, directory: Path, *, ask: bool
) -> Stage:
    """A stage whose runs are drawn here, with files in `directory`; you answer their questions if they `ask` you."""
    began, start = time.monotonic(), starter(directory, ask=ask)

    def say(text: str) -> None:
        click.echo(fitting(f"{time.monotonic() - began:6.1f}s  {safe(text)}", _TIMED), err=True)

    return Stage(
        library=library,
        inventories=inventories,
        receiver=receiver,
        start=lambda request: start(request, began),
        say=say,
        new_run_id=context.new_run_id,
    )


@dataclass(frozen=True, slots=True)
class DrillManner:
    """How drills are done: whether the questions are put to you, people called, and you asked before hosts are broken.

    Where a `trainee` mends what is broken, with `alert_only` nothing is said that would tell which runbook it is.
    With `as_json` nothing is printed but messages: the output is for a program.
    """

    ask: bool = False
    pages_for_real: bool = False
    yes: bool = False
    trainee: Trainee | None = None
    alert_only: bool = False
    as_json: bool = False


def do_drills(
    library: Library,
    backend: Backend,
    state: StateDirectory,
    sources: Sequence[Source],
    tests: Sequence[DrillTest],
    manner: DrillManner,
) -> Iterator[DrillResult]:
    """Each of the `tests` of each drill of `sources` on the hosts of `backend`, told here; what it came to.

    What it does to hosts that were there before is shown first.

    Raises:
        DeniedError: somebody who was asked does not want them to be broken, or nobody can be asked.
    """
    with workspace() as directory, Receiver.listening() as receiver, kept_ansible() as run_ansible:
        session = DrillSession(
            library=library,
            backend=backend,
            directory=directory,
            receiver=receiver,
            installation=context.installation(state),
            start=starter(directory, ask=manner.ask),
            say=quiet_moment if manner.trainee else show_moment,
            pages_for_real=manner.pages_for_real,
            trainee=manner.trainee,
            alert_only=manner.alert_only,
            run_ansible=run_ansible,
        )
        plans = session.plans(sources)
        breaks = {*tests} != {DrillTest.NO_FAULT}
        show_plans(plans if breaks else (), hidden=manner.alert_only)
        if manner.trainee:
            show_ways({host: typed_way(directory, host, words) for host, words in session.ways(sources).items()})
        with session.alone(sources):
            if breaks and not manner.yes and any(plan.asks for plan in plans):  # which is not thrown away
                hint = "the same command with --yes breaks what is shown above"
                keyboard.agree("Break it?", nothing="nothing was broken", hint=hint)
            for result in session.do(sources, tests, plans):
                show_calls(result)
                show_result(result, err=manner.as_json)
                yield result
                if result.is_interrupted or pulled(state):
                    return


def typed_way(directory: Path, host: str, words: Sequence[str]) -> Sequence[str]:
    """What leads to `host` as `words` do, and can be typed: a script in `directory` where they are many."""
    if len(shlex.join(words)) <= _TYPED:
        return words
    script = directory / f"to-{host.replace(os.sep, '-')}"
    script.write_text(f'exec {shlex.join(words)} "$@"\n', encoding="utf-8")
    return ["sh", str(script)]


def show_and_exit(result: DemoResult) -> NoReturn:
    """Print where the report of the run is, and end with the exit code of the rehearsal."""
    if result.run:
        click.echo(f"report  {safe(str(result.run.report))}")
        click.echo(f"audit   {result.run.audit}")
        for problem in result.run.problems:
            click.echo(f"error: {safe(problem, lines=True)}", err=True)
    raise click.exceptions.Exit(result.exit_code)


def starter(directory: Path, *, ask: bool) -> Callable[[RunRequest, float], Result]:
    """What does a run and draws it here, with files in `directory`; you answer its questions if they `ask` you.

    It is drawn by the clock of the rehearsal, which began at the second number of the monotonic one.
    """

    def start(request: RunRequest, began: float) -> Result:
        runbook = request.source.runbook
        drawing = progress.choose(runbook, as_json=False, began=began)
        operator: Any = ScriptedOperator()
        if ask:
            operator = Prompt(runbook, context.actor().user, given=InAdvance(), pause=drawing.pause)
        # What a module that is ended at once leaves behind goes with the rehearsal's own directory.
        environ = {**os.environ, "TMPDIR": str(directory)}
        with run_environment(context.state(), operator, drawing, environ=environ) as env:
            return start_run(request, env)

    return start
