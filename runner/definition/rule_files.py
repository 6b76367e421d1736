"""Prometheus' rule files: whether each alert in them has a `runbook_url`, and one that leads to its runbook."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runner.definition.catalog import shown
from runner.definition.collection import Collection
from runner.definition.coverage import Situation, absence, alerts
from runner.definition.finding import Finding, Level, Place, did_you_mean, kind_of
from runner.definition.links import leaves
from runner.definition.urls import address, alertname, leads_to
from runner.definition.yaml import MAX_BYTES, Document, InvalidFileError, load
from runner.errors import InvalidInputError

KEY = "runbook_url"

_RUNBOOK = re.compile(r"RUN-[0-9]{3,6}(?![0-9])")
_ALERT = re.compile(r"MON-[0-9]{3,6}(?![0-9])")


@dataclass(frozen=True)
class Rule:
    """An alert of a rule file, and where it stands."""

    name: str
    place: Place
    document: Document

    def read(self, key: str) -> Mapping[str, Any]:
        """Its `annotations` or `labels`; empty where there are none."""
        value = self.document.at(self.place).get(key)
        return value if isinstance(value, dict) else {}

    @property
    def url(self) -> Any:
        """What is written as its runbook's URL."""
        return self.read("annotations").get(KEY)

    def finding(self, rule: str, message: str, *, hint: str = "", level: Level = Level.ERROR) -> Finding:
        """The finding that something is wrong with its URL, or that it has none."""
        place = (*self.place, "annotations", KEY) if KEY in self.read("annotations") else (*self.place, "alert")
        return self.document.finding(place, rule, f"{self.name} {message}", hint=hint, level=level)


def check(path: Path, collection: Collection, base: str | None) -> list[Finding]:
    """Everything that is wrong with the URLs in the rule file at `path`, in its order.

    Without a `base` it is enough that a URL names the runbook.

    Raises:
        InvalidInputError: the file can not be read.
    """
    try:
        with path.open("rb") as file:
            document = load(file.read(MAX_BYTES + 1), file=shown(path))
    except OSError as error:
        raise InvalidInputError(f"{path} can not be read: {error.strerror}") from None
    except InvalidFileError as error:
        return list(error.findings)
    found: list[Finding] = []
    known = _names(collection)
    for rule in _rules(document, found):
        # Alerts that share a name are no fault of the rule: it leads to one of them.
        meant = [list(_judged(rule, alert, collection, base)) for alert in _meant(rule, known)]
        judged = min(meant, key=len, default=None)
        found += _unregistered(rule, known, collection) if judged is None else judged
    return sorted(found)


def _rules(document: Document, found: list[Finding]) -> Iterator[Rule]:
    """The alerts of the file, be it Prometheus' own or a PrometheusRule of Kubernetes."""
    inner = document.value.get("spec")
    at: Place = ("spec", "groups") if isinstance(inner, dict) else ("groups",)
    for place, group in _items(document, at, found):
        if not isinstance(group, dict):
            message = f"must be a mapping with `rules`, not {kind_of(group)}"
            found.append(document.finding(place, "wrong-type", message))
            continue
        for where, rule in _items(document, (*place, "rules"), found):
            if isinstance(rule, dict) and isinstance(rule.get("alert"), str):
                yield Rule(rule["alert"], where, document)
            elif not (isinstance(rule, dict) and "record" in rule):
                message = "must be a mapping with `alert` or `record`"
                found.append(document.finding(where, "wrong-type", message))


def _items(document: Document, at: Place, found: list[Finding]) -> Iterator[tuple[Place, Any]]:
    *before, key = at
    value = document.at(tuple(before)).get(key)
    if isinstance(value, list):
        yield from (((*at, number), item) for number, item in enumerate(value))
    elif value is None:
        hint = "a rule file of Prometheus has groups of rules"
        found.append(document.finding(tuple(before), "missing-key", f"has no `{key}`", hint=hint))
    else:
        found.append(document.finding(at, "wrong-type", f"must be a list, not {kind_of(value)}"))


def _judged(rule: Rule, alert: Situation, collection: Collection, base: str | None) -> Iterator[Finding]:
    target, why = leads_to(collection, alert)
    expected = address(target, base) if base and target else ""
    if not rule.url:
        add = f"add {KEY}: {expected}" if expected else f"it leads to {target}" if target else f"{alert.id}: {why}"
        yield rule.finding("no-runbook-url", f"has no {KEY}", hint=add)
    elif dangling := _dangling(rule, collection):
        yield rule.finding("dangling-url", f"leads to a runbook that is not there: {dangling}")
    elif why:
        yield rule.finding("wrong-url", f"is {alert.id}, and its URL can not be right", hint=why)
    elif not _right(str(rule.url), target, expected):
        hint = f"write {expected}" if expected else ""
        yield rule.finding("wrong-url", f"is {alert.id}, which leads to {target}, and its URL does not", hint=hint)


def _right(url: str, target: str, expected: str) -> bool:
    if expected:
        return url == expected
    return _RUNBOOK.findall(url) == [target] if _RUNBOOK.fullmatch(target) else target in url


def _unregistered(rule: Rule, known: Mapping[str, Sequence[Situation]], collection: Collection) -> Iterator[Finding]:
    """What is wrong with a rule that the registry does not know: it may still lead somewhere."""
    hint = did_you_mean(rule.name, known)
    hint = hint or f"add a MON- entry with `alertname: {rule.name}` to runbooks/registry/"
    if not rule.url:
        yield rule.finding("no-runbook-url", f"has no {KEY}, and no MON- entry has that alertname", hint=hint)
    elif dangling := _dangling(rule, collection):
        yield rule.finding("dangling-url", f"leads to a runbook that is not there: {dangling}")
    else:
        message = "is in no MON- entry, so nobody can tell whether its URL is right"
        yield rule.finding("unknown-alert", message, hint=hint, level=Level.WARNING)


def _dangling(rule: Rule, collection: Collection) -> str:
    return "; ".join(why for name in _RUNBOOK.findall(str(rule.url)) if (why := absence(collection, name)))


def _names(collection: Collection) -> Mapping[str, Sequence[Situation]]:
    """The alerts of the registry by what the monitoring calls them, which several may share, and by their ids."""
    known: dict[str, list[Situation]] = {}
    for alert in alerts(collection):
        for name in {alert.id, alertname(collection, alert)}:
            known.setdefault(name, []).append(alert)
    return known


def _meant(rule: Rule, known: Mapping[str, Sequence[Situation]]) -> Sequence[Situation]:
    """The alerts that `rule` may fire: by its name, of which its labels or annotations may mention one, or by that."""
    said = " ".join(str(text) for key in ("labels", "annotations") for _, text in leaves(rule.read(key)))
    mentioned = [known[name][0] for name in _ALERT.findall(said) if name in known]
    named = known.get(rule.name, ())
    return [alert for alert in named if alert in mentioned] or named or mentioned[:1]
