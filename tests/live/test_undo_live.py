"""A run is taken back: what is shown first, what stays, how it ends, and that nobody is told that it is over."""

from __future__ import annotations

import os

import pexpect
import pytest
from harness.bench import step
from harness.fault_server import FaultServer


def contacts(url):
    return (
        "owners: {name: Owners}\n"
        f"on-call: {{name: On-call, level: L2, channels: [{{pagerduty: {{routing_key: 'env:KEY', url: '{url}'}}}}]}}\n"
    )


ESCALATES = {"when": ["step_failed"], "contacts": ["on-call"], "provide": ["timeline"]}


def leaving(bench, name, *, undo=True, **keys):
    """A step that leaves a file, and whose undo removes it."""
    path = bench.directory / name
    back = {"undo": {"shell": f"rm {path}", "verify": [{"command": f"test ! -e {path}"}]}} if undo else {}
    return step(name, f"touch {path}", **{**back, **keys})


def left(bench):
    return {name for name in ("one", "two", "three") if (bench.directory / name).exists()}


def ends(bench):
    return [
        record["data"]["runbook"]["outcome"]
        for record in bench.records()
        if record["type"] in {"runbook.run.finished", "runbook.run.refused"}
    ]


STAYS = [
    ({}, "it has no `undo:`"),
    ({"effect": "destructive", "reversible": False}, "nothing undoes it (`reversible: no`)"),
]


@pytest.mark.parametrize(("keys", "why"), STAYS)
def test_a_change_that_nothing_takes_back_is_shown_and_stays_and_the_incident_with_it(bench, keys, why):
    # Given a run that failed after a change which stays
    with FaultServer("ok") as server:
        bench.environment = {"KEY": "R" * 32}
        stays = leaving(bench, "two", undo=False, **keys)
        fails = step("three", "exit 3", on_failure="escalate", effect="read")
        bench.write(leaving(bench, "one"), stays, fails, contacts=contacts(server.url), escalation=ESCALATES)
        failed = bench.run()
        # When it is taken back, first without a word of anybody's
        unasked = bench.command("undo", "last")
        before = left(bench)
        undone = bench.command("undo", "last", "--yes", "--json")
    # Then
    assert (failed.code, unasked.code, before) == (3, 4, {"one", "two"})
    assert "  undoes      One  on here\n" in unasked.err
    assert f"  stays       Two  on here: {why}\n" in unasked.err
    assert (undone.code, undone.events[-1]["outcome"], left(bench)) == (9, "partly undone", {"two"})
    assert undone.events[-1]["problems"] == [f"Two is not undone on here: {why}"]
    assert [event["event_action"] for event in server.events] == ["trigger"]
    assert ends(bench) == ["failed", "partly undone"]


def test_without_any_undo_nothing_is_undone_and_nobody_is_told_that_it_is(bench):
    with FaultServer("ok") as server:
        bench.environment = {"KEY": "R" * 32}
        change = step("two", f"touch {bench.directory}/two; exit 1", on_failure="escalate")
        bench.write(change, contacts=contacts(server.url), escalation=ESCALATES)
        bench.run()

        undone = bench.command("undo", "last", "--yes")

    assert (undone.code, left(bench)) == (9, {"two"})
    assert "undoes      nothing" in undone.err
    assert "nothing undoes what it has changed" in undone.err
    assert ends(bench) == ["failed"]
    assert [event["event_action"] for event in server.events] == ["trigger"]


def test_last_is_never_a_run_that_only_looked(bench):
    bench.write(leaving(bench, "one"))
    bench.run()
    bench.command("run", "RUN-900", "-i", str(bench.inventory), "--dry-run")
    bench.command("preflight", "RUN-900", "-i", str(bench.inventory))
    first, *looked = bench.run_ids()

    nothing = bench.command("undo", looked[-1], "--yes")
    undone = bench.command("undo", "last", "--yes", "--json")
    again = bench.command("undo", "last", "--yes")

    assert (nothing.code, f"nothing to undo in the run {looked[-1]} of RUN-900: it only looked" in nothing.err) == (
        0,
        True,
    )
    assert (undone.code, undone.events[-1]["run"], undone.events[-1]["outcome"], left(bench)) == (
        0,
        first,
        "undone",
        set(),
    )
    assert (again.code, "nothing to undo" in again.err) == (0, True)
    assert ends(bench) == ["passed", "planned", "planned", "undone"]


def test_a_run_that_only_looked_is_not_gone_on_with(bench):
    bench.write(leaving(bench, "one"))
    bench.command("run", "RUN-900", "-i", str(bench.inventory), "--dry-run")

    named = bench.command("resume", bench.run_ids()[-1], "--yes")
    last = bench.command("resume", "last", "--yes")

    assert (named.code, last.code, left(bench)) == (2, 2, set())
    assert "only looked" in named.err
    assert "every run that there is has only looked, or never began" in last.err


def test_last_is_a_run_wherever_one_is_named(bench):
    bench.write(leaving(bench, "one"))
    bench.run()

    said = {words: bench.command(*words, "last") for words in [("show",), ("status",), ("audit", "show")]}

    assert {words: (ran.code, bench.run_ids()[-1] in ran.out) for words, ran in said.items()} == dict.fromkeys(
        said, (0, True)
    )
    assert bench.command("show", "nope").err.splitlines() == [
        "error: 'nope' is neither a runbook (an id like RUN-001, or a file) nor a run (its id, or `last`)",
        "hint: runbook list shows the runbooks, runbook list --runs the runs",
    ]


@pytest.mark.parametrize("how", ["resume", "undo"])
def test_who_is_refused_in_production_leaves_the_run_as_it_was(bench, how):
    bench.hosts(here={"runbook_environment": "production"})
    bench.write(leaving(bench, "one"), step("two", "exit 1"))
    given = ("--reason", "A trial", "--environment", "production")
    failed = bench.command("run", "RUN-900", "-i", str(bench.inventory), "--yes", *given)
    before = bench.command("list", "--runs", "--json").out

    refused = bench.command(how, "last", "--yes", "--json")

    assert (failed.code, refused.code, refused.events[-1]["outcome"]) == (1, 4, "failed")
    assert bench.command("list", "--runs", "--json").out == before
    finished = [e for e in refused.events if e["type"] == "step.finished"]
    assert (finished, refused.events[-2]["type"], left(bench)) == ([], "run.refused", {"one"})


def on_a_terminal(bench, answer, *words):
    """The exit code of the command, and what it showed, for somebody who types `answer`."""
    program, *rest = bench.words(*words)
    env = {**os.environ, "TERM": "xterm-256color"}
    child = pexpect.spawn(program, rest, env=env, cwd=str(bench.directory), timeout=90, dimensions=(40, 200))
    try:
        child.expect_exact("Go ahead? [y/N]")
        shown = child.before.decode()
        child.sendline(answer)
        child.expect(pexpect.EOF)
    finally:
        child.close(force=True)
    return child.exitstatus, shown


def test_on_a_terminal_the_plan_is_shown_and_a_no_takes_nothing_back(bench):
    bench.write(leaving(bench, "one"))
    bench.run()

    refused, shown = on_a_terminal(bench, "n", "undo", "last")
    before = left(bench)
    undone, _ = on_a_terminal(bench, "y", "undo", "last")

    assert (refused, before, undone, left(bench)) == (4, {"one"}, 0, set())
    assert "undoes      One  on here" in shown


def test_a_skip_chosen_by_a_person_calls_nobody(bench):
    with FaultServer("ok") as server:
        bench.environment = {"KEY": "R" * 32}
        bench.write(step("one", "true", on_failure="escalate"), contacts=contacts(server.url), escalation=ESCALATES)
        program, *rest = bench.words("run", "RUN-900", "-i", str(bench.inventory), "--step")
        env = {**os.environ, "TERM": "xterm-256color", **bench.environment}
        child = pexpect.spawn(program, rest, env=env, cwd=str(bench.directory), timeout=90, dimensions=(40, 200))
        child.expect_exact("(s)kip")
        child.sendline("s")
        child.expect(pexpect.EOF)
        child.close(force=True)

    assert (ends(bench), server.events) == (["skipped"], [])
