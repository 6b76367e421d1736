"""Where an alert is looked up: in Prometheus, in Alertmanager, or as a monitor of Datadog."""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Self

from pydantic import Field, model_validator

from runner.core.fields import Limit, Model, Text
from runner.core.templates import Template
from runner.kinds.verifications.monitoring.probe_program import Address, Confidential

DATADOG = "https://api.datadoghq.com"
_NEEDS = {
    "prometheus": ("alert", "data"),
    "alertmanager": ("alert",),
    "datadog": ("monitor", "api_key", "app_key"),
}
"""What must be said of an alert in each service."""
_TAKES = {
    "prometheus": {"labels", "token", "user"},
    "alertmanager": {"labels", "token", "user", "heartbeat"},
    "datadog": set[str](),
}
"""What may be said besides; `lag` of each."""
_LAGS = {"prometheus": 60, "alertmanager": 300, "datadog": 60}
"""Seconds: Prometheus evaluates its rules each minute unless it is told otherwise, and so does Datadog its monitors.

Alertmanager has forgotten an alert that nobody repeats after 5 minutes (`resolve_timeout`).
"""
_HELP = {
    "alert": "`alert`, its name there",
    "data": "`data`, an expression that gives something as long as the alert can be judged: without one, an exporter "
    "that has died looks like an alert that has resolved",
}


class AlertSource(Model):
    """The service that knows an alert, what the alert is called there, and how the service is asked."""

    prometheus: Address | None = Field(
        default=None, description="Prometheus' address: a URL, or the {{ variable }} of the inventory that has it"
    )
    alertmanager: Address | None = Field(default=None, description="Alertmanager's address, in its place")
    datadog: Address | None = Field(
        default=None, description="The address of Datadog's API, in its place; https://api.datadoghq.com by default"
    )
    alert: Text | None = Field(default=None, description="The alert's name there; in the registry its `alertname`")
    labels: dict[str, Template] = Field(default={}, description="The labels that the alert must have")
    data: Text | None = Field(
        default=None,
        description="Of Prometheus: an expression that gives something as long as the alert can be judged, for an "
        "exporter that has died looks like an alert that has resolved; vector(1) where nothing can be missing",
    )
    heartbeat: Text | None = Field(
        default=None,
        description="Of Alertmanager: an alert that always fires, Watchdog by default; without it nothing is known",
    )
    monitor: int | None = Field(default=None, description="Of Datadog: the monitor's number")
    api_key: Confidential | None = Field(
        default=None, description="Of Datadog: where the API key is, like env:DD_API_KEY"
    )
    app_key: Confidential | None = Field(
        default=None, description="Of Datadog: where the application key is, like env:DD_APP_KEY"
    )
    token: Confidential | None = Field(default=None, description="Where a token is, if one is needed, like env:TOKEN")
    user: Template | None = Field(
        default=None, description="With a user, the token is his password (basic authentication)"
    )
    lag: Limit | None = Field(
        default=None,
        description="How long after its cause an alert may still be there: 1m in Prometheus and Datadog, 5m in "
        "Alertmanager unless this says otherwise",
    )

    @model_validator(mode="after")
    def _of_one_service(self) -> Self:
        if self.unresolved:
            return self
        named = [name for name in _NEEDS if getattr(self, name) is not None]
        if len(named) != 1 and not (not named and self.monitor):
            raise ValueError("needs one of prometheus, alertmanager and datadog")
        allowed = {self.service, *_NEEDS[self.service], *_TAKES[self.service], "lag"}
        if strange := sorted(self.model_fields_set & set(AlertSource.model_fields) - allowed):
            raise ValueError(f"has `{strange[0]}`, which is nothing for {self.service}")
        return self

    @property
    def unresolved(self) -> bool:
        """Whether nothing is known yet but what the alert is called in the registry."""
        return False

    @property
    def service(self) -> str:
        """Which service it is."""
        return next((name for name in _NEEDS if getattr(self, name) is not None), "datadog")

    def called(self, alertname: str | None) -> Self:
        """The same, with the name that the alert has in the registry where it has none here."""
        named = alertname and not self.alert and self.service != "datadog"
        return self.model_copy(update={"alert": alertname}) if named else self

    @property
    def delay(self) -> timedelta:
        """For how long the alert may still be there after its cause is gone."""
        return self.lag or timedelta(seconds=_LAGS[self.service])

    @property
    def missing(self) -> str:
        """What must still be said; empty where nothing is missing."""
        names = [name for name in _NEEDS[self.service] if getattr(self, name) is None]
        return _HELP.get(names[0], f"`{names[0]}`") if names else ""

    def question(self) -> Mapping[str, Any]:
        """What a program asks."""
        address = self.prometheus or self.alertmanager or self.datadog or DATADOG
        common = {"url": address, "token": self.token, "user": self.user}
        if self.service == "datadog":
            return {"url": address, "monitor": self.monitor, "api_key": self.api_key, "app_key": self.app_key}
        labels = json.dumps(self.labels) if self.labels else None
        named = {**common, "alert": self.alert, "labels": labels}
        if self.service == "prometheus":
            return {**named, "data": self.data}
        return {**named, "heartbeat": self.heartbeat or "Watchdog", "lag": f"{self.delay.total_seconds():g}"}
