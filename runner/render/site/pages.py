"""The pages of the site, each by the name of its file."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from jinja2 import Environment

from runner.core import duration
from runner.core.wording import grouped
from runner.library.links.links import Link
from runner.library.registry.registry import prefix
from runner.library.runbook_source import Source
from runner.model.category import Category
from runner.model.escalation_policy import in_words
from runner.model.procedure.step_numbers import tree
from runner.model.runbook import Exclusion, FollowUp, Runbook
from runner.model.severity import response, urgency
from runner.render.drills.drill_pages import bars
from runner.render.drills.drill_result import DrillTest
from runner.render.site.drawing import HEIGHT, WIDTH, draw
from runner.render.site.month_view import months
from runner.render.site.site_content import Material, search_index
from runner.render.site.site_html import environment
from runner.render.site.step_parts import shown

MOST_RUNS = 500
"""Runs that are shown, the newest; the audit log has them all."""

_OF_RUNBOOK = 10
_EXAMPLE = 40
_KINDS = {
    "MON": "Alerts",
    "SCN": "Scenarios",
    "DEP": "Release criteria",
    "RISK": "Risks",
    "TECH": "Technologies",
    "ARC": "Decisions",
    "API": "Endpoints",
    "UJ": "User journeys",
    "RUN": "Planned runbooks",
}
_Links = Mapping[str, Sequence[Link]]
_RANKS = {"MON": "happens", "SCN": "happens", "RUN": "runbook"}


def pages(material: Material) -> dict[str, str]:
    """Every page; the same material always gives the same bytes."""
    shared = {"material": material, "urgency": urgency, "response": response, "shown_seconds": duration.whole}
    made = environment(material.href, **shared)
    found = {
        "index.html": _render(
            made, "index", runbooks=_by_category(material), index=search_index(material), example=_example(material)
        ),
        "matrix.html": _render(made, "matrix"),
        "links.html": _render(made, "links", **_graph(material)),
        "registry.html": _render(made, "registry", kinds=_kinds(material)),
        "attention.html": _render(made, "attention"),
    }
    if material.runs is not None:
        found["runs.html"] = _render(made, "runs", runs=material.runs[:MOST_RUNS])
    if material.drills or material.people:
        found["drills.html"] = _render(made, "drills", drills=_drills(material.drills), bars=bars)
    if work := material.planned:
        today = material.now.date()
        found["planned.html"] = _render(
            made, "planned", work=work, months=months(work.items, today), today=today, most=MOST_RUNS
        )
    links = grouped((each.source, each) for each in material.links), _inward(material)
    for name, source in material.sources.items():
        found[f"{name}.html"] = _render(made, "runbook", **_runbook(material, source, *links))
    return found


def _drills(records: Iterable[Mapping[str, Any]]) -> Mapping[str, Mapping[str, Any]]:
    """For each drill its latest record by test, and its last times to recover."""
    found: dict[str, dict[str, Any]] = {}
    for data in records:
        drill = found.setdefault(str(data["name"]), {"runbook": data["runbook"], "tests": {}, "times": []})
        drill["tests"][data["test"]] = data
        if data["test"] == DrillTest.AS_WRITTEN and data["verdict"] == "passed" and data["recover"] is not None:
            drill["times"] = [*drill["times"], data["recover"]][-_OF_RUNBOOK:]
    return dict(sorted(found.items()))


def _render(made: Environment, template: str, **values: Any) -> str:
    return made.get_template(f"{template}.html.j2").render(page=template, **values)


def _example(material: Material) -> str:
    """What somebody may search for, in this library's own words."""
    used = material.snapshot.used.values()
    alert = next((runbook.alert for runbook in used if runbook.alert), "")
    handled = next((runbook.handles[0][:_EXAMPLE].replace("`", "") for runbook in used if runbook.handles), "")
    return ", ".join(filter(None, (alert, handled, "an error message …")))


def _by_category(material: Material) -> Mapping[str, list[Runbook]]:
    order = list(Category)
    runbooks = (source.runbook for source in material.sources.values())
    ordered = sorted(runbooks, key=lambda each: (order.index(each.category), each.id))
    return grouped((runbook.category.value, runbook) for runbook in ordered)


def _runbook(material: Material, source: Source, outward: _Links, inward: _Links) -> dict[str, Any]:
    runbook, document, name = source.runbook, source.document, source.id
    policy = runbook.escalation
    procedure = {
        key: [
            shown(step, raw, f"{step.on} for {runbook.hosts_of(step)}" if step.on else runbook.hosts_of(step))
            for step, raw in zip(steps, document.value.get(key, ()), strict=True)
        ]
        for key, steps in (
            ("prerequisites", runbook.prerequisites),
            ("steps", runbook.steps),
            ("on_cancel", runbook.on_cancel),
        )
    }
    return {
        "runbook": runbook,
        "procedure": procedure,
        "numbered": [(item, procedure["steps"][item.at]) for item in tree(runbook.steps)],
        "fresh": material.fresh[name],
        "source": source,
        "text": document.text,
        "inventory": _inventory(material),
        "required": [key for key, item in runbook.inputs.items() if item.default is None],
        "excludes": [item if isinstance(item, Exclusion) else Exclusion(what=item) for item in runbook.scope.excludes],
        "when": [in_words(reason) for reason in policy.when],
        "called": [(word, material.snapshot.contacts.get(word)) for word in policy.contacts],
        "follow_up": [item if isinstance(item, FollowUp) else FollowUp(do=item) for item in runbook.follow_up],
        "owner": _contact(material, runbook.owner),
        "leads": sorted({link.target for link in outward.get(name, ()) if material.href(link.target)}),
        "led": sorted({link.source for link in inward.get(name, ())}),
        "runs": [run for run in material.runs or () if run.runbook == name][:_OF_RUNBOOK],
        "shown_duration": duration.show,
    }


def _inventory(material: Material) -> str:
    """An inventory that the library has, one to try out with before one of production."""
    names = material.inventories
    return next((name for word in ("lab", "staging") for name in names if word in name), next(iter(names), "INVENTORY"))


def _contact(material: Material, word: str) -> str:
    contact = material.snapshot.contacts.get(word)
    return contact.name if contact else word


def _kinds(material: Material) -> list[tuple[str, list[dict[str, Any]]]]:
    by_prefix = grouped((prefix(name), name) for name in material.snapshot.references)
    order = [*(kind for kind in _KINDS if kind in by_prefix), *(kind for kind in by_prefix if kind not in _KINDS)]
    inward = _inward(material)
    return [(_KINDS.get(kind, kind), [_entry(material, name, inward) for name in by_prefix[kind]]) for kind in order]


def _inward(material: Material) -> _Links:
    """What links to each name."""
    return grouped((each.target, each) for each in material.links)


def _entry(material: Material, name: str, inward: _Links) -> dict[str, Any]:
    reference = material.snapshot.references[name]
    told = {"title", "note", "owner"}
    facts = {key.replace("_", " "): value for key, value in reference.written.items() if key not in told}
    return {
        "id": name,
        "title": reference.title,
        "note": reference.note or "",
        "owner": _contact(material, reference.owner),
        "facts": {key: list(_words(value)) for key, value in facts.items()},
        "led": sorted({link.source for link in inward.get(name, ())}),
    }


def _words(value: Any) -> Iterator[str]:
    """What an entry says of itself, each piece on a line."""
    if isinstance(value, dict):
        yield from (f"{key.replace('_', ' ')}: {word}" for key, item in value.items() for word in _words(item))
    elif isinstance(value, list):
        yield from (word for item in value for word in _words(item))
    else:
        yield str(value)


def _columns(names: list[str]) -> list[list[str]]:
    """What happens, the runbooks for it, and what those rest on."""
    by_rank = grouped((_RANKS.get(prefix(name), "rest"), name) for name in names)
    return [by_rank.get(rank, []) for rank in ("happens", "runbook", "rest")]


def _graph(material: Material) -> dict[str, Any]:
    """The links between runbooks and entries, drawn and in words; what nothing is linked with is only named."""
    among = {(link.source, link.target): link for link in reversed(material.links) if link.sort in {"entry", "runbook"}}
    edges = sorted(edge for edge in among if all(map(material.href, edge)))
    known = [*material.snapshot.references, *material.sources]
    ends = {name for edge in edges for name in edge}
    linked = [name for name in dict.fromkeys(known) if name in ends]
    return {
        "drawing": draw(_columns(linked), edges),
        "words": [(source, target, among[source, target].where) for source, target in edges],
        "alone": [name for name in dict.fromkeys(known) if name not in ends],
        "box": (WIDTH, HEIGHT),
        "kind": lambda name: "runbook" if name in material.sources else prefix(name).lower(),
    }
