"""Asks Datadog how a monitor stands, or for the newest value of a query.

python3 -m probes.datadog, with the question in PROBE_ variables. The API is https://docs.datadoghq.com/api/latest/
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .asked_service import AskedService, OtherwiseError, UnknownError, answer
from .probe_question import Question
from .prometheus import values

_WORDS = {
    "Alert": "still in alert",
    "Warn": "above its warning threshold, which is not resolved",
    "No Data": "without data, so nobody knows whether it has resolved",
    "Skipped": "skipped, so nobody knows whether it has resolved",
    "Ignored": "ignored, so nobody knows whether it has resolved",
    "Unknown": "unknown, so nobody knows whether it has resolved",
}
"""The states of a monitor that are not resolved, in words."""
WINDOWS = 4
"""For how many times the age that a value may have it is asked, to tell an old one from none."""


def look(question: Question, now: float) -> Mapping[str, Any]:
    """What Datadog says: a value, or that a monitor is as it is wanted.

    Raises:
        UnknownError: it is not, or nobody can tell.
    """
    headers = {"DD-API-KEY": question["API_KEY"], "DD-APPLICATION-KEY": question["APP_KEY"]}
    seconds = float(question.get("SECONDS", "10"))
    service = AskedService(f"Datadog at {question['URL']}", question["URL"], headers, seconds)
    if "QUERY" in question:
        return _metric(service, question, now)
    _check_monitor(service, question)
    return {}


def _check_monitor(service: AskedService, question: Question) -> None:
    number = question["MONITOR"]
    monitor, told = service.get(f"/api/v1/monitor/{number}", [("with_downtimes", "true")])
    state, name = monitor["overall_state"], f"the monitor {number}"
    if question["WANTED"] == "firing":
        if state != "Alert":
            error = OtherwiseError if state in {"OK", "Warn"} else UnknownError
            raise error(f"{name} is not in alert: its state is {state}")
        return
    if state != "OK":
        raise UnknownError(f"{name} is {_WORDS.get(state, f'in the state {state}, which is not resolved')}")
    if monitor.get("matching_downtimes"):
        raise UnknownError(f"{name} is muted by a downtime, so its state is not taken for resolved")
    until = (monitor.get("options") or {}).get("silenced") or {}
    if any(end is None or end > told.at.timestamp() for end in until.values()):
        raise UnknownError(f"{name} is muted, so its state is not taken for resolved")


def _metric(service: AskedService, question: Question, now: float) -> Mapping[str, Any]:
    begin = now - WINDOWS * float(question["FRESH"])
    query = [("from", str(int(begin))), ("to", str(int(now))), ("query", question["QUERY"])]
    found, _ = service.get("/api/v1/query", query)
    if found.get("status") != "ok":
        raise UnknownError(f"{service.name} cannot answer the query: {found.get('error') or found.get('message')}")
    series = [(_labels(each), _newest(each["pointlist"])) for each in found["series"]]
    return newest(service.name, [(labels, point) for labels, point in series if point], question, now=now)


def _labels(series: Mapping[str, Any]) -> Mapping[str, str]:
    return dict(tag.partition(":")[::2] for tag in series.get("tag_set") or ())


def _newest(points: Sequence[Sequence[float | None]]) -> tuple[float, float] | None:
    """The time, in seconds, and the value of the newest point that has one."""
    known = [(float(at) / 1000, float(value)) for at, value in points if at is not None and value is not None]
    return max(known, default=None)


def newest(
    name: str, series: Sequence[tuple[Mapping[str, str], tuple[float, float]]], question: Question, *, now: float
) -> Mapping[str, Any]:
    """The newest value of each series, by its time and value; none may be older than the question says.

    Raises:
        UnknownError: one is, or as `values` says.
    """
    for _, (at, _) in series:
        if now - at > float(question["FRESH"]):
            raise UnknownError(f"stale: the newest value is {now - at:.0f} s old")
    return values(name, [(labels, value) for labels, (_, value) in series], question)


if __name__ == "__main__":
    answer(look)
