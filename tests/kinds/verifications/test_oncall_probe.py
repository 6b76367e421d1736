"""`oncall`: somebody is on call now, and still will be after a while, whoever that is then."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from harness.bench import Bench, step
from harness.fault_server import Request
from harness.pagerduty_contract import rest_faults
from werkzeug import Response

from runner.kinds.verifications.oncall_probe import OnCall

TOKEN = "the-key-of-the-rest-api"


def shift(name, begin, end):
    """A shift of so many minutes from now; None is for ever."""
    times = [
        None if at is None else (datetime.now(UTC) + timedelta(minutes=at)).strftime("%Y-%m-%dT%H:%M:%SZ")
        for at in (begin, end)
    ]
    user = {"id": "PUSER01", "type": "user_reference", "summary": name}
    return {"user": user, "start": times[0], "end": times[1], "escalation_level": 1}


def shifts():
    """Who is on call as it is seen now: a test may be made long after this file was read."""
    return {
        "FOREVER": [shift("Ada", None, None)],
        "HANDOVER": [shift("Ada", -60, 10), shift("Bob", 10, 120)],
        "UNTIL10": [shift("Ada", -60, 10)],
        "FROM10": [shift("Bob", 10, 120)],
        "NOBODY": [],
    }


@pytest.fixture
def bench(tmp_path):
    made = Bench(tmp_path, {"PAGERDUTY_TOKEN": TOKEN})
    made.hosts()
    return made


def answer(request):
    name = (request.args.get("schedule_ids[]") or request.args["escalation_policy_ids[]"])[1:]
    if name == "BROKEN":
        return Response(json.dumps({"error": {"message": "Internal Server Error", "code": 5000}}), status=500)
    return Response(json.dumps({"oncalls": shifts()[name]}), mimetype="application/json")


def faults_of(request, response):
    headers, path = dict(request.headers), f"{request.path}?{request.query_string.decode()}"
    sent = Request(path, headers, request.get_data(), "ok", request.method)
    return rest_faults(sent, (response.status_code, response.get_data()))


@pytest.mark.live
def test_who_is_on_call_is_asked_from_this_machine(bench, httpserver):
    # Given a schedule for each way in which somebody is there, or nobody
    httpserver.expect_request("/oncalls").respond_with_handler(answer)
    token = {"type": "secret", "help": "Reads who is on call", "default": "env:PAGERDUTY_TOKEN"}
    oncall = {"token": "{{ token }}", "url": httpserver.url_for("").rstrip("/")}
    checks = [
        step(name.lower(), "true", verify=[{"oncall": {**oncall, "schedule": f"P{name}"}}], on_failure="continue")
        for name in [*shifts(), "BROKEN"]
    ]
    bench.write(*checks, inputs={"token": token}, prerequisites=[{"oncall": {**oncall, "policy": "PFOREVER"}}])
    # When the runbook is done
    ran = bench.run()
    # Then those steps passed during which somebody is there all the time
    ended = {event["step"]: event["data"]["outcome"] for event in ran.events if event["type"] == "step.finished"}
    assert ended == {
        "prerequisite-1": "passed",
        "forever": "passed",
        "handover": "passed",
        "until10": "failed",
        "from10": "failed",
        "nobody": "failed",
        "broken": "failed",
    }, ran.err
    # And why not is said in words
    judged = [event for event in ran.events if event["type"] == "verification.finished"]
    why = {event["step"]: event["data"]["reason"] for event in judged if "reason" in event["data"]}
    assert why == {
        "until10": "in 30m nobody is on call any more",
        "from10": "nobody is on call",
        "nobody": "nobody is on call",
        "broken": "PagerDuty answered 500, and nobody knows who is on call",
    }
    # And who was asked was asked for half an hour, with a key that is seen nowhere
    asked = [request for request, _ in httpserver.log]
    assert {request.headers["Authorization"] for request in asked} == {f"Token token={TOKEN}"}
    since, until = (datetime.fromisoformat(asked[0].args[key]) for key in ("since", "until"))
    assert until - since == timedelta(minutes=30)
    # And each request, and each answer that stands for PagerDuty's, is as PagerDuty has it
    assert [fault for request, response in httpserver.log for fault in faults_of(request, response)] == []
    assert TOKEN not in ran.out + ran.err


@pytest.mark.parametrize(
    ("written", "complaint"),
    [
        ({}, "needs a `schedule` or a `policy`, and not both"),
        ({"schedule": "PABC123", "policy": "PABC124"}, "needs a `schedule` or a `policy`, and not both"),
        ({"schedule": "PABC123", "url": "http://pagerduty.example"}, "must begin with https://: a token is sent there"),
    ],
)
def test_a_query_that_makes_no_sense_is_refused(written, complaint, refusals):
    assert refusals(OnCall, oncall={"token": "{{ t }}", **written}) == [complaint]


def test_what_is_expected_is_said_in_words():
    kind = OnCall.model_validate({"oncall": {"token": "{{ t }}", "schedule": "PABC123", "for": "1h"}})

    assert kind.describe() == "Somebody is on call for the next 1h (schedule PABC123 in PagerDuty)"
