"""Asks Prometheus whether an alert is firing or has resolved, or for the value of a query.

python3 -m probes.prometheus, with the question in PROBE_ variables. The API is
https://prometheus.io/docs/prometheus/latest/querying/api/
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from .asked_service import AskedService, OtherwiseError, UnknownError, answer, short
from .probe_question import Question

_MISSED = 3
"""Evaluations of its rules that Prometheus may be late with."""
_SLACK = 10.0
"""Seconds that it may take besides."""


def look(question: Question, _now: float) -> Mapping[str, Any]:
    """What Prometheus says: a value, or that an alert is as it is wanted.

    Raises:
        UnknownError: it is not, or nobody can tell.
    """
    service = service_of("Prometheus", question)
    if "QUERY" in question:
        return _metric(service, question)
    rules, now = _rules(service, question)
    for rule in rules:
        _check_evaluated(rule, now)
    found = [alert for rule in rules for alert in rule["alerts"] if _is_meant(alert, question)]
    if question["WANTED"] == "firing":
        return annotated(_firing(service, question, rules, found))
    _check_resolved(service, question, found)
    return {}


def annotated(alert: Mapping[str, Any]) -> Mapping[str, str]:
    """Where `alert` sends whoever it wakes, by its `runbook_url`; nothing where it says nothing of that."""
    url = alert.get("annotations", {}).get("runbook_url")
    return {"url": url} if url else {}


def service_of(name: str, question: Question) -> AskedService:
    """The service called `name` at the address in question, with its token."""
    headers = {"Accept": "application/json"}
    if token := question.get("TOKEN"):
        pair = f"{question.get('USER', '')}:{token}".encode()
        basic = f"Basic {base64.b64encode(pair).decode()}"
        headers["Authorization"] = basic if question.get("USER") else f"Bearer {token}"
    return AskedService(f"{name} at {question['URL']}", question["URL"], headers, float(question.get("SECONDS", "10")))


def labels_of(question: Question) -> Mapping[str, str]:
    """The labels that the alert in question must have."""
    labels: Mapping[str, str] = json.loads(question.get("LABELS") or "{}")
    return labels


def in_words(labels: Mapping[str, Any]) -> str:
    """Labels as Prometheus writes them, without the alert's name."""
    return short(", ".join(f'{key}="{value}"' for key, value in labels.items() if key != "alertname"))


def time_of(text: str) -> datetime:
    """The time in an answer, which has up to nine digits after the second."""
    head, _, tail = text.partition(".")
    zone = tail.lstrip("0123456789")
    return datetime.fromisoformat(head + zone if tail else text)


def since(text: str) -> str:
    """`since 2026-03-01T02:00:00Z`, of a time in an answer."""
    return f"since {time_of(text).astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _rules(service: AskedService, question: Question) -> tuple[Sequence[Mapping[str, Any]], datetime]:
    name = question["ALERT"]
    data, told = _data(service, "/api/v1/rules", [("type", "alert"), ("rule_name[]", name)])
    alerting = [
        {"interval": group["interval"], **rule}
        for group in data["groups"]
        for rule in group["rules"]
        if rule["type"] == "alerting" and rule["name"] == name
    ]
    if not alerting:
        raise UnknownError(f"{service.name} has no alerting rule {name}")
    return alerting, told.at


def _data(service: AskedService, path: str, query: Sequence[tuple[str, str]]) -> tuple[Mapping[str, Any], Any]:
    content, told = service.get(path, query)
    if not isinstance(content, dict) or content.get("status") != "success" or not isinstance(content["data"], dict):
        raise service.malformed()
    if warnings := content.get("warnings"):
        raise UnknownError(f"{service.name} does not know all of it: {short('; '.join(map(str, warnings)))}")
    return content["data"], told


def _check_evaluated(rule: Mapping[str, Any], now: datetime) -> None:
    """That the rule was evaluated, with success, and a short time ago."""
    name, last = rule["name"], time_of(rule["lastEvaluation"])
    if rule["health"] == "unknown" or last.year == 1:
        raise UnknownError(f"unknown: the rule {name} has not been evaluated yet")
    if rule["health"] != "ok":
        raise UnknownError(f"unknown: the rule {name} cannot be evaluated: {short(str(rule.get('lastError', '')))}")
    age = (now - last).total_seconds()
    if age > _MISSED * rule["interval"] + _SLACK:
        every = f"it should be every {rule['interval']:g} s"
        raise UnknownError(f"stale: the rule {name} was last evaluated {age:.0f} s ago, and {every}")


def _is_meant(alert: Mapping[str, Any], question: Question) -> bool:
    labels: Mapping[str, str] = alert["labels"]
    return labels_of(question).items() <= labels.items()


def _firing(
    service: AskedService,
    question: Question,
    rules: Sequence[Mapping[str, Any]],
    found: Sequence[Mapping[str, Any]],
) -> Mapping[str, Any]:
    name = question["ALERT"]
    if firing := next((alert for alert in found if alert["state"] == "firing"), None):
        return firing
    if found:
        wait = max(rule["duration"] for rule in rules)
        when = since(found[0]["activeAt"])
        raise OtherwiseError(f"{name} is pending {when}, and not firing yet: it fires after {wait:g} s")
    has_data = bool(question.get("DATA")) and bool(_series(service, question["DATA"]))
    raise (OtherwiseError if has_data else UnknownError)(f"{name} is not firing")


def _check_resolved(service: AskedService, question: Question, found: Sequence[Mapping[str, Any]]) -> None:
    name = question["ALERT"]
    for alert in sorted(found, key=lambda each: str(each["state"])):  # firing before pending
        state = "still firing" if alert["state"] == "firing" else "pending"
        value = f", with the value {float(alert['value']):g}" if "value" in alert else ""
        where = f" ({words})" if (words := in_words(alert["labels"])) else ""
        raise UnknownError(f"{name} is {state} {since(alert['activeAt'])}{value}{where}")
    if not _series(service, question["DATA"]):
        raise UnknownError(f"no data: {question['DATA']} gives nothing, so nobody knows whether {name} has resolved")


def _series(service: AskedService, query: str) -> Sequence[tuple[Mapping[str, str], float]]:
    """The labels and the value of each series that `query` gives now."""
    data, _ = _data(service, "/api/v1/query", [("query", query)])
    if data["resultType"] == "scalar":
        return [({}, float(data["result"][1]))]
    if data["resultType"] != "vector":
        raise UnknownError(f"the query gives a {data['resultType']}; ask for values at one moment")
    return [(each["metric"], float(each["value"][1])) for each in data["result"]]


def _metric(service: AskedService, question: Question) -> Mapping[str, Any]:
    return values(service.name, _series(service, question["QUERY"]), question)


def values(name: str, series: Sequence[tuple[Mapping[str, str], float]], question: Question) -> Mapping[str, Any]:
    """The `value` of the one series, or the `values` of several where the question takes them.

    Raises:
        UnknownError: there is none, or no number, or more than one where one is wanted.
    """
    if not series:
        raise UnknownError(f"no data: {name} has no series for this query")
    for labels, value in series:
        if not math.isfinite(value):
            of = f" of {words}" if (words := in_words(labels)) else ""
            raise UnknownError(f"no number: the value{of} is {value}")
    if question.get("SERIES") == "several":
        return {"values": [value for _, value in series]}
    if len(series) > 1:
        some = "; ".join(in_words(labels) or "-" for labels, _ in series[:3])
        hint = "make one of them, as by sum(), or judge all `values`"
        raise UnknownError(f"{len(series)} series, where one is wanted ({short(some)}); {hint}")
    return {"value": series[0][1]}


if __name__ == "__main__":
    answer(look)
