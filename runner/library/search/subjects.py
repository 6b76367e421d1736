"""The runbooks that may be found: those that are written, and those that runbooks and entries only name."""

from collections.abc import Iterable, Mapping
from dataclasses import field

from runner.core.deferred import dataclass
from runner.core.wording import grouped
from runner.library.registry.registry import Reference
from runner.library.search.passages import Passage
from runner.library.snapshot import LibrarySnapshot
from runner.model.yaml.finding import leaves


@dataclass
class Subject:
    """A runbook that may be found; one that is not `written` is only named by others.

    `names` are the words that mean this runbook and nothing else, each with the reason, `entries` lead to it;
    `deprecated` says that it is not used any more, and `instead` what is in its place.
    """

    id: str
    title: str = ""
    written: bool = False
    names: dict[str, str] = field(default_factory=dict)
    entries: list[str] = field(default_factory=list)
    deprecated: str = ""
    instead: str | None = None


def subjects(snapshot: LibrarySnapshot) -> Mapping[str, Subject]:
    """Every runbook of `snapshot`, and every one that it names."""
    found: dict[str, Subject] = {}
    for name, runbook in snapshot.runbooks.items():
        subject = found[name] = Subject(name, runbook.title, written=True, names={name: "its id"})
        if runbook.deprecated:
            subject.deprecated, subject.instead = runbook.deprecated, runbook.replaced_by
        if runbook.alert:
            subject.names[runbook.alert] = "the alert that triggers it"
    for runbook in snapshot.runbooks.values():
        for what, other in runbook.excludes:
            subject = found.setdefault(other, Subject(other, names={other: "its id"}))
            subject.title = subject.title or what
    for reference in snapshot.references.values():
        _lead(found, reference, snapshot)
    return found


def _lead(found: dict[str, Subject], reference: Reference, snapshot: LibrarySnapshot) -> None:
    """The entry `reference` means each runbook that it leads to, and each that waits for it."""
    written = list(leaves(reference.written))
    targets = [str(value) for place, value in written if place[-1:] == ("runbook",)]
    targets += snapshot.triggered.get(reference.id, ())
    if reference.id.startswith("RUN-"):
        targets.append(reference.id)
    alertnames = [value for place, value in written if place[-1:] == ("alertname",)]
    for name in dict.fromkeys(targets):
        subject = found.setdefault(name, Subject(name, reference.title, names={name: "its id"}))
        if reference.id == name and not subject.written:
            subject.title = reference.title
        subject.entries.append(reference.id)
        subject.names.setdefault(reference.id, f"{reference.id} leads to it")
        for alertname in alertnames:
            subject.names.setdefault(alertname, f"what the monitoring calls {reference.id}")


def leading(known: Mapping[str, Subject]) -> Mapping[str, list[str]]:
    """The ids of the subjects that each entry leads to, by the id of the entry."""
    return grouped((entry, subject.id) for subject in known.values() for entry in subject.entries)


def passages_by_subject(leads: Mapping[str, list[str]], passages: Iterable[Passage]) -> Mapping[str, list[Passage]]:
    """Those of `passages` that speak for each subject: its own first, then those of other runbooks, then of entries."""
    ordered = sorted(
        passages, key=lambda each: (not each.runbook, each.runbook != each.source, each.source, each.number)
    )
    whom = ((each, [each.runbook] if each.runbook else leads.get(each.source, ())) for each in ordered)
    return grouped((name, each) for each, names in whom for name in names)
