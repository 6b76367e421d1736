"""Whether everything that is linked to is there, once, and means one thing: the findings about a library's links."""

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from runner.core.wording import grouped
from runner.library.gates.coverage import alerts
from runner.library.links.links import Link, technologies
from runner.library.registry.id_meanings import Gloss, agree, words
from runner.library.registry.registry import letters, of_prefix
from runner.library.snapshot import LibrarySnapshot
from runner.model.severity import Severity
from runner.model.yaml.finding import Finding, Level, did_you_mean


def findings(snapshot: LibrarySnapshot, among: Sequence[Link]) -> list[Finding]:
    """Every finding about `among`, the links of `snapshot`, in the order of the files.

    What could not be read is told alone: a link may lead to it.
    """
    if snapshot.faults:
        return list(snapshot.faults)
    found = (
        *_dangling(snapshot, among),
        *_planned(snapshot, among),
        *_orphans(snapshot, among),
        *_strangers(snapshot),
        *_disagreements(snapshot),
        *_namesakes(snapshot),
        *_deprecated(snapshot, among),
        *_retired(snapshot, among),
        *_meanings(snapshot),
    )
    return sorted(set(found))


def _dangling(snapshot: LibrarySnapshot, among: Sequence[Link]) -> Iterator[Finding]:
    known = {*snapshot.runbooks, *snapshot.references}
    spelled = {letters(name): name for name in sorted(known, reverse=True)}
    for link in among:
        if link.sort in {"entry", "runbook"} and link.target not in known:
            near = spelled.get(letters(link.target))
            hint = f"did you mean {near}?" if near else _remedy(link)
            yield link.finding("dangling-link", f"there is no {link.target}", hint=hint)


def _remedy(link: Link) -> str:
    if link.sort == "runbook":
        return f"write runbooks/{link.target}.yml, or plan it: an entry {link.target} in runbooks/registry/"
    return f"write the entry {link.target} to a file in runbooks/registry/"


def _planned(snapshot: LibrarySnapshot, among: Sequence[Link]) -> Iterator[Finding]:
    leading = grouped((each.target, each) for each in among)
    for reference in of_prefix(snapshot.references.values(), "RUN"):
        if reference.id in snapshot.runbooks:
            hint, message = "take the entry out", f"{reference.id} is written: its file says what it is"
            yield reference.finding((), "duplicate-id", message, hint=hint, level=Level.WARNING)
        elif sources := sorted({link.source for link in leading.get(reference.id, ())}):
            lead = "leads" if len(sources) == 1 else "lead"
            message = f"is planned, and not written yet; {', '.join(sources)} {lead} to it"
            yield reference.finding((), "planned-runbook", message, level=Level.INFO)


def _orphans(snapshot: LibrarySnapshot, among: Sequence[Link]) -> Iterator[Finding]:
    """The entries that nothing links to, and that lead nowhere: nobody will come across them."""
    linked = {link.target for link in among} | {link.source for link in among if link.sort == "runbook"}
    for name, reference in snapshot.references.items():
        if name not in linked:
            hint = "link to it from a runbook, or take it out"
            yield reference.finding((), "orphan", f"nothing links to {name}", hint=hint, level=Level.WARNING)


def _strangers(snapshot: LibrarySnapshot) -> Iterator[Finding]:
    for reference in snapshot.references.values():
        if (owner := reference.owner) not in snapshot.contacts:
            hint = did_you_mean(owner, snapshot.contacts)
            hint = hint or f"contacts.yml knows {', '.join(snapshot.contacts) or 'nobody'}"
            yield reference.finding(("owner",), "unknown-contact", f"nobody is called {owner!r}", hint=hint)


def _disagreements(snapshot: LibrarySnapshot) -> Iterator[Finding]:
    for alert in alerts(snapshot):
        if len(alert.runbooks) > 1:
            message = f"{alert.id} leads to {' and to '.join(alert.runbooks)}: whom it wakes must not have to choose"
            hint = "name one in its `runbook`, and let the others link to it instead of having it as their trigger"
            yield alert.finding("two-runbooks", message, hint=hint)


def _namesakes(snapshot: LibrarySnapshot) -> Iterator[Finding]:
    """Alerts that cannot be told apart: rules of one name are common in Prometheus, one for each severity."""
    first: dict[tuple[str, Severity], str] = {}
    for entry in of_prefix(snapshot.references.values(), "MON"):
        fires = entry.alertname or "", entry.severity
        if entry.alertname and first.setdefault(fires, entry.id) != entry.id:
            message = f"{entry.alertname!r} at {entry.severity} is {first[fires]} already: that is one alert"
            yield entry.finding(("alertname",), "duplicate-name", message)


def _deprecated(snapshot: LibrarySnapshot, among: Sequence[Link]) -> Iterator[Finding]:
    known = technologies(snapshot)
    replaced = {each.id: each.replaced_by for each in of_prefix(snapshot.references.values(), "TECH")}
    for link in among:
        owner = known.get(link.target, "") if link.sort == "program" else ""
        if replaced.get(owner) and link.source != owner:
            message = f"uses {link.target}, which is deprecated ({owner})"
            yield link.finding("deprecated-tool", message, hint=f"use {replaced[owner]}", level=Level.WARNING)


def _retired(snapshot: LibrarySnapshot, among: Sequence[Link]) -> Iterator[Finding]:
    """The links of what is used to runbooks that are not."""
    for link in among:
        runbook = snapshot.runbooks.get(link.target)
        source = snapshot.runbooks.get(link.source)
        if runbook and runbook.deprecated and not (source and source.deprecated):
            message = f"leads to {link.target}, which is {runbook.deprecated}"
            yield link.finding("deprecated-runbook", message, hint=runbook.instead, level=Level.WARNING)


def _meanings(snapshot: LibrarySnapshot) -> Iterator[Finding]:
    by_id: dict[str, list[tuple[str, Gloss]]] = defaultdict(list)
    for name, rows in snapshot.index.columns("glosses"):
        if runbook := snapshot.runbooks.get(Path(name).stem):
            for gloss in (Gloss(*row) for row in json.loads(rows)):
                by_id[gloss.id].append((runbook.file, gloss))
    for name, places in by_id.items():
        where, title, meaning = _meaning(snapshot, name)
        meant = words(meaning)
        for file, gloss in places:
            used = words(gloss.text)
            if meaning and used and not agree(used, meant):
                message = f"{name} is spoken of as {gloss.text!r}, and is {title!r} in {where}"
                hint = "one id is one thing: link to another entry here, or say there that it is this as well"
                yield Finding(file, gloss.line, gloss.column, "", Level.WARNING, "two-meanings", message, hint)


def _meaning(snapshot: LibrarySnapshot, name: str) -> tuple[str, str, str]:
    """Where `name` is defined, its title, and all that is said there; empty where nothing is."""
    if runbook := snapshot.runbooks.get(name):
        place = f"{runbook.file}:{runbook.position(('title',)).line}"
        return place, runbook.title, " ".join((runbook.title, *runbook.handles))
    if name not in snapshot.references:
        return "", "", ""
    reference = snapshot.references[name]
    return reference.where, reference.title, reference.words
