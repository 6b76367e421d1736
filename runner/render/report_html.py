"""A report as Markdown, HTML or JSON, in which nothing that a host said can be more than text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from jinja2 import Template
from markupsafe import Markup, escape

from runner.approvals.gate_context import GateContext, describe
from runner.channels.base import WORDS
from runner.core import duration
from runner.core.events import Outcome
from runner.core.wording import in_one_line
from runner.render.handoff.hand_off import hand_off, missing
from runner.render.history.headline import headline
from runner.render.history.step_history import Action, HostHistory, numbers
from runner.render.markup import markdown, one_line, template_environment, untagged, visible

if TYPE_CHECKING:
    from runner.render.history.run_history import RunHistory

_BRIEF = 500
_BREAK = "\n"
_WIDTH, _HEIGHT = 120, 24


def render(run: RunHistory, form: str) -> str:
    """The report as `md`, `html` or `json`, or the hand-off as `handoff`."""
    if form == "json":
        more = {"headline": headline(run), "missing": missing(run)}
        return json.dumps({**more, **asdict(run)}, indent=2, default=_plain) + "\n"
    if form == "handoff":
        return report_template(form).render(run=run, packet=hand_off(run.run, run, run.provide))
    return report_template(form).render(report=run, headline=headline(run), missing=missing(run))


def _plain(value: Any) -> str:
    return clock(value) if isinstance(value, datetime) else str(value)


@cache
def report_template(form: str) -> Template:
    """The template of the report as `md` or `html`, or of the `handoff`."""
    text = {"md": markdown, "handoff": untagged}.get(form, one_line)
    environment = template_environment("runner.render", html=form == "html", text=text)
    every = (brief, listed, points, trend, clock, lasted, fenced, label, together, block, seen, labelled, itemized)
    environment.filters |= {each.__name__: each for each in (*every, purpose, typed)}
    environment.globals |= {"width": _WIDTH, "height": _HEIGHT}
    return environment.get_template("handoff.md.j2" if form == "handoff" else f"report.{form}.j2")


def brief(value: Any) -> str:
    """The same, cut where nobody would read on."""
    text = one_line(value)
    whole = len(text) <= _BRIEF
    return text if whole else f"{text[:_BRIEF]} … (the whole, of {len(text):,} characters, is in the JSON)"


def clock(time: datetime) -> str:
    """When, to the millisecond."""
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def lasted(seconds: float) -> str:
    """How long."""
    long = seconds >= 60  # noqa: PLR2004 - from a minute on nobody needs the tenth
    return duration.whole(seconds) if long else f"{seconds:.1f}s"


def label(key: str) -> str:
    """The name of a fact, for people."""
    words = key.replace("_", " ")
    return (words[:1].upper() + words[1:]).replace("sha256", "SHA-256")


def block(text: str) -> Markup:
    """`text`, whose line breaks count, as HTML."""
    return escape(visible(text, kept=_BREAK, instead=" "))


def typed(command: str) -> Markup:
    """`command` as it is typed, for where Markdown takes a line for code."""
    return Markup(one_line(command))  # noqa: S704 - an indented line, which nothing in it can end


def fenced(text: str) -> Markup:
    """`text` as a block of Markdown that nothing in it can end."""
    marks = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    return Markup(f"{marks}text\n{visible(text, kept=_BREAK, instead=' ')}\n{marks}")  # noqa: S704 - Markdown, for a block that nothing in it can end


def seen(context: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What people saw of a question, in lines of a label and a text: the same as on every front end."""
    try:
        return describe(GateContext.read(context))
    except ValueError:  # it was too long for the log, or an earlier version asked
        shown = {key: value for key, value in context.items() if value not in (None, "", [], {}, False)}
        return [(key, brief(value)) for key, value in shown.items()]


def labelled(lines: Iterable[tuple[str, str]]) -> str:
    """Lines of a label and a text each, as a terminal shows them."""
    return "\n".join(f"{label:9}{text}".rstrip() for label, text in lines)


def together(hosts: Mapping[str, HostHistory]) -> list[tuple[list[str], Action]]:
    """What was done, each with the hosts on which just that was and came to the same; what did not pass comes first."""
    found: dict[tuple[Any, ...], tuple[list[str], Action]] = {}
    for name, host in hosts.items():
        if act := host.action:
            same = (act.outcome, act.command, act.exit_code, act.output)
            found.setdefault(same, ([], act))[0].append(name)
    return sorted(found.values(), key=lambda each: each[1].outcome == Outcome.PASSED)


def itemized(value: Any) -> list[str]:
    """`value` in lines: one for each item, or for each host."""
    if isinstance(value, Mapping):
        return [f"{key}: {in_one_line(item)}" for key, item in value.items()]
    return [in_one_line(item) for item in value] if isinstance(value, list) else [in_one_line(value)]


def purpose(action: str) -> str:
    """What a page with this action is for."""
    return {str(known): words for known, words in WORDS.items()}.get(action, action)


def listed(values: Iterable[Any]) -> str:
    """`values`, separated by commas."""
    return ", ".join(map(one_line, values)) if isinstance(values, list | tuple) else one_line(values)


def trend(samples: Sequence[str]) -> str:
    """What the first and the last of `samples` saw, as a number where each of them is about one."""
    values = numbers(samples)
    first, last = (f"{values[0]:g}", f"{values[-1]:g}") if values else (one_line(samples[0]), one_line(samples[-1]))
    return f"{first} to {last} in {len(samples)} samples"


def points(samples: Sequence[str]) -> str:
    """The line through the numbers of `samples`, as SVG has it; empty where there is nothing to draw."""
    values = numbers(samples)
    if len(set(values)) < 2:  # noqa: PLR2004 - a line has two ends
        return ""
    low, high = min(values), max(values)
    step = _WIDTH / (len(values) - 1)
    heights = [2 + (_HEIGHT - 4) * (high - value) / (high - low) for value in values]
    return " ".join(f"{position * step:.1f},{height:.1f}" for position, height in enumerate(heights))
