"""Lint: what a runbook that loads may still have wrong, looked at together with its contacts and its files."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from runner.definition.catalog import Source, shown
from runner.definition.contacts import Contact
from runner.definition.finding import Finding, Level, Place
from runner.definition.step import Effect, Step
from runner.definition.yaml import load
from runner.steps.base import StepKind
from runner.steps.shell import Shell
from runner.tasks import expressions

LONGEST_PROCEDURE = 50

_Raw = tuple[Place, str, str, str, Level]


def lint(source: Source, contacts: Mapping[str, Contact]) -> list[Finding]:
    """Every finding about `source`, in the order of the file."""
    document = load(source.path.read_bytes(), file=shown(source.path))
    raw = (*_people(source, contacts), *_length(source), *_steps(source))
    return sorted(document.finding(place, rule, text, hint=hint, level=level) for place, rule, text, hint, level in raw)


def _people(source: Source, contacts: Mapping[str, Contact]) -> Iterator[_Raw]:
    known = f"contacts.yml knows {', '.join(contacts) or 'nobody'}"
    if source.runbook.owner not in contacts:
        yield ("owner",), "unknown-contact", f"nobody is called {source.runbook.owner!r}", known, Level.ERROR
    for number, name in enumerate(source.runbook.escalation.contacts):
        place = ("escalation", "contacts", number)
        if name not in contacts:
            yield place, "unknown-contact", f"nobody is called {name!r}", known, Level.ERROR
        elif not contacts[name].channels:
            yield place, "no-channel", f"{name!r} can not be called: no channel", "add one to contacts.yml", Level.ERROR


def _length(source: Source) -> Iterator[_Raw]:
    if len(source.runbook.steps) >= LONGEST_PROCEDURE:
        message = f"has {len(source.runbook.steps)} steps; nobody follows that at night"
        yield ("steps",), "too-long", message, "split it", Level.WARNING


def _steps(source: Source) -> Iterator[_Raw]:
    runbook = source.runbook
    for key, steps in (("prerequisites", runbook.prerequisites), ("steps", runbook.steps)):
        for number, step in enumerate(steps):
            yield from _step(source, step, (key, number))


def _step(source: Source, step: Step, place: Place) -> Iterator[_Raw]:
    if step.effect is Effect.DESTRUCTIVE and not (step.approve or step.undo):
        hint = "add `approve` or `undo`"
        yield place, "destructive-unguarded", "destroys, and nobody is asked before", hint, Level.WARNING
    actions = [(place, step.action), ((*place, "undo"), step.undo.action if step.undo else None)]
    for where, action in actions:
        if action and not action.human:
            yield from _action(source, step, action, where)


def _action(source: Source, step: Step, action: StepKind, place: Place) -> Iterator[_Raw]:
    try:
        action.invocation(step.timeout, source.read_file)
    except ValueError as error:
        yield (*place, action.key), "unusable-file", str(error), "", Level.ERROR
    for expression in _unquoted(action):
        hint = "give it through `env`, or add `| quote`"
        yield (*place, "shell"), "unquoted-value", f"{expression} is pasted into shell code", hint, Level.WARNING


def _unquoted(action: StepKind) -> list[str]:
    if not isinstance(action, Shell):
        return []
    return [f"{{{{ {found} }}}}" for found in expressions(action.shell) if not re.search(r"\|\s*quote$", found)]
