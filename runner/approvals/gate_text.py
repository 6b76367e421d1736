"""The description of a question in words, the same on every front end and in the report."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from runner.approvals.gate_context import GateContext, HostAction
from runner.core import duration
from runner.core.wording import FEW, grouped, in_one_line

CROSSING = "nothing undoes this step"

Line = tuple[str, str]
"""A label of one word, empty where a line goes on, and the text that stands beside it."""


def describe(context: GateContext, *, until: datetime | None = None) -> list[Line]:
    """All of `context` in lines; `until` is when it is too late to say yes."""
    return [
        (label if not number else "", line)
        for label, text in _parts(context, until)
        for number, line in enumerate(text.splitlines() or [""])
    ]


def _parts(context: GateContext, until: datetime | None) -> Iterator[Line]:
    reason = f": {context.reason}" if context.reason else ""
    yield "run", f"{context.run} of {context.runbook} {context.title}"
    yield "in", f"{context.environment}{reason}"
    yield "by", ", then ".join(context.starters)
    yield "step", f"{context.name} ({context.step})"
    if context.why:
        yield "why", context.why
    if context.only_if:
        yield "needed", f"because {' '.join(context.only_if.split())}"
    if context.effect:
        yield "effect", context.effect + (f"; undo: {context.undo}" if context.undo else "")
    if context.crossing:
        yield "WARNING", CROSSING
    yield from _hosts(context)
    for name, value in context.inputs.items():
        yield "input", f"{name} = {in_one_line(value)}"
    for says in context.verifications:
        yield "check", says
    yield context.kind, context.text
    yield "answers", _who(context, until)
    for item in context.missing:
        yield "LACKS", item
    yield "subject", context.subject[:12]


def _hosts(context: GateContext) -> Iterator[Line]:
    """Hosts on which the very same is done stand together; how each is reached stands beside its name."""
    for text, hosts in grouped((action.text, _reached(host, action)) for host, action in context.hosts.items()).items():
        yield "on", ", ".join(hosts)
        if text:
            yield "does", text
    for host, action in context.hosts.items():
        for name, value in action.captured.items():
            yield "uses", f"{host}: {_named(name, value)}"


def _reached(host: str, action: HostAction) -> str:
    settings = [
        f"{name.removeprefix('ansible_')}={in_one_line(value)}"
        for name, value in action.connection.items()
        if name not in {"ansible_host", "ansible_port", "ansible_ssh_host", "ansible_ssh_port"}
    ]
    where = action.on or host
    address = [] if action.address == where else [action.address]
    around = ", ".join((*address, *settings))
    name = f"{action.on}, for {host}" if action.on else host
    return f"{name} ({around})" if around else name


def _who(context: GateContext, until: datetime | None) -> str:
    people = "1 person" if context.min == 1 else f"{context.min} different people"
    group = f" of {context.group} ({', '.join(context.members)})" if context.group else ""
    eyes = f", not {' or '.join(context.starters)}" if context.four_eyes else ""
    within = f", within {duration.show(timedelta(seconds=context.expires))}" if context.expires else ""
    end = f" (until {until:%Y-%m-%d %H:%M:%S} UTC)" if until else ""
    return f"{people}{group}{eyes}{within}{end}"


def _named(name: str, value: Any) -> str:
    """The value with its name; many values are counted by it."""
    many = isinstance(value, list) and len(value) > FEW
    return in_one_line(value, things=name) if many else f"{name} = {in_one_line(value)}"
