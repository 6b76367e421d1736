"""The `runbook_url` of each alert for Prometheus' rules, so that whoever is paged is one click from the runbook."""

from __future__ import annotations

import re
from collections.abc import Iterator

from runner.core.deferred import dataclass
from runner.core.identifiers import RUNBOOK_ID
from runner.core.wording import grouped
from runner.library.gates.coverage import Situation, absence, alerts, page_absence
from runner.library.registry.registry import Alert
from runner.library.snapshot import LibrarySnapshot


@dataclass(frozen=True, slots=True)
class Url:
    """The annotation of one alert; where there is no `url`, `why` says what is missing."""

    id: str
    title: str
    alertname: str
    target: str
    url: str
    why: str = ""


def urls(snapshot: LibrarySnapshot, base: str) -> Iterator[Url]:
    """The annotation of each alert in the registry.

    `base` is where the runbooks are published: `{id}` in it stands for RUN-001, which else follows after a slash.
    """
    known = alerts(snapshot)
    named = {alert.id: alertname(snapshot, alert) for alert in known}
    leading = {alert.id: leads_to(snapshot, alert) for alert in known}
    sharing = grouped((named[alert.id], alert.id) for alert in known)
    for alert in known:
        target, why = leading[alert.id]
        name = named[alert.id]
        others = [other for other in sharing[name] if leading[other] != (target, why)]
        if others and not why:
            why = f"{name} is the alertname of {', '.join(others)} as well, which leads elsewhere"
        yield Url(alert.id, alert.title, name, target, "" if why else address(target, base), why)


def alertname(snapshot: LibrarySnapshot, alert: Situation) -> str:
    """What the monitoring calls `alert`."""
    entry = snapshot.references[alert.id].entry
    return entry.alertname if isinstance(entry, Alert) and entry.alertname else alert.id


def leads_to(snapshot: LibrarySnapshot, alert: Situation) -> tuple[str, str]:
    """Where `alert` leads to, a runbook's id or a page, and why it cannot be linked to; one of the two is empty."""
    if not alert.runbooks:
        missing = page_absence(snapshot, alert) if alert.page else "no runbook is for it"
        return ("", missing) if missing else (alert.page or "", "")
    why = next((why for name in alert.runbooks if (why := absence(snapshot, name))), "")
    return ("", why) if why else (alert.runbooks[0], "")


def address(target: str, base: str) -> str:
    """The URL of `target`, which may be one already."""
    if "://" in target:
        return target
    if "{id}" not in base:
        return f"{base.rstrip('/')}/{target}"
    if re.fullmatch(RUNBOOK_ID, target):
        return base.replace("{id}", target)
    return f"{base.partition('{id}')[0].rpartition('/')[0]}/{target}"  # a page is published beside the runbooks
