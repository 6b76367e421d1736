"""What may happen, and which runbook is for it: alerts and scenarios of the registry, and what runbooks wait for."""

from collections.abc import Collection as Group
from collections.abc import Iterable, Iterator, Mapping, Sequence

from runner.core.deferred import dataclass
from runner.core.wording import grouped
from runner.library.index.summary import Summary
from runner.library.registry.registry import Reference, letters, of_prefix, prefix
from runner.library.snapshot import LibrarySnapshot
from runner.model.category import Category
from runner.model.severity import Severity
from runner.model.yaml.finding import Finding, Place


@dataclass(frozen=True)
class Situation:
    """Something that may happen: an alert, a scenario, or an event that a runbook waits for.

    `runbooks` are those that are for it, by their ids, whether they are written or not; `page` is what an info alert
    leads to instead. It is written at `place` of what is `written_in` a file.
    """

    id: str
    title: str
    severity: Severity
    owner: str
    runbooks: tuple[str, ...]
    written_in: Reference | Summary
    place: Place
    page: str | None = None

    def finding(self, rule: str, message: str, *, hint: str = "") -> Finding:
        """The finding that something is wrong with what is for it."""
        return self.written_in.finding(self.place, rule, message, hint=hint)


def situations(snapshot: LibrarySnapshot) -> tuple[Situation, ...]:
    """Everything that may happen: alerts and scenarios by their ids, then what only a runbook speaks of."""
    spoken_of = {name for scenario in scenarios(snapshot) for name in scenario.runbooks}
    return (*alerts(snapshot), *scenarios(snapshot), *_events(snapshot, spoken_of))


def alerts(snapshot: LibrarySnapshot) -> tuple[Situation, ...]:
    """The alerts of the registry."""
    found = []
    for alert in of_prefix(snapshot.references.values(), "MON"):
        waiting = [runbook for runbook in snapshot.triggered.get(alert.id, ()) if runbook in snapshot.used]
        found.append(_situation(alert, waiting))
    return tuple(found)


def scenarios(snapshot: LibrarySnapshot) -> tuple[Situation, ...]:
    """The scenarios of the registry."""
    return tuple(_situation(each, ()) for each in of_prefix(snapshot.references.values(), "SCN"))


def _situation(entry: Reference, waiting: Sequence[str]) -> Situation:
    """What the `entry` says may happen, which its runbook is for, and those that are `waiting` for it."""
    runbooks = tuple(dict.fromkeys([*([entry.runbook] if entry.runbook else []), *waiting]))
    return Situation(entry.id, entry.title, entry.severity, entry.owner, runbooks, entry, (), entry.page)


def _events(snapshot: LibrarySnapshot, spoken_of: Group[str]) -> Iterator[Situation]:
    """What runbooks wait for that is no alert of the registry, nor the event of a scenario that is `spoken_of`."""
    for name, runbook in snapshot.used.items():
        known = runbook.alert in snapshot.references if runbook.alert else name in spoken_of
        if not known:
            what, title = runbook.alert or "event", runbook.event or runbook.condition or runbook.title
            yield Situation(what, title, runbook.severity, runbook.owner, (name,), runbook, ("trigger",))


def answered(snapshot: LibrarySnapshot) -> tuple[tuple[Reference, str, str | None], ...]:
    """The risks and the deployments with a rollback: each entry, what calls for a runbook, and the runbook's id."""
    found: list[tuple[Reference, str, str | None]] = []
    for entry in snapshot.references.values():
        if prefix(entry.id) == "RISK":
            found.append((entry, f"{entry.level} risk", entry.runbook))
        elif prefix(entry.id) == "DEP" and entry.trigger:
            found.append((entry, f"rollback when {entry.trigger}", entry.runbook))
    return tuple(found)


def absence(snapshot: LibrarySnapshot, name: str) -> str:
    """Why there is no runbook `name` to be used, in a clause; empty when there is one."""
    if name in snapshot.runbooks:
        return _unusable(snapshot.runbooks[name])
    if snapshot.faults_of(name):
        return f"{name} does not load, as runbook lint {name} shows"
    reference = snapshot.references.get(name)
    if reference and prefix(name) == "RUN":
        return f"{name} ({reference.title}) is planned, and not written yet"
    near = snapshot.spelled.get(letters(name))
    return f"there is no {name}" + (f"; did you mean {near}?" if near else "")


def _unusable(runbook: Summary) -> str:
    if runbook.deprecated:
        return "; ".join(filter(None, [f"{runbook.id} is {runbook.deprecated}", runbook.instead]))
    if runbook.todo_line:
        return f"{runbook.id} is not written to its end: TODO is left in its line {runbook.todo_line}"
    return ""


def page_absence(snapshot: LibrarySnapshot, situation: Situation) -> str:
    """Why the page of `situation` is not there to be read, in a clause; empty when it is, or is somebody else's."""
    page = situation.page
    return "" if page is None or "://" in page or (snapshot.root / page).is_file() else f"{page} is not there"


def by_runbook(situations: Iterable[Situation]) -> Mapping[str, Sequence[str]]:
    """The ids of those of `situations` that each runbook is for, by its id."""
    return grouped((runbook, each.id) for each in situations for runbook in each.runbooks)


def not_dedicated(snapshot: LibrarySnapshot, alert: Situation, served: Mapping[str, Sequence[str]]) -> str:
    """Why a runbook of the critical `alert` is not its own, or not for incidents; empty when each is both.

    `served` are the alerts that each runbook is for.
    """
    for runbook in written(snapshot, alert.runbooks):
        if others := [other for other in served.get(runbook.id, ()) if other != alert.id]:
            return f"{runbook.id} is for {', '.join(others)} as well"
        if runbook.category is not Category.INCIDENT:
            return f"{runbook.id} is for {runbook.category}"
    return ""


def written(snapshot: LibrarySnapshot, names: Sequence[str]) -> list[Summary]:
    """Those of the runbooks `names` that are there, and not deprecated."""
    return [snapshot.used[name] for name in names if name in snapshot.used]
