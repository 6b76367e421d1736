"""On a terminal: an undo is shown before it is done, and a step that a person skips calls nobody."""

from __future__ import annotations

import os

import pexpect
from harness import PATIENCE
from harness.bench import step
from harness.fault_server import FaultServer


def contacts(url):
    return (
        "owners: {name: Owners}\n"
        f"on-call: {{name: On-call, level: L2, channels: [{{pagerduty: {{routing_key: 'env:KEY', url: '{url}'}}}}]}}\n"
    )


ESCALATES = {"when": ["step_failed"], "contacts": ["on-call"], "provide": ["timeline"]}


def ends(bench):
    return [
        record["data"]["runbook"]["outcome"]
        for record in bench.records()
        if record["type"] in {"runbook.run.finished", "runbook.run.refused"}
    ]


def on_a_terminal(bench, answer, *words):
    """The exit code of the command, and what it showed, for somebody who types `answer`."""
    program, *rest = bench.words(*words)
    env = {**os.environ, "TERM": "xterm-256color"}
    child = pexpect.spawn(program, rest, env=env, cwd=str(bench.directory), timeout=PATIENCE, dimensions=(40, 200))
    try:
        child.expect_exact("Go ahead? [y/N]")
        shown = child.before.decode()
        child.sendline(answer)
        child.expect(pexpect.EOF)
    finally:
        child.close(force=True)
    return child.exitstatus, shown


def test_on_a_terminal_the_plan_is_shown_and_a_no_takes_nothing_back(bench):
    made = bench.directory / "one"
    undo = {"shell": f"rm {made}", "verify": [{"command": f"test ! -e {made}"}]}
    bench.write(step("one", f"touch {made}", undo=undo))
    bench.run()

    refused, shown = on_a_terminal(bench, "n", "undo", "last")
    before = made.exists()
    undone, _ = on_a_terminal(bench, "y", "undo", "last")

    assert (refused, before, undone, made.exists()) == (4, True, 0, False)
    assert "undoes      One  on here" in shown


def test_a_skip_chosen_by_a_person_calls_nobody(bench):
    with FaultServer("ok") as server:
        bench.environment = {"KEY": "R" * 32}
        bench.write(step("one", "true", on_failure="escalate"), contacts=contacts(server.url), escalation=ESCALATES)
        program, *rest = bench.words("run", "RUN-900", "-i", str(bench.inventory), "--step")
        env = {**os.environ, "TERM": "xterm-256color", **bench.environment}
        child = pexpect.spawn(program, rest, env=env, cwd=str(bench.directory), timeout=PATIENCE, dimensions=(40, 200))
        child.expect_exact("(s)kip")
        child.sendline("s")
        child.expect(pexpect.EOF)
        child.close(force=True)

    assert (ends(bench), server.events) == (["skipped"], [])
