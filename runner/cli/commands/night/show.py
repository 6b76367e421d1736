"""`runbook show`: Show a runbook, or the report of a run."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from runner.cli import context
from runner.cli.output.pager import paged
from runner.cli.output.table import print_json
from runner.cli.output.terminal import lines_joined, safe, short
from runner.core.errors import InvalidInputError
from runner.core.identifiers import LAST, RUNBOOK_ID, is_run_id
from runner.core.templates import as_title
from runner.kinds.steps.base import StepKind
from runner.library.runbook_source import Source
from runner.model.escalation_policy import in_words
from runner.model.input import Input
from runner.model.procedure.step_numbers import Heading, NumberedStep, tree
from runner.model.runbook import Exclusion
from runner.model.step import Approval, Step
from runner.render import report


@click.command("show")
@click.argument("shown", metavar="NAME")
@click.option(
    "--format",
    "form",
    type=click.Choice(report.FORMATS),
    help="The format of a run's report.  [default: text on a terminal, md in a pipe]",
)
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def command(shown: str, *, form: str | None, as_json: bool) -> None:
    """Show the runbook NAME (RUN-001, or a file), or the report of the run NAME (its id, or `last`)."""
    if is_run_id(shown) or shown == LAST:
        from runner.services.run_list import find_run, run_report  # noqa: PLC0415 - it imports all that tells of runs

        state = context.recorded()
        run = find_run(state, shown)
        chosen = "json" if as_json else form
        _show_report(run_report(state, run.path.name, context.clock(), chosen or "md"), drawn=not chosen)
        return
    if not (re.fullmatch(RUNBOOK_ID, shown) or Path(shown).is_file()):
        raise InvalidInputError(
            f"{shown!r} is neither a runbook (an id like RUN-001, or a file) nor a run (its id, or `last`)",
            hint="runbook list shows the runbooks, runbook list --runs the runs",
        )
    source = context.library(shown).source(shown)
    if as_json:
        print_json(_as_data(source))
    else:
        with paged():
            _show(source)


def _show_report(text: str, *, drawn: bool) -> None:
    """Print the report; where it may be `drawn`, as it looks best on a terminal."""
    text = safe(text, lines=True)
    drawn = drawn and sys.stdout.isatty()  # what a pager takes is no terminal
    with paged():
        click.echo(_drawn(text) if drawn else text, nl=False)


def _drawn(markdown: str) -> str:
    """`markdown` as it looks best on this terminal."""
    from rich.console import Console  # noqa: PLC0415 - only a terminal pays for it
    from rich.markdown import Markdown  # noqa: PLC0415

    console = Console(file=sys.__stdout__)
    with console.capture() as drawn:
        console.print(Markdown(markdown, hyperlinks=False))
    return drawn.get()


def _as_data(source: Source) -> dict[str, Any]:
    """The runbook for programs: what it is, the inputs that it takes, and its steps."""
    runbook = source.runbook
    written = runbook.model_dump(mode="json", exclude={"prerequisites", "steps", "on_cancel", "drill"}, by_alias=True)
    inputs = {name: _input(item) for name, item in runbook.inputs.items()}
    steps = {
        key: [_step_data(step, source.written_in(key, number)) for number, step in enumerate(getattr(runbook, key))]
        for key in ("prerequisites", "steps")
    }
    return {**written, "inputs": inputs, **steps}


def _input(item: Input) -> dict[str, Any]:
    data = item.model_dump(mode="json", exclude_none=True, exclude_defaults=True)
    return {"type": item.type, "required": item.default is None, "takes": item.takes, **data}


def _step_data(step: Step, written_in: str) -> dict[str, Any]:
    shared = {"written_in": written_in} if written_in else {}
    does = {step.action.key: step.action.describe()} if step.action else {}
    verify = [item.says for item in step.verify]
    where = shared | ({"on": step.on} if step.on else {}) | ({"only_if": step.only_if} if step.only_if else {})
    where |= {"branch": f"{step.branch.of}: {step.branch.condition}"} if step.branch and step.branch.condition else {}
    where |= {"each": step.each.describe()} if step.each else {}
    return {"id": step.id, "name": step.name, "effect": str(step.effect), **where, **does, "verify": verify}


def _show(source: Source) -> None:
    runbook = source.runbook
    click.secho(f"{runbook.id} {safe(runbook.title)}", bold=True)
    if old := runbook.deprecated:
        instead = f"; use {old.replaced_by}" if old.replaced_by else ""
        click.secho(f"  {safe(old.says)}{instead}", fg="yellow", bold=True)
    trigger = " ".join(filter(None, (runbook.trigger.alert, runbook.trigger.condition, runbook.trigger.event)))
    facts = {"category": runbook.category, "severity": runbook.severity, "owner": runbook.owner, "trigger": trigger}
    for key, value in {**facts, "hosts": runbook.hosts, "links": ", ".join(runbook.links)}.items():
        if value:
            click.echo(f"  {key:9} {safe(str(value))}")
    _section("handles", runbook.scope.handles)
    _section("does not handle", [_exclusion(item) for item in runbook.scope.excludes])
    _section(
        "inputs",
        [
            f"{name} ({', '.join([item.type, *item.limits, _default(item)])}): {item.help}"
            for name, item in runbook.inputs.items()
        ],
    )
    _section(
        "prerequisites",
        [
            f"{step.name}{_from(source.written_in('prerequisites', number))}"
            for number, step in enumerate(runbook.prerequisites)
        ],
    )
    click.secho("steps", bold=True)
    for item in tree(runbook.steps):
        _step(item, source.written_in("steps", item.at))
    policy = runbook.escalation
    _section("escalate when", [in_words(item) for item in policy.when])
    _section("call", policy.contacts)
    _section("provide", policy.provide)
    _section("follow up", [item if isinstance(item, str) else item.do for item in runbook.follow_up])


def _from(written_in: str) -> str:
    return f"  from {written_in}" if written_in else ""


def _step(item: NumberedStep, written_in: str) -> None:
    step, indent = item.step, "   " * item.depth
    asks = step.branch is not None and step.branch.asks
    name = item.heading.text if item.heading and asks else step.name
    if item.heading and not asks:
        _heading(item.heading)
    where = f"  on {step.on}" if step.on else ""
    click.echo(f"  {indent}{item.label:>2} {safe(name)}  [{step.effect}]{where}  ({step.id}){_from(written_in)}")
    for label, text in (*_needs(step), *_does_and_proves(step)):
        click.echo(f"{indent}       {label:6} {safe(text)}")
    for heading in item.closing:
        _heading(heading)


def _needs(step: Step) -> Iterator[tuple[str, str]]:
    """What is said of a step before it is done, each with its label."""
    if step.only_if and not (step.branch and step.branch.asks):
        yield "only", f"if {as_title(step.only_if)}"
    if step.why:
        yield "why", step.why
    if step.each:
        yield "each", short(safe(step.each.describe()), 160)
    if step.approve:
        yield "asks", step.approve.says + _of_whom(step.approve)


def _does_and_proves(step: Step) -> Iterator[tuple[str, str]]:
    """What it does, how one sees that it worked, and what follows where it did not."""
    branch = step.branch
    if branch and branch.stops:
        yield "stop", branch.stops
        return
    if step.action and not (branch and branch.decides):
        yield step.action.key, _does(step.action)
        yield from (("", line) for line in step.action.details())
    if step.computes:
        yield from (("keep", f"{name} = {expression}") for name, expression in step.capture.items())
    if not (branch and (branch.asks or branch.decides)):
        yield from (("verify", verification.says) for verification in step.verify)
    if step.undo:
        yield "undo", _does(step.undo.action)
    yield "fails", f"{step.on_failure}"


def _heading(heading: Heading) -> None:
    click.echo(f"  {'   ' * heading.depth}{heading.label:>2} {safe(heading.text)}")


def _does(action: StepKind) -> str:
    """What `action` does in one line, in which two commands do not look like one."""
    return short(lines_joined(action.describe()), 160)


def _of_whom(approval: Approval) -> str:
    """Who must say yes, where that is more than anybody at the prompt."""
    group = f"of {approval.group}" if approval.group else ""
    number = f"{approval.min} {'person' if approval.min == 1 else 'people'}" if approval.min > 1 or group else ""
    return f" ({' '.join(filter(None, [number, group]))})" if number else ""


def _section(title: str, items: object) -> None:
    lines = list(items) if isinstance(items, list | tuple) else []
    if lines:
        click.secho(title, bold=True)
        for item in lines:
            click.echo(f"  - {safe(str(item))}")


def _exclusion(item: Exclusion | str) -> str:
    return item if isinstance(item, str) else item.what + (f" (see {item.see})" if item.see else "")


def _default(item: Input) -> str:
    return "required" if item.default is None else f"default {item.default}"
