"""One run at a terminal: drawn on the screen, answered here or by flags, stopped cleanly by a signal."""

import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, NoReturn

import click

from runner.cli import context
from runner.cli.output import ending, progress
from runner.cli.output.ending import called_for_refusal
from runner.cli.output.terminal import safe
from runner.cli.prompts import guard_options
from runner.cli.prompts.choice import check_confirmed, check_picked, read_picked
from runner.cli.prompts.guard_options import with_guard_options
from runner.cli.prompts.input_options import give_inputs
from runner.cli.prompts.operator import InAdvance, Prompt
from runner.cli.system import on_signals
from runner.core.errors import AuditError, InvalidInputError, LockedError, MistypedError, RunbookError
from runner.executor.job import ENGINE, Cancellation
from runner.library.library import Library
from runner.orchestrator.request import Mode, Result, RunRequest
from runner.orchestrator.run_environment import GateAnswer, Operator, RunEnvironment
from runner.services.run_requests import RunbookChangedError, has_passed, interrupted_run, prepare_run, runbooks_of
from runner.services.runs import call_for_refusal, call_for_refused_resumption, start_run
from runner.store.run_state import RunState
from runner.store.state_directory import StateDirectory


def run_and_exit(
    request: RunRequest,
    options: Mapping[str, Any],
    state: StateDirectory,
    use_case: Callable[[RunRequest, RunEnvironment], Result],
) -> NoReturn:
    """Run `use_case` for `request`, with the answers that `options` give in advance, and exit as it ended."""
    guard_options.warn_break_glass(request)
    runbook = request.source.runbook
    request = replace(request, wait=context.seconds(options["wait"], flag="--wait"))
    picked, runbooks = read_picked(options["choose"]), runbooks_of(request)
    check_picked(runbooks, picked)
    check_confirmed(runbooks, options["confirm"])
    drawing = progress.choose(runbook, as_json=options["as_json"])
    in_advance = InAdvance(
        yes=options["yes"],
        confirmed=options["confirm"],
        picked=picked,
        auto=request.mode == "auto",
        wait=request.wait,
    )
    operator = Prompt(runbook, context.actor().user, given=in_advance, pause=drawing.pause)
    with run_environment(state, operator, drawing, unattended=request.mode == "auto") as env:
        chosen = {ENGINE: options["engine"]} if options["engine"] else {}
        result = use_case(request, replace(env, environ={**env.environ, **chosen}))
    ending.show(result, as_json=options["as_json"])
    raise click.exceptions.Exit(result.exit_code)


def is_mended_at_once(error: RunbookError, mode: str) -> bool:
    """Whether `error` is a mistake in what a person at a terminal has typed: then nobody else is needed."""
    return isinstance(error, MistypedError) and mode != "auto" and sys.stdin.isatty()


@contextmanager
def calling_if_refused(state: StateDirectory, run: RunState, *, attended: bool = False) -> Iterator[None]:
    """Call somebody where the block refuses to go on with a `run` whose runbook wants that of a refusal.

    For one that asks nobody somebody is called in any case, unless it is `attended`: then somebody reads why.
    """
    try:
        yield
    except RunbookError as error:
        if is_mended_at_once(error, "run") or run.drill:
            raise
        unattended = run.mode == "auto" and not (attended or sys.stdin.isatty())
        run = run if unattended else replace(run, mode="run")
        calls = call_for_refused_resumption(context.installation(state), run, error)
        for line in ending.called_for_refusal(calls, error, unattended=unattended):
            click.echo(line, err=True)
        raise


def state_of(run_id: str) -> StateDirectory:
    """The state directory for who goes on with the run `run_id`; where it cannot be written, people are called.

    Raises:
        AuditError: it cannot be written.
    """
    state = context.opened_state()
    try:
        state.require_writable()
    except AuditError:
        with suppress(InvalidInputError, LockedError):
            run = interrupted_run(state, run_id)
            with nullcontext() if has_passed(state, run) else calling_if_refused(state, run.state):
                raise
        raise
    return state


@contextmanager
def showing_changes() -> Iterator[None]:
    """Print how the runbook differs from the one that the run began with, where that is why the block refuses."""
    try:
        yield
    except RunbookChangedError as error:
        for line in error.difference.splitlines():
            click.echo(safe(line), err=True)
        raise


@contextmanager
def run_environment(
    state: StateDirectory,
    operator: Operator,
    drawing: progress.Progress,
    *,
    unattended: bool = False,
    environ: Mapping[str, str] | None = None,
) -> Iterator[RunEnvironment]:
    """What a run is given of this terminal: `drawing` shows it, and a signal stops it cleanly."""
    here = context.installation(state)
    installation = {field.name: getattr(here, field.name) for field in fields(here)} | (
        {"environ": environ} if environ else {}
    )
    with cancelled_by_signals(drawing.notify) as cancellation, drawing:
        person = _Interruptible(operator, here.actor.user, cancellation, drawing)
        yield RunEnvironment(
            **installation,
            operator=person,
            cancellation=cancellation,
            listeners=[drawing],
            type_environment=(lambda _name, _lines: "") if unattended else person.type_environment,
        )


_NOTICES = (
    "stopping: the current action is ended cleanly; press Ctrl-C again to stop at once",
    "stopping at once",
)


@contextmanager
def cancelled_by_signals(notify: Callable[[str], None]) -> Iterator[Cancellation]:
    """Ctrl-C, SIGTERM and SIGHUP ask the run to stop, cleanly; `notify` says so of a Ctrl-C."""
    cancellation = Cancellation()

    def ask(number: int, _: Any) -> None:
        cancellation.request(signal.Signals(number).name)
        if number == signal.SIGINT and len(cancellation.requests) <= len(_NOTICES):
            notify(_NOTICES[len(cancellation.requests) - 1])

    with on_signals(ask):
        yield cancellation


class _Interruptible:
    """An operator whose prompt a signal ends: nothing runs while a person is asked, so the run simply stops there."""

    def __init__(self, operator: Any, user: str, cancellation: Cancellation, drawing: progress.Progress) -> None:
        self._operator, self._user, self._cancellation, self._drawing = operator, user, cancellation, drawing

    def answer(self, gate: Any, view: Any) -> Any:
        """The operator's answer, or no when the prompt was interrupted or its input came to an end."""
        no = GateAnswer(yes=False, by=self._user, note="interrupted")
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
            with on_signals(interrupt):
                return ask()
        except (KeyboardInterrupt, click.Abort):
            if not self._cancellation.requests:
                self._cancellation.request("end of input")
            return otherwise


def begin_and_exit(
    library: Library,
    runbook: str,
    inventories: tuple[Path, ...],
    mode: Mode,
    options: Mapping[str, Any],
    given: tuple[str, ...],
    *,
    run_id: str,
) -> NoReturn:
    """Do the run that was asked for, and exit as it ended.

    Raises:
        RunbookError: it cannot begin.
    """
    request = prepare_run(library, runbook, inventories, run_id=run_id, limit=options["limit"], mode=mode)
    context.notice_unread(request.inventories, request.library)
    request = give_inputs(request, given, ask_all=options["ask"])
    state = context.state()
    context.recover_abandoned(state)
    run_and_exit(with_guard_options(request, options), options, state, start_run)


def call_if_refused(
    library: Library,
    runbook: str,
    inventories: tuple[Path, ...],
    mode: Mode,
    options: Mapping[str, Any],
    error: RunbookError,
) -> None:
    """Call whom the runbook names, if it wants that of a run that was refused; print who was."""
    if mode == "dry-run" or is_mended_at_once(error, mode):
        return
    here = context.installation(context.recorded_if_any())  # who is called is called without a record as well
    calls = call_for_refusal(here, library, runbook, error, mode=mode, inventories=inventories, limit=options["limit"])
    for line in called_for_refusal(calls, error, unattended=mode == "auto"):
        click.echo(line, err=True)
