"""`metric`: the value of a query to Prometheus, Datadog or CloudWatch."""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from runner.core.fields import Limit, Model, Text
from runner.core.templates import Template, names_in
from runner.kinds.base import ReadEntry
from runner.kinds.values import Condition
from runner.kinds.verifications.monitoring.alert_source import DATADOG
from runner.kinds.verifications.monitoring.probe_program import Address, AsksForValue, Confidential

_PROMETHEUS = "{{ prometheus_url }}"
_FRESH = timedelta(minutes=5)
_TAKES = {
    "prometheus": {"token", "user"},
    "datadog": {"api_key", "app_key", "fresh"},
    "cloudwatch": {"region", "profile", "period", "fresh"},
}
"""What may be said besides, to each service."""


class CloudWatchMetric(Model):
    """A metric of CloudWatch."""

    namespace: Template = Field(description="Its namespace: AWS/RDS")
    metric: Template = Field(description="Its name: DatabaseConnections")
    dimensions: dict[str, Template] = Field(default={}, description="Its dimensions: {DBInstanceIdentifier: shop}")
    statistic: Text = Field(default="Average", description="The statistic: Average, Maximum, p99, ...")


class MetricQuery(Model):
    """What is asked for, of whom, and what is good."""

    from_: Literal["prometheus", "datadog", "cloudwatch"] = Field(alias="from", description="Who is asked")
    query: Template | CloudWatchMetric = Field(
        description="The query in the language of the service; of CloudWatch an expression, or a metric"
    )
    that: Condition = Field(description="What must hold of `value`, or of the `values` of several series")
    url: Address | None = Field(
        default=None, description="The address; by default {{ prometheus_url }} of the inventory, or the service's own"
    )
    token: Confidential | None = Field(
        default=None, description="Of Prometheus: where a token is, if one is needed, like env:TOKEN"
    )
    user: Template | None = Field(
        default=None, description="With a user, the token is his password (basic authentication)"
    )
    api_key: Confidential | None = Field(
        default=None, description="Of Datadog: where the API key is; env:DD_API_KEY by default"
    )
    app_key: Confidential | None = Field(
        default=None, description="Of Datadog: where the application key is; env:DD_APP_KEY by default"
    )
    region: Template | None = Field(
        default=None, description="Of CloudWatch: the region; that of the user's settings by default"
    )
    profile: Template | None = Field(default=None, description="Of CloudWatch: the profile of AWS' tools that is used")
    period: Limit | None = Field(default=None, description="Of CloudWatch: the length of a period; 1m by default")
    fresh: Limit | None = Field(
        default=None, description="Of Datadog and CloudWatch: how old the newest value may be; 5m by default"
    )

    @model_validator(mode="after")
    def _of_its_service(self) -> Self:
        every = set[str]().union(*_TAKES.values())
        if strange := sorted(self.model_fields_set & (every - _TAKES[self.from_])):
            raise ValueError(f"has `{strange[0]}`, which is nothing for {self.from_}")
        if isinstance(self.query, CloudWatchMetric) and self.from_ != "cloudwatch":
            raise ValueError(f"asks {self.from_} for a metric of CloudWatch; write the query as a text")
        if self.from_ == "datadog" and not (self.api_key and self.app_key):
            raise ValueError("needs `api_key` and `app_key`, like env:DD_API_KEY and env:DD_APP_KEY")
        if not {"value", "values"} & names_in(f"{{{{ {self.that} }}}}"):
            raise ValueError("looks neither at `value` nor at `values`")
        return self


class Metric(AsksForValue):
    """The value of a query, asked on the machine where runbookctl runs.

    It is never good where there is no series, a value that is no number, or one that is too old. `value` is that of the
    only series; a condition that names `values` takes several.
    """

    key = "metric"
    secrets = ("token", "api_key", "app_key")
    seen = ("value", "values")
    example = """\
- says: Less than 0.5 % of the requests fail
  metric:
    from: prometheus
    query: sum(rate(http_requests_total{status=~"5.."}[5m])) / sum(rate(http_requests_total[5m]))
    that: value < 0.005
  within: 5m
"""

    metric: MetricQuery

    @classmethod
    def completed(cls, value: Any, entry: ReadEntry) -> Any:
        """The query, with where it is asked unless it says so."""
        asks = isinstance(value, dict) and value.get("from") == "prometheus" and "url" not in value
        return {**value, "url": _PROMETHEUS} if asks else value

    def program(self) -> str:
        """That of its service."""
        return self.metric.from_

    def question(self) -> Mapping[str, Any]:
        """The query, and whether it may have several series."""
        asked = self.metric
        several = "several" if "values" in names_in(f"{{{{ {asked.that} }}}}") else "one"
        common = {
            "url": asked.url or {"prometheus": _PROMETHEUS, "datadog": DATADOG}.get(asked.from_),
            "series": several,
        }
        if asked.from_ == "prometheus":
            return {**common, "query": asked.query, "token": asked.token, "user": asked.user}
        common["fresh"] = f"{(asked.fresh or _FRESH).total_seconds():g}"
        if asked.from_ == "datadog":
            return {**common, "query": asked.query, "api_key": asked.api_key, "app_key": asked.app_key}
        query = asked.query if isinstance(asked.query, str) else asked.query.model_dump()
        period = f"{(asked.period or timedelta(minutes=1)).total_seconds():.0f}"
        settings = {"region": asked.region, "profile": asked.profile, "period": period}
        return {**common, "query": json.dumps(query), **settings}

    def describe(self) -> str:
        """The query and the condition."""
        query = self.metric.query
        asked = query if isinstance(query, str) else f"{query.statistic} of {query.metric}"
        return f"{self.metric.that} ({asked}, from {self.metric.from_})"
