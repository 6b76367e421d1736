"""A trend as a run sees it: the first look, those that follow, and what a person is told of them."""

from __future__ import annotations

import json

import pytest
from harness.bench import Bench, step
from werkzeug import Response


@pytest.mark.live
def test_a_value_is_watched_until_it_has_gone_far_enough(tmp_path, httpserver):
    # Given a value that falls by 7 with each look, a server whose value does so, and a look that gives no number
    bench = Bench(tmp_path)
    bench.hosts()
    left = iter(range(100, 0, -7))
    httpserver.expect_request("/pool").respond_with_handler(lambda _: _json({"used": next(left)}))

    def counts(name, **query):
        (tmp_path / name).write_text("100")
        count = f"v=$(cat {tmp_path}/{name}); echo $v; echo $((v - 7)) > {tmp_path}/{name}"
        query = {"that": "stdout | int", "falls": None, "within": "2s", **query}
        return {"command": ["bash", "-c", count], "trend": query, "every": "100ms"}

    server = {"http": httpserver.url_for("/pool"), "trend": {"that": "json.used", "falls": None, "within": "5s"}}
    bench.write(
        step(
            "falls", "true", verify=[{**counts("a", by="10 %", within="9s"), "says": "It falls"}], on_failure="continue"
        ),
        step("server", "true", verify=[{**server, "every": "100ms"}], on_failure="continue"),
        step("stays", "true", verify=[counts("b", by=5000)], on_failure="continue"),
        step("rises", "true", verify=[counts("c", that="stdout", within="9s")], on_failure="continue"),
    )
    # When it is run
    ran = bench.run()
    # Then it has passed as soon as it was far enough, and says the first, the worst and the last value
    ended = {e["step"]: e["data"] for e in ran.events if e["type"] == "verification.finished"}
    assert {name: data["outcome"] for name, data in ended.items()} == {
        "falls": "passed",
        "server": "passed",
        "stays": "failed",
        "rises": "failed",
    }, ran.err
    assert (ended["falls"]["trend"], ended["server"]["trend"]) == (["100", "93", "86"], ["100", "93"])
    assert ended["falls"]["seen"]["values"] == {"trend_first": "100", "trend_now": "86"}
    assert ended["falls"]["seen"]["first"] == ended["falls"]["seen"]["worst"] == {"trend_now": "100"}
    # And what is not far enough in time, or no number, says so
    assert ended["stays"]["reason"].startswith("trend_now <= trend_first - 5000 is not true after ")
    assert ended["rises"]["reason"] == 'the first look gives no number to compare with: trend_now = "100"'
    # And the report has the values of each look
    (report,) = bench.state.glob("runs/*/report.md")
    assert "saw 100 to 86" in report.read_text()
    assert "trend_now = 86 (first 100, worst 100)" in report.read_text()


def _json(value):
    return Response(json.dumps(value), mimetype="application/json")
