"""Asks Alertmanager whether an alert is firing or has resolved.

python3 -m probes.alertmanager, with the question in PROBE_ variables. The API is version 2 of
https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .asked_service import AskedService, OtherwiseError, UnknownError, answer
from .probe_question import Question
from .prometheus import annotated, in_words, labels_of, service_of, since, time_of


def look(question: Question, _now: float) -> Mapping[str, Any]:
    """That the alert is as it is wanted.

    Raises:
        UnknownError: it is not, or nobody can tell.
    """
    service, name = service_of("Alertmanager", question), question["ALERT"]
    found = _alerts(service, {"alertname": name, **labels_of(question)})
    if question["WANTED"] == "firing":
        if not found:
            _check_is_told(service, question)
            raise OtherwiseError(f"{name} is not firing")
        return annotated(found[0])
    for alert in found:
        raise UnknownError(_state(name, alert))
    _check_is_told(service, question)
    return {}


def _alerts(service: AskedService, labels: Mapping[str, str]) -> Sequence[Mapping[str, Any]]:
    """The alerts with these labels that have not resolved, whether or not somebody is told of them."""
    query = [("filter", f'{key}="{_escaped(value)}"') for key, value in labels.items()]
    found, told = service.get("/api/v2/alerts", query)
    if not isinstance(found, list):
        raise service.malformed()
    return [alert for alert in found if time_of(alert["endsAt"]) > told.at]


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _state(name: str, alert: Mapping[str, Any]) -> str:
    status = alert["status"]
    where = f" ({words})" if (words := in_words(alert["labels"])) else ""
    if status.get("silencedBy"):
        return f"{name} is silenced by {', '.join(status['silencedBy'])}, which is not resolved{where}"
    if status.get("inhibitedBy"):
        return f"{name} is inhibited by another alert, which is not resolved{where}"
    return f"{name} is still firing {since(alert['startsAt'])}{where}"


def _check_is_told(service: AskedService, question: Question) -> None:
    """That Prometheus tells it of alerts: one that always fires, the heartbeat, is there.

    It forgets an alert that nobody repeats, so an alert that is not there may only be one of which nobody tells it.
    """
    heartbeat = question["HEARTBEAT"]
    if not _alerts(service, {"alertname": heartbeat}):
        never = f"the alert {heartbeat}, which always fires, is not there"
        raise UnknownError(f"no data: {never}, so nobody knows whether {service.name} is told of alerts")
    status, told = service.get("/api/v2/status")
    up, lag = (told.at - time_of(status["uptime"])).total_seconds(), float(question["LAG"])
    if up < lag:
        raise UnknownError(
            f"unknown: {service.name} was started {up:.0f} s ago, and is told of everything in {lag:g} s"
        )


if __name__ == "__main__":
    answer(look)
