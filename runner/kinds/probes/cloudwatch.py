"""Asks CloudWatch for the newest value of a metric, or of an expression.

python3 -m probes.cloudwatch, with the question in PROBE_ variables.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree as ET

from .asked_service import UnknownError, answer
from .aws import AwsService, RefusedError, refused
from .datadog import WINDOWS, newest
from .probe_question import Question
from .prometheus import time_of

_QUERY = "MetricDataQueries.member.1"


def look(question: Question, now: float) -> Mapping[str, Any]:
    """The newest value.

    Raises:
        UnknownError: there is none.
    """
    service = AwsService.of("monitoring", "2010-08-01", question)
    begin = now - WINDOWS * float(question["FRESH"])
    form = {"StartTime": _stamp(begin), "EndTime": _stamp(now), "ScanBy": "TimestampDescending", **_query(question)}
    try:
        tree = service.ask("GetMetricData", form, now)
    except RefusedError as refusal:
        raise refused(refusal) from None
    series = [found for result in tree.iterfind(".//MetricDataResults/member") for found in _newest(result)]
    return newest(f"CloudWatch in {service.region}", series, question, now=now)


def _stamp(moment: float) -> str:
    return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%dT%H:%M:%SZ}"


def _query(question: Question) -> Mapping[str, str]:
    """The form of one query: an expression, or a metric with its dimensions."""
    query, period = json.loads(question["QUERY"]), question["PERIOD"]
    form = {f"{_QUERY}.Id": "q1", f"{_QUERY}.ReturnData": "true"}
    if isinstance(query, str):
        return {**form, f"{_QUERY}.Expression": query, f"{_QUERY}.Period": period}
    stat = f"{_QUERY}.MetricStat"
    form |= {f"{stat}.Metric.Namespace": query["namespace"], f"{stat}.Metric.MetricName": query["metric"]}
    form |= {f"{stat}.Stat": query["statistic"], f"{stat}.Period": period}
    for number, (name, value) in enumerate(query["dimensions"].items(), 1):
        at = f"{stat}.Metric.Dimensions.member.{number}"
        form |= {f"{at}.Name": name, f"{at}.Value": value}
    return form


def _newest(result: ET.Element) -> Iterator[tuple[Mapping[str, str], tuple[float, float]]]:
    """The label of a series with its newest point, if it has any."""
    status = result.findtext("StatusCode", "Complete")
    if status not in ("Complete", "PartialData"):  # the newest come first, so those of a part are the newest
        raise UnknownError(f"CloudWatch cannot answer the query: its status is {status}")
    times = [time_of(each.text or "").timestamp() for each in result.iterfind("Timestamps/member")]
    points = [float(each.text or "") for each in result.iterfind("Values/member")]
    if points:
        yield {"label": result.findtext("Label", "")}, max(zip(times, points, strict=False))


if __name__ == "__main__":
    answer(look)
