"""`run: RUN-032` as a step: which runbooks it leads to, whether these come to an end, and what they capture."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from runner.core.templates import as_title, literal
from runner.kinds.values import OtherRunbook
from runner.model.runbook import Runbook
from runner.model.step import Step
from runner.model.yaml.finding import Place, did_you_mean, quoted

DEEPEST = 3
"""How many runs may be within each other: the one that somebody has started, and those of its steps below."""


def faults(runbook: Runbook, step: Step, find: Callable[[str], Runbook | None]) -> Iterator[tuple[Place, str]]:
    """What is wrong with the runbook that does `step` of `runbook`, each with the keys of the step where it stands.

    `find` gives the runbook with an id; None where it cannot be used, of which others tell.
    """
    called = find(step.runs.run) if step.runs else None
    if called is None:
        return
    for line in _lines(called, (runbook.id, called.id), find):
        if line[-1] in line[:-1]:
            yield ("run",), f"leads back to {line[-1]}: {' runs '.join(line)}"
        elif len(line) > DEEPEST:
            yield ("run",), f"is too deep: {' runs '.join(line)}; at most {DEEPEST} runbooks may be within each other"
    known = {name for each in called.procedure for name in (*each.capture, *each.choose)}
    for name, wanted in step.capture.items():
        if wanted not in known:
            hint = did_you_mean(wanted, sorted(known))
            yield ("capture", name), f"{called.id} captures no {quoted(wanted)}" + (f"; {hint}" if hint else "")


def in_lines(step: Step, find: Callable[[str], Runbook | None], known: Mapping[str, Any]) -> tuple[str, ...]:
    """What another runbook does for `step`, as it is written: itself, then each of its steps.

    It is told with the values of those of its inputs that are `known` here by now; the rest is still to be captured.
    """
    called = find(step.runs.run) if step.runs else None
    if step.runs is None or called is None:
        return ()
    lines = [step.runs.in_words(known)]
    inner = _known_inside(called, step.runs, known)
    for each in (each for each in called.steps if each.action):
        first, *below = in_lines(each, find, inner) or (_does(each),)
        lines += [f"  {each.name}: {' '.join(first.split())}", *(f"    {line}" for line in _around(each))]
        lines += [f"  {line}" for line in below]
    return tuple(lines)


def _known_inside(called: Runbook, runs: OtherRunbook, known: Mapping[str, Any]) -> dict[str, Any]:
    """The values of its inputs that a runbook would have, as far as these are known here, and no secret."""
    defaults = {name: item.default for name, item in called.inputs.items() if item.default is not None}
    hidden = called.secrets | {name for name, here in runs.references().items() if here not in known}
    return {name: value for name, value in (defaults | runs.given(known)).items() if name not in hidden}


def _does(step: Step) -> str:
    """What a step does, as it is written; of a diagnosis what people have written of it."""
    if step.branch and step.branch.decides:
        return "; ".join(f"{letter} {when}" for letter, when in step.branch.branches.items())
    if step.branch and step.branch.stops:
        return f"end the run here: {step.branch.stops}"
    return step.action.describe() if step.action else ""


def _around(step: Step) -> Iterator[str]:
    """Where it is done, for what, what is asked before, and what takes it back: a line for each."""
    if step.only_if and not (step.branch and step.branch.asks):
        yield f"only if {as_title(step.only_if)}"
    if step.each:
        yield step.each.describe()
    if step.on:
        yield f"on {step.on}"
    if step.approve:
        yield f"asks {step.approve.says}"
    if step.undo:
        yield f"undo {' '.join(step.undo.action.describe().split())}"


def all_steps(step: Step, find: Callable[[str], Runbook | None]) -> Iterator[Step]:
    """`step`, and each step of the runbook that does it, and of those below."""
    yield step
    called = find(step.runs.run) if step.runs else None
    for each in called.steps if called else ():
        yield from all_steps(each, find)


def patterns(runbook: Runbook, find: Callable[[str], Runbook | None]) -> Iterator[str]:
    """The host patterns of the runbooks that do steps of `runbook`, and of those below."""
    for step in runbook.procedure:
        if step.runs and (called := find(step.runs.run)):
            yield from map(called.hosts_of, called.procedure)
            yield from patterns(called, find)


def by_hand(runbook: Runbook, step: Step) -> str:
    """What a person does in the place of the product, where plain Ansible comes to `step`: templates for a prompt."""
    if step.runs is None:
        return ""
    references = step.runs.references()
    open_ones = [name for name in step.runs.inputs if references.get(name) not in runbook.secrets]
    values = ", ".join(f"'{name}': {references.get(name) or literal(step.runs.inputs[name])}" for name in open_ones)
    given = f" -e '{{{{ {{{values}}} | to_json }}}}'" if values else ""
    secrets = " -e @FILE" if len(open_ones) < len(step.runs.inputs) else ""
    hosts = "{{ ansible_play_hosts | join(',') }}"
    command = f"ansible-playbook -i INVENTORY {step.runs.run}.yml --limit '{hosts}'{given}{secrets}"
    return f"Do {step.runs.run} in another terminal, on these hosts only, and go on when it has passed:\n{command}"


def _lines(runbook: Runbook, line: tuple[str, ...], find: Callable[[str], Runbook | None]) -> Iterator[tuple[str, ...]]:
    """Each line of runbooks that run each other, from the first of `line` to one that runs no other, or is too much."""
    below = [found for step in runbook.procedure if step.runs and (found := find(step.runs.run))]
    if line[-1] in line[:-1] or len(line) > DEEPEST or not below:
        yield line
        return
    for found in below:
        yield from _lines(found, (*line, found.id), find)
