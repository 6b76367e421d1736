"""The report of drills: a page for each test and one for all of them; the same as JSON, and for a CI service."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Template
from markupsafe import Markup

from runner.render.drills.drill_result import DrillResult, DrillSeries, DrillVerdict
from runner.render.junit import JUnitCase, report
from runner.render.markup import template_environment

INDEX = "index.html"
_WIDTH, _HEIGHT, _GAP = 12, 28, 3


def drill_pages(series: DrillSeries) -> dict[str, str]:
    """Every page of the report, by the name of its file."""
    pages = {(each.name, str(each.test)): page_name(each) for each in series.results}
    never_red = {name: checks for name, checks in series.never_red.items() if checks}
    found = {page_name(each): drill_page(each, series.earlier.get(each.name, ())) for each in series.results}
    good = sum(each.ok for each in series.results)
    failures = [each for each in series.results if not each.ok]
    about: dict[str, Any] = {"pages": pages, "never_red": never_red, "good": good, "failures": failures}
    return {INDEX: _template("drills").render(series=series, **about), **found, "drills.json": as_json(series)}


def drill_page(drill: DrillResult, earlier: Sequence[float] = ()) -> str:
    """The page of one test; `earlier` are the last times to recover, this one included."""
    return _template("drill").render(drill=drill, earlier=earlier)


def page_name(drill: DrillResult) -> str:
    """The name of the file with the page of `drill`."""
    return re.sub(r"[^A-Za-z0-9]+", "-", f"{drill.name} {drill.test}") + ".html"


def as_json(series: DrillSeries) -> str:
    """Everything, as JSON."""
    return json.dumps({"type": "drills", "ok": series.ok, **asdict(series)}, indent=2, default=str) + "\n"


def as_junit(series: DrillSeries) -> str:
    """A test case for each test of a drill."""
    return report("drill", [_case(each) for each in series.results])


_CASES: Mapping[DrillVerdict, str] = {
    DrillVerdict.PASSED: "passed",
    DrillVerdict.FAILED: "failure",
    DrillVerdict.EXCEPTED: "skipped",
}


def _case(drill: DrillResult) -> JUnitCase:
    return JUnitCase(
        name=f"{drill.name}, {drill.test}: {drill.test.promise}",
        verdict=_CASES[drill.verdict],  # type: ignore[arg-type]
        message="; ".join(drill.reasons),
        text="\n".join(f"{each.at:.1f} s  {each.word}  {each.text}" for each in drill.moments),
        output="\n".join(drill.proofs) or None,
        seconds=drill.seconds,
    )


@cache
def _template(name: str) -> Template:
    environment = template_environment("runner.render")
    # It is the product's own, and no text of anybody else.
    style = files("runner.render").joinpath("templates", "drill_style.css.j2").read_text(encoding="utf-8")
    environment.globals |= {"style": Markup(style), "bars": bars}  # noqa: S704
    return environment.get_template(f"{name}.html.j2")


def bars(values: Sequence[float]) -> Markup:
    """`values` as bars, oldest first, the highest as high as there is room."""
    if not values:
        return Markup()
    most = max(*values, 0.001)
    drawn = [
        Markup('<rect x="{}" y="{:.1f}" width="{}" height="{:.1f}"><title>{:.1f} s</title></rect>').format(
            number * _WIDTH, _HEIGHT - value / most * _HEIGHT, _WIDTH - _GAP, value / most * _HEIGHT, value
        )
        for number, value in enumerate(values)
    ]
    words = ", ".join(f"{value:.1f} s" for value in values)
    svg = Markup('<svg class="trend" viewBox="0 0 120 {}" role="img" aria-label="{}">{}</svg>')
    return svg.format(_HEIGHT, words, Markup().join(drawn))
