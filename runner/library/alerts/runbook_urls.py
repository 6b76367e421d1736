"""The `runbook_url` of each alert for Prometheus' rules, so that whoever is paged is one click from the runbook."""

import re
from collections.abc import Iterator, Mapping, Sequence

from runner.core.deferred import dataclass, regex
from runner.core.identifiers import RUNBOOK_ID
from runner.core.wording import grouped
from runner.library.alerts.prometheus_rules import KEY, AlertRule, RuleFile, rules
from runner.library.gates.coverage import Situation, absence, alerts, page_absence
from runner.library.snapshot import LibrarySnapshot
from runner.model.yaml.finding import Finding, Level, did_you_mean


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
    return snapshot.references[alert.id].alertname or alert.id


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


_RUNBOOK = regex(r"RUN-[0-9]{3,6}(?![0-9])")
_ALERT = regex(r"MON-[0-9]{3,6}(?![0-9])")


def check(file: RuleFile, snapshot: LibrarySnapshot, base: str | None) -> list[Finding]:
    """Everything that is wrong with the URLs in `file`, in its order.

    Without a `base` it is enough that a URL names the runbook.
    """
    found = list(file.faults)
    known = _names(snapshot)
    for rule in rules(file, found):
        # Alerts that share a name are no fault of the rule: it leads to one of them.
        meant = [list(_judged(rule, alert, snapshot, base)) for alert in _meant(rule, known)]
        judged = min(meant, key=len, default=None)
        found += _unregistered(rule, known, snapshot) if judged is None else judged
    return sorted(found)


def _judged(rule: AlertRule, alert: Situation, snapshot: LibrarySnapshot, base: str | None) -> Iterator[Finding]:
    target, why = leads_to(snapshot, alert)
    expected = address(target, base) if base and target else ""
    if not rule.url:
        add = f"add {KEY}: {expected}" if expected else f"it leads to {target}" if target else f"{alert.id}: {why}"
        yield rule.finding("no-runbook-url", f"has no {KEY}", hint=add)
    elif dangling := _dangling(rule, snapshot):
        yield rule.finding("dangling-url", f"leads to a runbook that is not there: {dangling}")
    elif why:
        yield rule.finding("wrong-url", f"is {alert.id}, and its URL cannot be right", hint=why)
    elif not _right(rule.url, target, expected):
        hint = f"write {expected}" if expected else ""
        yield rule.finding("wrong-url", f"is {alert.id}, which leads to {target}, and its URL does not", hint=hint)


def _right(url: str, target: str, expected: str) -> bool:
    if expected:
        return url == expected
    return _RUNBOOK.findall(url) == [target] if _RUNBOOK.fullmatch(target) else target in url


def _unregistered(
    rule: AlertRule, known: Mapping[str, Sequence[Situation]], snapshot: LibrarySnapshot
) -> Iterator[Finding]:
    """What is wrong with a rule that the registry does not know: it may still lead somewhere."""
    hint = did_you_mean(rule.name, known)
    hint = hint or f"add a MON- entry with `alertname: {rule.name}` to runbooks/registry/"
    if not rule.url:
        yield rule.finding("no-runbook-url", f"has no {KEY}, and no MON- entry has that alertname", hint=hint)
    elif dangling := _dangling(rule, snapshot):
        yield rule.finding("dangling-url", f"leads to a runbook that is not there: {dangling}")
    else:
        message = "is in no MON- entry, so nobody can tell whether its URL is right"
        yield rule.finding("unknown-alert", message, hint=hint, level=Level.WARNING)


def _dangling(rule: AlertRule, snapshot: LibrarySnapshot) -> str:
    return "; ".join(why for name in _RUNBOOK.findall(rule.url) if (why := absence(snapshot, name)))


def _names(snapshot: LibrarySnapshot) -> Mapping[str, Sequence[Situation]]:
    """The alerts of the registry by what the monitoring calls them, which several may share, and by their ids."""
    return grouped((name, alert) for alert in alerts(snapshot) for name in {alert.id, alertname(snapshot, alert)})


def _meant(rule: AlertRule, known: Mapping[str, Sequence[Situation]]) -> Sequence[Situation]:
    """The alerts that `rule` may fire: by its name, of which its labels or annotations may mention one, or by that."""
    ids = _ALERT.findall(f"{rule.text_of('labels')} {rule.text_of('annotations')}")
    mentioned = [known[name][0] for name in ids if name in known]
    named = known.get(rule.name, ())
    return [alert for alert in named if alert in mentioned] or named or mentioned[:1]
