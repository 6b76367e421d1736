"""A report as Markdown, HTML or JSON, in which nothing that a host said can be more than text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from functools import cache
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined

if TYPE_CHECKING:
    from runner.record.report import RunReport

_MARKDOWN = re.compile(r"[\\|<>&\[\]`*]")
_BRIEF = 500
_WIDTH, _HEIGHT = 120, 24


def render(report: RunReport, form: str) -> str:
    """The report as `md`, `html` or `json`."""
    if form == "json":
        return json.dumps(asdict(report), indent=2, default=str) + "\n"
    return _environment(html=form == "html").get_template(f"report.{form}.j2").render(report=report)


@cache
def _environment(*, html: bool) -> Environment:
    environment = Environment(
        loader=PackageLoader("runner.record"),
        autoescape=html,  # noqa: S701 - Markdown has marks of its own, which `cell` escapes
        # Whatever the template prints goes through here; what is HTML already has come from the template itself.
        finalize=lambda value: value if hasattr(value, "__html__") else (text if html else cell)(value),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"brief": brief, "listed": listed, "points": points, "trend": trend}
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
    """The same as the content of a Markdown table's cell, in which Markdown and HTML mean nothing."""
    return _MARKDOWN.sub(lambda mark: f"\\{mark[0]}", text(value))


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
