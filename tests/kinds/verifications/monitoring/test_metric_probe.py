"""`metric`: which value is asked for, of whom, and what must hold of it."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from runner.kinds.verifications.monitoring.metric_probe import Metric

DATADOG = {"from": "datadog", "query": "avg:system.load.1{*}", "api_key": "env:DD_API_KEY", "app_key": "env:DD_APP_KEY"}
CLOUDWATCH = {"from": "cloudwatch", "query": {"namespace": "AWS/RDS", "metric": "DatabaseConnections"}}


def metric(**written):
    return Metric.model_validate({"metric": {"that": "value < 0.005", **written}})


@pytest.mark.parametrize(
    ("written", "complaint"),
    [
        ({"from": "prometheus", "query": "up", "region": "eu"}, "has `region`, which is nothing for prometheus"),
        (
            {"from": "prometheus", "query": CLOUDWATCH["query"]},
            "asks prometheus for a metric of CloudWatch; write the query as a text",
        ),
        ({"from": "datadog", "query": "a"}, "needs `api_key` and `app_key`, like env:DD_API_KEY and env:DD_APP_KEY"),
        ({"from": "prometheus", "query": "up", "that": "row.used < 5"}, "looks neither at `value` nor at `values`"),
    ],
)
def test_a_query_that_makes_no_sense_is_refused(written, complaint, refusals):
    (message,) = refusals(Metric, metric={"that": "value < 1", **written})
    assert complaint in message


@pytest.mark.parametrize(
    ("written", "asked"),
    [
        (
            {"from": "prometheus", "query": "up", "that": "values | min == 1"},
            {"PROBE_URL": "{{ prometheus_url }}", "PROBE_SERIES": "several", "PROBE_QUERY": "up"},
        ),
        (
            DATADOG | {"fresh": "2m"},
            {
                "PROBE_URL": "https://api.datadoghq.com",
                "PROBE_SERIES": "one",
                "PROBE_FRESH": "120",
                "PROBE_QUERY": "avg:system.load.1{*}",
                "PROBE_API_KEY": "env:DD_API_KEY",
                "PROBE_APP_KEY": "env:DD_APP_KEY",
            },
        ),
        (
            CLOUDWATCH | {"region": "eu-central-1", "period": "5m", "fresh": "20m"},
            {
                "PROBE_SERIES": "one",
                "PROBE_FRESH": "1200",
                "PROBE_QUERY": json.dumps({**CLOUDWATCH["query"], "dimensions": {}, "statistic": "Average"}),
                "PROBE_REGION": "eu-central-1",
                "PROBE_PERIOD": "300",
            },
        ),
    ],
)
def test_the_service_is_asked(written, asked):
    assert metric(**written).probe(timedelta(seconds=10)).environment == {**asked, "PROBE_SECONDS": "9"}


def test_it_holds_only_with_a_value():
    kind = metric(**CLOUDWATCH)

    assert kind.conditions(None) == ("problem == ''", "value < 0.005")
    assert kind.expressions == ("value < 0.005",)
    assert kind.describe() == "value < 0.005 (Average of DatabaseConnections, from cloudwatch)"
    assert metric(**{"from": "prometheus", "query": "up"}).describe() == "value < 0.005 (up, from prometheus)"
