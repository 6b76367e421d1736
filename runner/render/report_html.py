"""A report as Markdown, HTML or JSON, in which nothing that a host said can be more than text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from functools import cache
from html import escape
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from runner.approvals.gate_context import GateContext
from runner.approvals.gate_text import describe
from runner.core import duration
from runner.core.events import Outcome
from runner.render.history.headline import headline
from runner.render.history.step_history import Action, HostHistory

if TYPE_CHECKING:
    from runner.render.history.run_history import RunHistory

_MARKDOWN = re.compile(r"[\\|<>&\[\]`*]")
_BEGINS_BLOCK = re.compile(r"^(?:([0-9]{1,9}(?=[.)](?:\s|$)))|(?=(?:[-+_=~]|#{1,6})(?:\s|$)|[-_=~]{2}))(.)")
"""What makes a line a heading, an item of a list, or a rule."""
_BRIEF = 500
_WIDTH, _HEIGHT = 120, 24


def render(run: RunHistory, form: str) -> str:
    """The report as `md`, `html` or `json`."""
    if form == "json":
        return json.dumps({"headline": headline(run), **asdict(run)}, indent=2, default=_plain) + "\n"
    template = _environment(html=form == "html").get_template(f"report.{form}.j2")
    return template.render(report=run, headline=headline(run))


def _plain(value: Any) -> str:
    return clock(value) if isinstance(value, datetime) else str(value)


@cache
def _environment(*, html: bool) -> Environment:
    environment = Environment(
        loader=PackageLoader("runner.render"),
        autoescape=html,  # noqa: S701 - Markdown has marks of its own, which `cell` escapes
        # Whatever the template prints goes through here; what is HTML already has come from the template itself.
        finalize=lambda value: value if hasattr(value, "__html__") else (text if html else cell)(value),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"brief": brief, "listed": listed, "points": points, "trend": trend, "clock": clock}
    environment.filters |= {"lasted": lasted, "fenced": fenced, "label": label, "together": together}
    environment.filters |= {"block": block, "seen": seen}
    environment.globals |= {"width": _WIDTH, "height": _HEIGHT}
    return environment


def text(value: Any) -> str:
    """`value` in one line, without characters that do not show or change how others do."""
    said = value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)
    return " ".join("".join(character if character.isprintable() else " " for character in said).split())


def brief(value: Any) -> str:
    """The same, cut where nobody would read on."""
    said = text(value)
    return (
        said if len(said) <= _BRIEF else f"{said[:_BRIEF]} … (the whole, of {len(said):,} characters, is in the JSON)"
    )


def cell(value: Any) -> str:
    """The same as the content of a Markdown table's cell or line, in which Markdown and HTML mean nothing."""
    said = _MARKDOWN.sub(lambda mark: f"\\{mark[0]}", text(value))
    return _BEGINS_BLOCK.sub(lambda match: f"{match[1] or ''}\\{match[2]}", said)


def clock(time: datetime) -> str:
    """When, to the millisecond."""
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def lasted(seconds: float) -> str:
    """How long."""
    long = seconds >= 60  # noqa: PLR2004 - from a minute on nobody needs the tenth
    return duration.show(timedelta(seconds=round(seconds))) if long else f"{seconds:.1f}s"


def label(key: str) -> str:
    """The name of a fact, for people."""
    words = key.replace("_", " ")
    return (words[:1].upper() + words[1:]).replace("sha256", "SHA-256")


class _Finished(str):
    """Text that goes into the report as it is."""

    __slots__ = ()

    def __html__(self) -> str:
        """It is not to be escaped any more."""
        return str(self)


def _lines(said: str) -> str:
    """`said` with its line breaks, and without other characters that do not show or change how others do."""
    return "".join(each if each.isprintable() or each == "\n" else " " for each in said)


def block(said: str) -> str:
    """`said`, whose line breaks count, as HTML."""
    return _Finished(escape(_lines(said)))


def fenced(said: str) -> str:
    """`said` as a block of Markdown that nothing in it can end."""
    marks = "`" * max(3, 1 + max(map(len, re.findall("`+", said)), default=0))
    return _Finished(f"{marks}text\n{_lines(said)}\n{marks}")


def seen(context: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What people saw of a question, in lines of a label and a text: the same as on every front end."""
    try:
        return describe(GateContext.read(context))
    except ValueError:  # it was too long for the log, or an earlier version asked
        shown = {key: value for key, value in context.items() if value not in (None, "", [], {}, False)}
        return [(key, brief(value)) for key, value in shown.items()]


def together(hosts: Mapping[str, HostHistory]) -> list[tuple[list[str], Action]]:
    """What was done, each with the hosts on which just that was and came to the same; what did not pass comes first."""
    found: dict[tuple[Any, ...], tuple[list[str], Action]] = {}
    for name, host in hosts.items():
        if act := host.action:
            same = (act.outcome, act.command, act.exit_code, act.output)
            found.setdefault(same, ([], act))[0].append(name)
    return sorted(found.values(), key=lambda each: each[1].outcome == Outcome.PASSED)


def listed(values: Iterable[Any]) -> str:
    """`values`, separated by commas."""
    return ", ".join(map(text, values)) if isinstance(values, list | tuple) else text(values)


def trend(samples: Sequence[str]) -> str:
    """What the first and the last of `samples` saw, as a number where each of them is about one."""
    numbers = _numbers(samples)
    first, last = (f"{numbers[0]:g}", f"{numbers[-1]:g}") if numbers else (text(samples[0]), text(samples[-1]))
    return f"{first} to {last} in {len(samples)} samples"


def points(samples: Sequence[str]) -> str:
    """The line through the numbers of `samples`, as SVG has it; empty where there is nothing to draw."""
    numbers = _numbers(samples)
    if len(set(numbers)) < 2:  # noqa: PLR2004 - a line has two ends
        return ""
    low, high = min(numbers), max(numbers)
    step = _WIDTH / (len(numbers) - 1)
    heights = [2 + (_HEIGHT - 4) * (high - number) / (high - low) for number in numbers]
    return " ".join(f"{position * step:.1f},{height:.1f}" for position, height in enumerate(heights))


def _numbers(samples: Sequence[str]) -> list[float]:
    """The first number in each of `samples`; none where one of them has none."""
    found = [re.search(r"-?[0-9]{1,15}(?:\.[0-9]{1,15})?", sample) for sample in samples]
    return [float(match[0]) for match in found if match] if all(found) else []
