"""Picking from rows: by number on a terminal, by value in advance."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import click

from runner.cli.output.terminal import brief, safe
from runner.cli.prompts import checkboxes, keyboard
from runner.core.deferred import dataclass
from runner.core.errors import MistypedError
from runner.model.runbook import Runbook
from runner.model.step import Choice


@dataclass(frozen=True, slots=True)
class Picked:
    """What `--choose STEP.NAME[@HOST]=VALUE,...` picks in advance; without a host it counts for each."""

    step: str
    name: str
    host: str | None
    values: tuple[str, ...]


NONE = "none"
"""What `--choose STEP.NAME@HOST=none` picks."""


def check_picked(runbooks: Sequence[Runbook], picked: Sequence[Picked]) -> None:
    """That each choice of `picked` is one that `runbooks` ask for.

    Raises:
        MistypedError: one of them is not; the message says which there are.
    """
    choices = {f"{step.id}.{name}": None for book in runbooks for step in book.procedure for name in step.choose}
    for each in picked:
        if (name := f"{each.step}.{each.name}") not in choices:
            there = f"there is {', '.join(choices)}" if choices else f"{runbooks[0].id} has nothing to choose"
            raise MistypedError(f"--choose {name}: there is no such choice", hint=there)


def check_confirmed(runbooks: Sequence[Runbook], names: Sequence[str]) -> None:
    """That each step in `names` is one for which a person can vouch.

    Raises:
        MistypedError: one of them is not; the message says which there are.
    """
    steps = [step for runbook in runbooks for step in runbook.procedure]
    confirmable = dict.fromkeys(step.id for step in steps if step.manual or step.confirmations)
    for name in names:
        if name not in confirmable:
            there = f"there is {', '.join(confirmable)}" if confirmable else f"{runbooks[0].id} has nothing to confirm"
            raise MistypedError(f"--confirm {name}: no step of that name is done or confirmed by a person", hint=there)


def read_picked(texts: Sequence[str]) -> list[Picked]:
    """What the values of `--choose` mean.

    Raises:
        MistypedError: one of them is not written as it must be.
    """
    picked = []
    for text in texts:
        match = re.fullmatch(r"([a-z0-9-]+)\.([a-z0-9_]+)(?:@([^=]+))?=(.+)", text)
        if match is None:
            raise MistypedError(f"--choose {text}: write it as STEP.NAME=VALUE,VALUE or STEP.NAME@HOST=VALUE")
        picked.append(Picked(match[1], match[2], match[3], tuple(match[4].split(","))))
    return picked


def values_of(choice: Choice, captured: Mapping[str, Any]) -> list[Any]:
    """What can be picked on a host of which `captured` is known: a value for each row."""
    rows = captured.get(choice.from_, [])
    rows = rows if isinstance(rows, list) else [rows]
    return [row.get(choice.field) if choice.field and isinstance(row, Mapping) else row for row in rows]


def pick(values: Sequence[Any], wanted: Sequence[str], *, host: str) -> list[Any]:
    """The `values` that `wanted` names as text, in their own order; none where there are none, or for `NONE` alone.

    A row with several values is named by the first of them.

    Raises:
        MistypedError: one of the wanted is not there.
    """
    if not values or tuple(wanted) == (NONE,):
        return []
    names = [str(next(iter(value.values()), "") if isinstance(value, Mapping) else value) for value in values]
    there = dict.fromkeys(names)
    if strange := [word for word in wanted if word not in there]:
        raise MistypedError(
            f"--choose: {strange[0]} cannot be chosen on {host}",
            hint=f"there {'is' if len(there) == 1 else 'are'} {', '.join(there) or 'nothing'}",
        )
    return [value for name, value in zip(names, values, strict=True) if name in wanted]


def ask(
    rows: Sequence[Any], values: Sequence[Any], *, host: str, settled: Callable[[], bool] = lambda: False
) -> list[Any] | None:
    """What a person picks of `values`, which are shown by their `rows`; none is an answer, too.

    None, once the question is settled without one.
    """
    click.echo(f"  on {safe(host)}:", err=True)
    if rows and checkboxes.are_possible():
        ticked = checkboxes.tick([brief(row) for row in rows], settled=settled)
        picked = None if ticked is None else [values[number] for number in ticked]
        click.echo(f"    {brief(picked)}" if picked else "    nothing", err=True)
        return picked
    for number, row in enumerate(rows, 1):
        click.echo(f"    {number:3}  {brief(row)}", err=True)
    return _by_number(values, settled)


def _by_number(values: Sequence[Any], settled: Callable[[], bool]) -> list[Any] | None:
    """What is picked where a terminal can only show lines."""
    while (typed_ := keyboard.line("  Which? Numbers like 1,3-5, (a)ll or (n)one", settled=settled)) is not None:
        answer = typed_.strip().lower()
        if answer in {"a", "all"}:
            return list(values)
        if answer in {"n", "none"}:
            return []
        numbers = _numbers(answer, len(values))
        if numbers:
            return [values[number - 1] for number in numbers]
        click.echo(f"  Please type numbers from 1 to {len(values)}.", err=True)
    return None


def _numbers(text: str, most: int) -> list[int]:
    """The numbers that `text` names, in order; none when one of them is not from 1 to `most`."""
    numbers: set[int] = set()
    for word in filter(None, re.split(r"[,\s]+", text)):
        match = re.fullmatch(r"([0-9]{1,6})(?:-([0-9]{1,6}))?", word)
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
        if not 1 <= first <= last <= most:
            return []
        numbers |= set(range(first, last + 1))
    return sorted(numbers)
