"""What is printed of drills: what happens while it happens, how each ended, and a table of many."""

import shlex
from collections.abc import Mapping, Sequence

import click

from runner.cli.output.table import draw
from runner.cli.output.terminal import fitting, lines_joined, safe, short
from runner.core import duration
from runner.core.wording import counted
from runner.library.runbook_source import Source
from runner.render.drills.drill_result import DrillMoment, DrillResult, DrillSeries, DrillVerdict, Training
from runner.services.drills.drill_plan import DrillPlan
from runner.services.drills.owed_faults import TakenBack

_FEW = 3
_TELLS_TOO_MUCH = frozenset({"test", "armed", "fault", "symptom", "proven"})
_WIDE = 160
_LABEL, _WORDS, _TIMED = 9, 11, 21
"""Columns of a label, of one of two words, and of one with a time before it."""
_COLOURS = {DrillVerdict.PASSED: "green", DrillVerdict.FAILED: "red", DrillVerdict.EXCEPTED: "yellow"}


def show_beginning(sources: Sequence[Source], backend: str, *, hidden: bool = False) -> None:
    """Print what is about to be done, and that it hurts nobody; `hidden` is of which runbook the drill is."""
    if hidden:
        click.echo(f"drill    on {safe(backend)}: something is broken on purpose; nobody is called", err=True)
        return
    names = ", ".join(f"{source.id} {source.runbook.title}" for source in sources[:_FEW])
    more = f" and {len(sources) - _FEW} more" if len(sources) > _FEW else ""
    click.echo(f"drill    {safe(names)}{more}", err=True)
    promise = "it is broken on purpose, its runbook mends it, and a probe watches; nobody is called"
    click.echo(fitting(f"         on {safe(backend)}: {promise}", _LABEL), err=True)


def show_plans(plans: Sequence[DrillPlan], *, hidden: bool = False) -> None:
    """Print what drills do to hosts that were there before: what is broken, for how long, and how it is taken back.

    `hidden` is what is broken from somebody who is to find that out.
    """
    for plan in plans:
        if hidden:
            click.echo(
                f"plan     something is broken on hosts of class {plan.environment}, for {_ends(plan)}", err=True
            )
            continue
        click.secho(
            f"plan     {plan.name} {safe(plan.title)}, on hosts of class {plan.environment}", bold=True, err=True
        )
        for word, steps in (("breaks", plan.breaks), ("takes back", plan.takes_back)):
            for step in steps:
                click.echo(f"         {word:11} {safe(step.name)}  on {', '.join(map(safe, step.hosts))}", err=True)
                click.echo(f"         {'':11} {short(lines_joined(step.does), _WIDE)}", err=True)
                if step.destroys and word == "breaks":
                    click.secho(f"         {'':11} destroys data: {safe(step.destroys)}", fg="red", err=True)
        click.echo(f"         {'for':11} {_ends(plan)}", err=True)
        if plan.tells:
            click.echo(f"         {'tells':11} {', '.join(map(safe, plan.tells))}, before and after", err=True)
        for remark in plan.remarks:
            click.echo(f"         {'not known':11} {safe(remark)}", err=True)


def _ends(plan: DrillPlan) -> str:
    """How what `plan` breaks is taken back."""
    longest = f"{duration.show(plan.at_most)} at most"
    if plan.undos:
        return f"{longest}; then each host takes it back by itself, also when this command has died"
    return "as long as the drill lasts" if plan.takes_back else "good: nothing is taken back"


def show_taken_back(drills: Sequence[TakenBack]) -> None:
    """Print what became of the faults of drills that have died."""
    for drill in drills:
        name = f"the drill {drill.run} of {drill.runbook}, which had died,"
        for host in drill.hosts:
            if why := drill.left.get(host):
                click.secho(f"error: {name} is not taken back on {safe(host)}: {safe(why)}", fg="red", err=True)
                itself = f"if it was not reached, {safe(host)} does so by itself at {drill.until[:19]} UTC"
                click.echo(f"hint: runbook drill stop tries again; {itself}", err=True)
            else:
                click.echo(f"undone   {name} on {safe(host)}", err=True)


def show_moment(moment: DrillMoment) -> None:
    """Print what happens now."""
    click.echo(fitting(f"{moment.at:6.1f}s  {moment.word:<11} {safe(moment.text)}", _TIMED), err=True)


def quiet_moment(moment: DrillMoment) -> None:
    """Print what happens now to somebody who is trained: nothing that would tell them what is broken."""
    if moment.word not in _TELLS_TOO_MUCH:
        show_moment(moment)


def show_ways(ways: Mapping[str, Sequence[str]]) -> None:
    """Print how each host is reached from another terminal."""
    for host, words in ways.items():
        click.echo(f"reach    {safe(host)}: {safe(shlex.join(words) or 'this machine')}", err=True)


def show_training(training: Training, *, passed: bool, err: bool) -> None:
    """Print what somebody did who was trained, and whether it counts; as messages where `err`."""
    for each in training.steps:
        how = "by yourself" if each.own else "told what to type"
        wrong = f", {counted(each.wrong, 'wrong turn')}" if each.wrong else ""
        seen = "" if each.verified else ", nothing looks at it"
        click.echo(fitting(f"step     {each.seconds:6.1f} s  {safe(each.name)}: {how}{wrong}{seen}", _LABEL), err=err)
    for name in training.astray:
        click.echo(f"astray   {safe(name)} was not the runbook for it", err=err)
    share = f"by yourself {training.own} of {len(training.seen)} steps that were looked at ({training.share:.0%})"
    counts = "it counts" if passed and training.counts else f"it does not count: {_why_not(training, passed=passed)}"
    line = f"graded   {share}, in {training.seconds:.0f} s, {counted(training.wrong_turns, 'wrong turn')}; {counts}"
    click.echo(fitting(line, _LABEL), err=err)


def _why_not(training: Training, *, passed: bool) -> str:
    if training.gave_up:
        return "you did not come to its end"
    if not training.seen:
        return "no step of it could be looked at"
    return "most steps were told" if passed else "the system was not well and proven"


def show_result(result: DrillResult, *, err: bool) -> None:
    """Print how a test of a drill ended, and where the report of its run is; as messages where `err`."""
    line = f"{result.verdict.upper():8} {result.name}, {result.test}: {_why(result)}"
    click.secho(fitting(line, _LABEL), fg=_COLOURS[result.verdict], err=err)
    if result.report:
        click.echo(f"report   {safe(result.report)}", err=err)


def _why(result: DrillResult) -> str:
    if result.reasons:
        return safe("; ".join(result.reasons))
    promise = "somebody mended by hand what was broken" if result.training else result.test.promise
    return ", ".join([promise, *measures(result)])


def measures(result: DrillResult) -> list[str]:
    """What was measured, in words."""
    named = {"seen": result.detect, "alerted": result.alert, "well again": result.recover, "outage": result.outage}
    after = {"seen": "after", "alerted": "after", "well again": "after", "outage": "of"}
    words = [f"{name} {after[name]} {value:.1f} s" for name, value in named.items() if value is not None]
    return [*words, f"{result.asked} answers, {result.bad} of them bad"] if result.asked else words


def show_calls(result: DrillResult) -> None:
    """Print whom the run would have called."""
    for each in result.calls:
        by = f" by {', '.join(each.channels)}" if each.channels else ""
        text = f"{each.action} to {safe(each.contact)}{by}: {safe(each.summary)}"
        click.echo(fitting(f"{'':7}  {'not sent':<11} {text}", _TIMED), err=True)


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
    never = {name: checks for name, checks in done.never_red.items() if checks}
    if len(never) > _FEW:
        checks = counted(sum(map(len, never.values())), "verification")
        click.echo(f"never red  {checks} of {len(never)} runbooks, which the page names", err=True)
        never = {}
    for name, names in never.items():
        click.echo(fitting(f"never red  {name}, no test has seen these fail: {', '.join(names)}", _WORDS), err=True)
    for name, why in done.left_out.items():
        click.echo(fitting(f"left out   {name}: {safe(why)}", _WORDS), err=True)
    good = sum(result.ok for result in done.results)
    click.echo(f"{good} of {len(done.results)} as they must be, in {done.seconds:.0f} s", err=True)


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.1f} s"
