"""What is printed of drills: what happens while it happens, how each ended, and a table of many."""

from __future__ import annotations

from collections.abc import Sequence

import click

from runner.cli.output.table import draw
from runner.cli.output.terminal import safe
from runner.library.library import Source
from runner.render.drills.drill_result import DrillMoment, DrillResult, DrillSeries, DrillVerdict

_FEW = 3
_COLOURS = {DrillVerdict.PASSED: "green", DrillVerdict.FAILED: "red", DrillVerdict.EXCEPTED: "yellow"}


def show_beginning(sources: Sequence[Source], backend: str) -> None:
    """Print what is about to be done, and that it hurts nobody."""
    names = ", ".join(f"{source.id} {source.runbook.title}" for source in sources[:_FEW])
    more = f" and {len(sources) - _FEW} more" if len(sources) > _FEW else ""
    click.echo(f"drill    {safe(names)}{more}", err=True)
    promise = "it is broken on purpose, its runbook mends it, and a probe watches; nobody is called"
    click.echo(f"         on {safe(backend)}: {promise}", err=True)


def show_moment(moment: DrillMoment) -> None:
    """Print what happens now."""
    click.echo(f"{moment.at:6.1f}s  {moment.word:<11} {safe(moment.text)}", err=True)


def show_result(result: DrillResult) -> None:
    """Print how a test of a drill ended, and where the report of its run is."""
    click.secho(f"{result.verdict.upper():8} {result.name}, {result.test}: {_why(result)}", fg=_COLOURS[result.verdict])
    if result.report:
        click.echo(f"report   {safe(result.report)}")


def _why(result: DrillResult) -> str:
    if result.reasons:
        return safe("; ".join(result.reasons))
    return ", ".join([result.test.promise, *measures(result)])


def measures(result: DrillResult) -> list[str]:
    """What was measured, in words."""
    named = {"seen": result.detect, "well again": result.recover, "outage": result.outage}
    after = {"seen": "after", "well again": "after", "outage": "of"}
    words = [f"{name} {after[name]} {value:.1f} s" for name, value in named.items() if value is not None]
    return [*words, f"{result.asked} answers, {result.bad} of them bad"] if result.asked else words


def show_calls(result: DrillResult) -> None:
    """Print whom the run would have called."""
    for each in result.calls:
        by = f" by {', '.join(each.channels)}" if each.channels else ""
        click.echo(
            f"{'':7}  {'not sent':<11} {each.action} to {safe(each.contact)}{by}: {safe(each.summary)}", err=True
        )


def show_series(done: DrillSeries) -> None:
    """Print a line for each drill and test, what was never red, and what was left out."""
    rows = [
        {
            "drill": result.name,
            "test": str(result.test),
            "verdict": str(result.verdict),
            "detect": _seconds(result.detect),
            "recover": _seconds(result.recover),
            "outage": _seconds(result.outage),
            "took": _seconds(result.seconds),
        }
        for result in done.results
    ]
    draw(rows, empty="no drill was done")
    for name, checks in done.never_red.items():
        if checks:
            click.echo(f"never red  {name}: {', '.join(checks)}", err=True)
    for name, why in done.left_out.items():
        click.echo(f"left out   {name}: {safe(why)}", err=True)
    good = sum(result.ok for result in done.results)
    click.echo(f"{good} of {len(done.results)} as they must be, in {done.seconds:.0f} s", err=True)


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.1f} s"
