"""`runbook drill`: Break a system as a RUN- file says, and see its runbook mend it."""

import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import click

from runner.cli import context, lab_entry
from runner.cli.drill_words import init, stop
from runner.cli.output.drill_lines import show_beginning, show_series, show_training
from runner.cli.output.table import draw
from runner.cli.output.terminal import fitting, safe
from runner.cli.prompts import keyboard
from runner.cli.prompts.trainee_prompt import TraineePrompt
from runner.cli.rehearsal_session import DrillManner, do_drills, ended_in_order
from runner.cli.words_or_arguments import WordsOrArguments
from runner.core.errors import ExitCode, InvalidInputError
from runner.lab.demo_workspace import workspace
from runner.lab.drills.drill_backends import Backend, embedded, given, own_lab
from runner.lab.machines import lab
from runner.library.last_tested import LastTest
from runner.library.library import Library
from runner.library.root import cache_directory
from runner.library.runbook_source import Source
from runner.library.snapshot import read
from runner.render.drills.drill_pages import INDEX, as_junit, drill_pages
from runner.render.drills.drill_pages import as_json as drills_as_json
from runner.render.drills.drill_result import DrillResult, DrillSeries, DrillTest
from runner.services.drills.brakes import check_not_stopped
from runner.services.drills.standard_tests import check_committed, drillable, rehearsed, series
from runner.services.drills.trainee import neighbours
from runner.services.library.tested_runbooks import runbook_states
from runner.services.people_readiness import keep_training
from runner.services.run_list import proven_runs, recorded_drills
from runner.store.state_directory import StateDirectory


@click.command(
    "drill",
    cls=WordsOrArguments,
    others={"init": init, "stop": stop},
    epilog="""\b
    runbook drill RUN-001
    runbook drill --all --junit drills.xml
    runbook drill --all --standard-tests
    """,
)
@click.argument("runbooks", nargs=-1)
@click.option("--all", "every", is_flag=True, help="Every runbook of the library that has a drill.")
@click.option(
    "-i",
    "inventories",
    multiple=True,
    type=click.Path(path_type=Path),
    callback=lab_entry.enter_for,
    help="Break these hosts; a lab of its own if none.",
)
@click.option(
    "--backend",
    type=click.Choice(["lab", "embedded"]),
    help="The machines of a lab, or hosts that need no root; a lab where one can run.",
)
@click.option("--no-remediation", is_flag=True, help="Leave the runbook out: it must stay broken (exit 1).")
@click.option("--no-fault", is_flag=True, help="Break nothing: the runbook must refuse a healthy system (exit 1).")
@click.option(
    "--standard-tests", is_flag=True, help="Each drill as written, and in both these ways (exit 0 if all is as said)."
)
@click.option("--ask", is_flag=True, help="Answer the questions of the runbook yourself.")
@click.option("--page-for-real", is_flag=True, help="Call the people whom the runbook names, for what is only a drill.")
@click.option("--as-trainee", is_flag=True, help="Mend it yourself, step by step; hints are given when you ask.")
@click.option("--alert-only", is_flag=True, help="Get the alert only, and find the runbook. With --as-trainee.")
@click.option("--pick", type=click.Choice(["random"]), help="Any of the runbooks that are easily confused with it.")
@click.option("--yes", is_flag=True, help="Break what the plan shows without being asked.")
@click.option("--junit", type=click.Path(path_type=Path, dir_okay=False), help="Write a JUnit report to this file.")
@click.option("--json", "as_json", is_flag=True, help="The results as JSON.")
def command(
    *,
    runbooks: tuple[str, ...],
    every: bool,
    inventories: tuple[Path, ...],
    backend: str | None,
    page_for_real: bool,
    junit: Path | None,
    as_json: bool,
    pick: str | None,
    **options: bool,
) -> None:
    """Break a system as RUNBOOKS say under `drill`, and see whether they mend it. Nobody is called.

    Without RUNBOOKS it shows which can be drilled. Without -i a lab is started for it (see runbook lab), or hosts that
    need no root, and ended afterwards. Production is refused.
    """
    tests = _tests(options)
    if (options["alert_only"] or pick) and not options["as_trainee"]:
        raise click.UsageError("--alert-only and --pick go with --as-trainee")
    if options["ask"] or options["as_trainee"]:
        hint = "leave --ask and --as-trainee out, or begin it at a terminal"
        keyboard.check_terminal(nothing="nothing was broken", hint=hint)
    library = context.library(*runbooks[:1])
    if runbooks and every:
        raise click.UsageError("name runbooks, or --all of them")
    if not (runbooks or every):
        _offer(library)
        return
    named = [rehearsed(library.usable(name)) for name in runbooks]
    check_committed(library, named, tests)
    state = context.state()
    context.recover_abandoned(state)
    check_not_stopped(state)
    if junit:
        junit.touch()  # where it cannot be written that is said before anything is broken
    began = context.clock()
    with ended_in_order(), _backend(inventories, library, chosen=backend) as hosts:
        sources, left_out = drillable(library, hosts.name) if every else (named, {})
        check_committed(library, sources if every else (), tests)
        _confirm_calls(sources, page_for_real=page_for_real)
        sources = _picked(library, sources, hosts.name) if pick else sources
        show_beginning(sources, hosts.name, hidden=options["alert_only"])
        trainee = TraineePrompt(context.actor().user, library) if options["as_trainee"] else None
        chosen = {name: options[name] for name in ("ask", "yes", "alert_only")}
        manner = DrillManner(trainee=trainee, pages_for_real=page_for_real, as_json=as_json, **chosen)
        results = list(do_drills(library, hosts, state, sources, tests, manner))
    for each in results:
        _keep(library, state, each, err=as_json)
    recorded = recorded_drills(context.state_path(), context.clock())
    done = series(results, left_out, recorded, seconds=context.clock().since(began))
    stamp = f"{began.wall:%Y%m%dT%H%M%SZ}-{os.getpid()}"
    where = [word for path in inventories for word in ("-i", str(path))] + (["--backend", backend] if backend else [])
    _finish(done, state.path / "drills" / stamp, junit, as_json=as_json)
    say_next(done, tests, library, where)
    raise click.exceptions.Exit(exit_code(done, tests))


def _picked(library: Library, sources: Sequence[Source], backend: str) -> list[Source]:
    """Any one of `sources` and of those that are easily taken for them."""
    able, _ = drillable(library, backend)
    near = {each.id: each for source in sources for each in neighbours(source, able)}
    return [secrets.choice([*near.values()])]


def _keep(library: Library, state: StateDirectory, result: DrillResult, *, err: bool) -> None:
    """Show what somebody did who was trained, and record it where they agree to that."""
    if result.training:
        show_training(result.training, passed=result.ok, err=err)
        kept = keep_training(state, read(library).people(), result.training, passed=result.ok)
        note = f"recorded for {kept}" if kept else "not recorded: no contact of yours has drill_record: true"
        click.echo(f"record   {note}", err=True)


_TESTS = {
    "standard_tests": tuple(DrillTest),
    "no_remediation": (DrillTest.NO_REMEDIATION,),
    "no_fault": (DrillTest.NO_FAULT,),
}


def _tests(options: Mapping[str, bool]) -> tuple[DrillTest, ...]:
    chosen = [tests for option, tests in _TESTS.items() if options[option]]
    if len(chosen) > 1:
        raise click.UsageError("--no-remediation, --no-fault and --standard-tests cannot be combined")
    return chosen[0] if chosen else (DrillTest.AS_WRITTEN,)


def _offer(library: Library) -> None:
    """Show which runbooks can be drilled, and how one begins."""
    now = context.clock()
    states = runbook_states(read(library).used.values(), proven_runs(context.state_path(), now), (), now=now.wall)
    found, left_out = drillable(library, "lab")
    offered = {source.id: {drill.backends for drill in source.runbook.drill} for source in found}
    rows = [
        {
            "id": each.id,
            "title": each.title,
            "last tested": _day(each.last),
            "needs": "lab or staging" if {("lab",)} == offered[each.id] else "no root",
        }
        for each in states
        if each.id in offered
    ]
    draw(rows, empty="no runbook here says how it is rehearsed")
    for name, why in left_out.items():
        click.echo(f"left out   {name} {safe(why)}", err=True)
    if not rows:
        context.hint(f"{context.typed(['drill', 'init', 'RUN-xxx'])} writes a first one into the file of that runbook")
    elif (library.root / "inventories/lab").is_dir():
        begins = context.typed(["drill", str(rows[0]["id"])])
        click.echo(f"begin with {begins}: what is broken is thrown away, and nobody is called")
    else:
        begins = context.typed(["drill", str(rows[0]["id"]), "-i", "inventories/staging"])
        click.echo(f"begin with {begins}: what it would break is shown first, and nobody is called")


def _day(last: LastTest | None) -> str:
    """The day of the `last` test, in few words: the table is to fit a small terminal."""
    return f"{last.time:%Y-%m-%d}{'' if last.current else ', edited since'}" if last else "never"


def _confirm_calls(sources: Sequence[Source], *, page_for_real: bool) -> None:
    """Let nobody be called by mistake: somebody at a terminal types who it is."""
    if not page_for_real:
        return
    people = dict.fromkeys(name for source in sources for name in source.runbook.escalation.contacts)
    wanted = ", ".join(people)
    typed = click.prompt(f"This calls people. Type whom: {wanted}", default="", show_default=False, err=True)
    if typed.strip() != wanted:
        raise InvalidInputError("nobody is called without their names typed", hint="leave --page-for-real out")


@contextmanager
def _backend(inventories: tuple[Path, ...], library: Library, *, chosen: str | None) -> Iterator[Backend]:
    """The hosts that are named; those of a lab, or of this account, that go with the block if none are."""
    if inventories:
        yield given(context.inventories(inventories, library))
        return
    cache = cache_directory(os.environ) / "lab"
    if _is_lab(chosen, cache):
        lab_entry.enter()
        click.echo("hosts    a lab of five machines is started, and ended afterwards", err=True)
        with own_lab(library.root, cache) as backend:
            yield backend
    else:
        click.echo("hosts    a database, its replica and a web shop are started here, and ended afterwards", err=True)
        with workspace() as directory, embedded(library.root, directory) as backend:
            yield backend


def _is_lab(chosen: str | None, cache: Path) -> bool:
    """Whether drills are done in a lab; where that is not said and none can run, in one line why not."""
    if chosen is not None:
        return chosen == "lab"
    try:
        lab.check(cache)
    except InvalidInputError as error:
        why = f"backend  embedded: {safe(error.message)} (runbook lab up says what to do)"
        click.echo(fitting(why, len("backend  ")), err=True)
        return False
    return True


def _finish(done: DrillSeries, directory: Path, junit: Path | None, *, as_json: bool) -> None:
    """Write the report to `directory`, and for CI to `junit`; print where it is, and what came of it."""
    directory.mkdir(parents=True)
    for name, text in drill_pages(done).items():
        (directory / name).write_text(text, encoding="utf-8")
    if junit:
        junit.write_text(as_junit(done), encoding="utf-8")
    if as_json:
        click.echo(drills_as_json(done), nl=False)
    elif len(done.results) > 1 or done.left_out:
        show_series(done)
    click.echo(f"drills   {safe(str(directory / INDEX))}", err=as_json)


def say_next(done: DrillSeries, tests: Sequence[DrillTest], library: Library, where: Sequence[str]) -> None:
    """Print what may come next, and why the exit code is what it is where it may surprise.

    The words `where` have the next drill done on the same hosts.
    """
    if any(result.not_begun for result in done.results) and "-i" in where:
        looks = context.typed(["preflight", done.results[0].runbook, *where])
        click.echo(f"next     see whether its hosts answer: {looks}; runbook lab status tells of a lab", err=True)
    if exit_code(done, tests) is ExitCode.FAILED and done.ok:
        click.echo("exit     1, as nothing was mended; --standard-tests ends with 0 instead", err=True)
    if len(done.results) != 1 or not done.ok or done.results[0].training:
        return
    words, offers = ["drill", done.results[0].runbook, *where], {"see that it can fail": "--standard-tests"}
    if any(step.asks_people for step in library.usable(done.results[0].runbook).runbook.procedure):
        offers = {"answer its questions yourself": "--ask"} | offers
    for label, (what, option) in zip(["next", ""], offers.items(), strict=False):
        click.echo(f"{label:8} {what}: {context.typed([*words, option])}", err=True)


def exit_code(done: DrillSeries, tests: Sequence[DrillTest]) -> ExitCode:
    """Whether the drills passed. One that must fail does not; only with all three tests is it enough that it fails.

    One that must fail and was not begun, or was stopped, has shown neither.
    """
    if any(result.is_interrupted for result in done.results):
        return ExitCode.INTERRUPTED
    if tests[0] is not DrillTest.AS_WRITTEN and any(result.is_void for result in done.results):
        return ExitCode.DENIED
    passed = done.ok if len(tests) > 1 or tests[0] is DrillTest.AS_WRITTEN else not done.ok
    return ExitCode.DONE if passed else ExitCode.FAILED
