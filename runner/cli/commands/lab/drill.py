"""`runbook drill`: Break a system as a RUN- file says, and see its runbook mend it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import click

from runner.cli import context
from runner.cli.output.drill_lines import show_series
from runner.cli.output.terminal import safe
from runner.cli.rehearsal_session import do_drills
from runner.core.errors import ExitCode, InvalidInputError
from runner.lab.drills.drill_backends import Backend, given, own_lab
from runner.library.library import Library, Source
from runner.library.root import cache_directory
from runner.render.drills.drill_pages import INDEX, as_junit, drill_pages
from runner.render.drills.drill_pages import as_json as drills_as_json
from runner.render.drills.drill_result import DrillSeries, DrillTest
from runner.services.drills.standard_tests import drillable, series
from runner.services.run_list import recorded_drills


@click.command(
    "drill",
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
    help="Break these hosts; a lab of its own if none.",
)
@click.option("--no-remediation", is_flag=True, help="Leave the runbook out: it must stay broken (exit 1).")
@click.option("--no-fault", is_flag=True, help="Break nothing: the runbook must refuse a healthy system (exit 1).")
@click.option(
    "--standard-tests", is_flag=True, help="Each drill as written, and in both these ways (exit 0 if all is as said)."
)
@click.option("--ask", is_flag=True, help="Answer the questions of the runbook yourself.")
@click.option("--page-for-real", is_flag=True, help="Call the people whom the runbook names, for what is only a drill.")
@click.option("--junit", type=click.Path(path_type=Path, dir_okay=False), help="Write a JUnit report to this file.")
@click.option("--json", "as_json", is_flag=True, help="The results as JSON.")
def command(
    *,
    runbooks: tuple[str, ...],
    every: bool,
    inventories: tuple[Path, ...],
    page_for_real: bool,
    junit: Path | None,
    as_json: bool,
    **options: bool,
) -> None:
    """Break a system as RUNBOOKS say under `drill`, and see whether they mend it. Nobody is called.

    Without -i a lab is started for it (see runbook lab), and ended afterwards. Production is refused.
    """
    tests = _tests(options)
    library = context.library(*runbooks[:1])
    sources, left_out = _chosen(library, runbooks, every=every)
    _confirm_calls(sources, page_for_real=page_for_real)
    state = context.state()
    context.recover_abandoned(state)
    began = context.clock()
    with _backend(inventories, library) as backend:
        asked = {"ask": options["ask"], "pages_for_real": page_for_real}
        results = list(do_drills(library, backend, state, sources, tests, **asked))
    recorded = recorded_drills(context.state_path(), context.clock())
    done = series(results, left_out, recorded, seconds=context.clock().since(began))
    stamp = f"{began.wall:%Y%m%dT%H%M%SZ}-{os.getpid()}"
    _finish(done, state.path / "drills" / stamp, junit, as_json=as_json)
    raise click.exceptions.Exit(_exit_code(done, tests))


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


def _chosen(library: Library, runbooks: Sequence[str], *, every: bool) -> tuple[list[Source], dict[str, str]]:
    if bool(runbooks) == every:
        raise click.UsageError("name runbooks, or --all of them")
    return drillable(library) if every else ([library.usable(name) for name in runbooks], {})


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
def _backend(inventories: tuple[Path, ...], library: Library) -> Iterator[Backend]:
    """The hosts that are named; those of a lab that goes with the block if none are."""
    if inventories:
        yield given(context.inventories(inventories, library))
        return
    with own_lab(library.root, cache_directory(os.environ) / "lab") as backend:
        yield backend


def _finish(done: DrillSeries, directory: Path, junit: Path | None, *, as_json: bool) -> None:
    """Write the report to `directory`, and for CI to `junit`; print where, and what came of it."""
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


def _exit_code(done: DrillSeries, tests: Sequence[DrillTest]) -> ExitCode:
    """Whether the drills passed. One that must fail does not; only with all three tests is it enough that it fails."""
    if any(result.is_interrupted for result in done.results):
        return ExitCode.INTERRUPTED
    passed = done.ok if len(tests) > 1 or tests[0] is DrillTest.AS_WRITTEN else not done.ok
    return ExitCode.DONE if passed else ExitCode.FAILED
