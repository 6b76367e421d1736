"""`runbook run`: Run a runbook against an inventory, step by verified step."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from runner.cli import context
from runner.cli.output import ending, progress
from runner.cli.prompts import guard_options, input_options
from runner.cli.prompts.choice import check_picked, read_picked
from runner.cli.prompts.operator import InAdvance, Prompt
from runner.cli.target_options import aimed
from runner.compiler.committed_playbook import reviewed
from runner.core.errors import InvalidInputError
from runner.executor.job import Cancellation
from runner.model.runbook import Runbook
from runner.model.step import HandOver
from runner.orchestrator.request import Answer, Mode, Request, Result, RunEnvironment
from runner.orchestrator.run_loop import run

Do = Callable[[Request, RunEnvironment], Result]

_GATES = (
    click.option("--step", is_flag=True, help="Ask before each step: continue, skip, undo everything, escalate, stop."),
    click.option("--yes", is_flag=True, help="Approve in advance everything that needs approval."),
    click.option(
        "--confirm", multiple=True, metavar="STEP", help="Confirm in advance a step that a person does or confirms."
    ),
    click.option(
        "--choose",
        multiple=True,
        metavar="STEP.NAME=VALUE,...",
        help="Choose in advance (for one host: STEP.NAME@HOST=...).",
    ),
    click.option(
        "--wait",
        metavar="TIME",
        default="0s",
        help="How long to wait for locked hosts and for approvals from elsewhere, like 10m.",
    ),
    click.option("--json", "as_json", is_flag=True, help="One JSON object for each event, and the result, on stdout."),
)


def gates(command: Callable[..., None]) -> Callable[..., None]:
    """The options of every command that may ask somebody."""
    for option in reversed(_GATES):
        command = option(command)
    return command


@click.command(
    "run",
    epilog="""\b
    runbook run RUN-001 -i inventories/local
    runbook run RUN-001 -i inventories/staging -l db2 -e stuck_after=10m --yes
    """,
)
@aimed
@click.option("--auto", is_flag=True, help="Ask nobody; refused if a question has no automatic answer.")
@click.option(
    "--dry-run", is_flag=True, help="Execute the steps that only read; show the steps that would change something."
)
@guard_options.ceremony
@gates
def command(runbook: str, *, inventories: tuple[Path, ...], given: tuple[str, ...], **options: Any) -> None:
    """Run RUNBOOK (an id like RUN-001, or a file) against the hosts of an inventory."""
    request = request_for(runbook, inventories=inventories, given=given, ask=options["ask"], limit=options["limit"])
    request = replace(request, mode=_mode(options))
    perform_with(guard_options.with_ceremony(request, options), options, run)


def request_for(
    runbook: str, *, inventories: tuple[Path, ...], given: tuple[str, ...], ask: bool, limit: str | None
) -> Request:
    """The request to do `runbook`, as it was reviewed, against `inventories`.

    Raises:
        InvalidInputError: something of it is not there, or makes no sense.
    """
    library = context.library(runbook)
    source = library.usable(runbook)
    paths = context.inventories(inventories, library)
    playbook = reviewed(library, source)
    values = input_options.read(source, given, ask=ask)
    return Request(
        run_id=context.new_run_id(),
        source=source,
        playbook=playbook,
        contacts=library.contacts(source),
        inventories=paths,
        limit=limit,
        inputs=values,
        secrets=input_options.reveal(source.runbook, values),
        library=library,
    )


def _mode(options: Mapping[str, Any]) -> Mode:
    modes: dict[Mode, bool] = {"step": options["step"], "auto": options["auto"], "dry-run": options["dry_run"]}
    chosen = [mode for mode, given in modes.items() if given]
    if len(chosen) > 1:
        raise click.UsageError(f"--{chosen[0]} and --{chosen[1]} do not go together")
    return chosen[0] if chosen else "run"


def perform_with(request: Request, options: Mapping[str, Any], do: Do) -> None:
    """Do `request` by `do`, with the answers that `options` give in advance, and exit as it ended."""
    guard_options.shout(request)
    runbook = request.source.runbook
    request = replace(request, wait=context.seconds(options["wait"], flag="--wait"))
    picked = read_picked(options["choose"])
    asking_runbooks = _asking(request)
    check_picked(asking_runbooks, picked)
    check_confirmed(asking_runbooks, options["confirm"])
    drawing = progress.choose(runbook, as_json=options["as_json"])
    user = context.actor().user
    given = InAdvance(
        yes=options["yes"],
        confirmed=options["confirm"],
        picked=picked,
        auto=request.mode == "auto",
        wait=request.wait,
    )
    asking = Prompt(runbook, user, given=given, pause=drawing.pause)
    result = perform(request, asking, drawing, do=do)
    ending.show(result, as_json=options["as_json"])
    raise click.exceptions.Exit(result.exit_code)


def _asking(request: Request) -> list[Runbook]:
    """The runbook, and those that may take over from it, each of which may ask somebody something."""
    found = {request.source.runbook.id: request.source.runbook}
    waiting = [request.source.runbook]
    while waiting:
        for step in waiting.pop().procedure:
            if isinstance(step.on_failure, HandOver) and step.on_failure.run not in found and request.library:
                taking_over = request.library.source(step.on_failure.run).runbook
                found[taking_over.id] = taking_over
                waiting.append(taking_over)
    return list(found.values())


def check_confirmed(runbooks: Sequence[Runbook], names: Sequence[str]) -> None:
    """That each step in `names` is one for which a person can vouch.

    Raises:
        InvalidInputError: one of them is not; the message says which there are.
    """
    steps = [step for runbook in runbooks for step in runbook.procedure]
    known = dict.fromkeys(step.id for step in steps if step.manual or step.confirmations)
    for name in names:
        if name not in known:
            there = f"there is {', '.join(known)}" if known else f"{runbooks[0].id} has nothing to confirm"
            raise InvalidInputError(
                f"--confirm {name}: no step of that name is done or confirmed by a person", hint=there
            )


def perform(
    request: Request,
    operator: Any,
    drawing: progress.Progress,
    *,
    environ: Mapping[str, str] = os.environ,
    do: Do = run,
) -> Result:
    """Do `request` by `do`, drawn on the screen, stopped cleanly by a signal."""
    state = context.state()
    with cancelled_by_signals(drawing.notify) as cancellation, drawing:
        person = _Interruptible(operator, cancellation, drawing)
        env = RunEnvironment(
            state=state,
            clock=context.clock,
            actor=context.actor(),
            operator=person,
            cancellation=cancellation,
            environ=environ,
            secrets=context.secret,
            listeners=[drawing],
            new_run_id=context.new_run_id,
            type_environment=(lambda _name, _lines: "") if request.mode == "auto" else person.type_environment,
        )
        return do(request, env)


_NOTICES = (
    "stopping: the current action is ended cleanly; press Ctrl-C again to stop at once",
    "stopping at once",
)
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def _on_signals(handler: Callable[[int, Any], None]) -> Iterator[None]:
    before = {number: signal.signal(number, handler) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, previous in before.items():
            signal.signal(number, previous)


@contextmanager
def cancelled_by_signals(notify: Callable[[str], None]) -> Iterator[Cancellation]:
    """Ctrl-C, SIGTERM and SIGHUP ask the run to stop, cleanly; `notify` says so of a Ctrl-C."""
    cancellation = Cancellation()

    def ask(number: int, _: Any) -> None:
        cancellation.request(signal.Signals(number).name)
        if number == signal.SIGINT and len(cancellation.requests) <= len(_NOTICES):
            notify(_NOTICES[len(cancellation.requests) - 1])

    with _on_signals(ask):
        yield cancellation


class _Interruptible:
    """An operator whose prompt a signal ends: nothing runs while a person is asked, so the run simply stops there."""

    def __init__(self, operator: Any, cancellation: Cancellation, drawing: progress.Progress) -> None:
        self._operator, self._cancellation, self._drawing = operator, cancellation, drawing

    def answer(self, gate: Any, view: Any) -> Any:
        """The operator's answer, or no when the prompt was interrupted or its input came to an end."""
        no = Answer(yes=False, by=context.actor().user, note="interrupted")
        return self._unless_interrupted(lambda: self._operator.answer(gate, view), no)

    def type_environment(self, name: str, lines: Sequence[str]) -> str:
        """What was typed; nothing when the prompt was interrupted or its input came to an end."""
        asked = lambda: guard_options.type_name(name, lines, pause=self._drawing.pause)  # noqa: E731
        return str(self._unless_interrupted(asked, ""))

    def _unless_interrupted(self, ask: Callable[[], Any], otherwise: Any) -> Any:
        def interrupt(number: int, _: Any) -> None:
            self._cancellation.request(signal.Signals(number).name)
            raise KeyboardInterrupt

        try:
            with _on_signals(interrupt):
                return ask()
        except (KeyboardInterrupt, click.Abort):
            if not self._cancellation.requests:
                self._cancellation.request("end of input")
            return otherwise
