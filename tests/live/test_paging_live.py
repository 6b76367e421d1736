"""A run that fails calls somebody, and one that passes later says that it is over."""

from __future__ import annotations

import json

from harness.bench import kill, step
from harness.engine import FAILED
from harness.fault_server import FaultServer

POLICY = {"when": ["step_failed"], "contacts": ["on-call"], "provide": ["timeline", "actions"]}


def contacts(url):
    return (
        "owners: {name: Owners}\n"
        f"on-call: {{name: On-call, level: L2, channels: [{{pagerduty: {{routing_key: 'env:KEY', url: '{url}'}}}}]}}\n"
    )


FAILS = {"act action": FAILED}
"""For a stand-in for Ansible, where the test is about the page of a run that fails, and not about the run."""


def failing_then_passing(bench, server, **changes):
    bench.environment = {"KEY": "R" * 32}
    flag = bench.directory / "healthy"
    words = f"test -e {flag}"
    bench.write(step("act", words, on_failure="escalate"), contacts=contacts(server.url), escalation=POLICY, **changes)
    return flag


def test_a_failed_run_triggers_and_a_later_one_resolves_the_same_incident(bench):
    with FaultServer("ok") as server:
        flag = failing_then_passing(bench, server)

        failed = bench.run()
        flag.touch()
        passed = bench.run()
        again = bench.run()

    trigger, resolve = server.events
    assert (failed.code, passed.code, again.code) == (3, 0, 0)
    assert (trigger["event_action"], resolve["event_action"]) == ("trigger", "resolve")
    assert trigger["dedup_key"] == resolve["dedup_key"]
    assert trigger["payload"]["severity"] == "warning"
    details = trigger["payload"]["custom_details"]
    assert set(details) >= {"timeline", "actions", "run", "audit head"}
    assert any("Act" in line and "failed" in line for line in details["timeline"].splitlines())


def test_a_page_that_does_not_arrive_is_recorded_printed_and_in_the_exit_code(bench):
    with FaultServer("400") as server:
        failing_then_passing(bench, server)
        bench.answers = FAILS
        ran = bench.command("run", "RUN-900", "-i", str(bench.inventory), "--yes")

    paged = next(record for record in bench.records() if record["type"] == "runbook.page.finished")
    finished = next(record for record in bench.records() if record["type"] == "runbook.run.finished")
    assert ran.code == 8
    assert "on-call was not reached by pagerduty" in ran.err
    assert paged["data"]["runbook"]["status"] == "refused"
    assert finished["data"]["runbook"]["outcome"] == "failed"


def test_a_missing_routing_key_does_not_stop_the_run(bench):
    with FaultServer("ok") as server:
        failing_then_passing(bench, server)
        bench.environment, bench.answers = {}, FAILS
        ran = bench.run()

    assert (ran.code, server.events) == (8, [])
    problems = json.loads(ran.out.splitlines()[-2])["data"]["problems"]
    assert "env:KEY" in problems[0]


def test_a_step_that_says_stop_calls_nobody(bench):
    with FaultServer("ok") as server:
        bench.environment = {"KEY": "R" * 32}
        bench.write(step("act", "exit 1", on_failure="stop"), contacts=contacts(server.url), escalation=POLICY)
        bench.answers = FAILS
        ran = bench.run()

    assert (ran.code, server.events) == (1, [])


def test_a_run_that_takes_too_long_calls_while_it_goes_on(bench):
    policy = {"when": [{"unresolved_for": "1s"}], "contacts": ["on-call"], "provide": ["timeline"]}
    with FaultServer("ok") as server:
        bench.environment = {"KEY": "R" * 32}
        bench.write(step("act", "sleep 3"), contacts=contacts(server.url), escalation=policy)
        ran = bench.run()

    kinds = [event["type"] for event in ran.events]
    assert ran.code == 0
    assert [event["event_action"] for event in server.events] == ["trigger", "resolve"]
    assert kinds.index("page.finished") < kinds.index("step.finished")


def test_a_hanging_pager_costs_no_more_than_its_deadline(bench):
    with FaultServer("slow") as server:
        failing_then_passing(bench, server)
        bench.answers = FAILS
        ran = bench.run()

    assert ran.code == 8


def test_a_run_that_was_killed_calls_when_a_later_command_finds_it(bench):
    begun = bench.directory / "begun"
    with FaultServer("ok") as server:
        bench.environment = {"KEY": "R" * 32}
        bench.write(step("act", f"touch {begun}; sleep 900"), contacts=contacts(server.url), escalation=POLICY)
        process = bench.begun(begun)
        kill(process.pid)
        process.communicate()
        found = bench.command("status")
        again = bench.command("status")

    (event,) = server.events
    assert event["payload"]["summary"].endswith("its command died, and nobody knows how it ended")
    assert (found.code, "called   on-call by pagerduty: it arrived" in found.err) == (0, True), found.err
    assert (again.code, again.err) == (0, "")
    assert [record["type"] for record in bench.records()].count("runbook.page.finished") == 1


def test_a_limit_that_names_no_host_wakes_nobody_where_somebody_reads_it(bench):
    with FaultServer("ok") as server:
        failing_then_passing(bench, server)
        there = bench.command("run", "RUN-900", "-i", str(bench.inventory), "--yes", "-l", "nosuch")
        woken = list(server.events)
        alone = bench.command("run", "RUN-900", "-i", str(bench.inventory), "--auto", "-l", "nosuch")

    assert (there.code, woken) == (5, []), there
    assert (alone.code, [event["event_action"] for event in server.events]) == (3, ["trigger"]), alone
