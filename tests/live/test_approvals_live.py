"""A run waits for people: answered from another terminal, by who may, for exactly what was shown."""

from __future__ import annotations

import json
import os

import pexpect
import pytest
from bench import step, wait_until

GATE = {"says": "Go?", "expires": "30s"}


def waiting(bench, *words, **gate):
    """A run of which nobody has a terminal, and that waits at the gate before its step."""
    bench.write(step("act", f"echo x >> {bench.directory / 'done'}", approve={**GATE, **gate}))
    process = bench.started("run", "RUN-900", "-i", str(bench.inventory), "--json", "--wait", "25s", *words)
    wait_until(lambda: pending(bench), "it waits", process)
    return process


def pending(bench):
    shown = bench.command("pending", "--json")
    return json.loads(shown.out) if shown.code == 0 else []


def ended(process):
    out, err = process.communicate(timeout=60)
    return process.returncode, [json.loads(line) for line in out.splitlines() if line.startswith("{")], err


def test_somebody_approves_from_another_terminal(bench):
    process = waiting(bench)

    (asked,) = pending(bench)
    said = bench.command("approve", asked["run"], "--as", "Bob", "--note", "go")
    code, events, _ = ended(process)
    again = bench.command("approve", asked["run"], "--as", "bob")
    late = bench.command("approve", asked["run"], "--as", "carol")

    about = {"runbook": "RUN-900", "step": "act", "asks": "approve: Go?", "hosts": "here"}
    assert {key: asked[key] for key in about} == about
    assert (said.code, said.out) == (0, "approved  act by bob\n")
    assert f"  on      here\n  does    echo x >> {bench.directory / 'done'}\n" in said.err
    assert code == 0, events
    assert (again.code, again.out) == (0, "approved  act by bob, already\n")
    assert (late.code, late.err.splitlines()[0]) == (
        2,
        f"error: the run {asked['run']} waits for nobody any more: act was granted",
    )
    assert bench.command("audit", "verify").code == 0
    votes = [record["data"]["runbook"] for record in bench.records() if record["type"].endswith("vote.given")]
    assert [(vote["by"], vote["vote"], vote["note"]) for vote in votes] == [("bob", "yes", "go")]


def test_a_no_ends_it_and_nothing_is_done(bench):
    process = waiting(bench)

    said = bench.command("approve", "last", "--deny", "--note", "wait for the backup")
    code, events, _ = ended(process)

    assert (said.code, code) == (0, 4), events
    assert not (bench.directory / "done").exists()


def test_in_production_somebody_else_must_approve_whatever_the_flags_say(bench):
    bench.hosts(here={"runbook_environment": "production"})
    process = waiting(bench, "--yes")

    mine = bench.command("approve", "last")
    theirs = bench.command("approve", "last", "--as", "bob")
    code, events, err = ended(process)

    assert mine.code == 4
    assert "started this run; somebody else has to approve it" in mine.err
    assert (theirs.code, code) == (0, 0), (events, err)
    assert "waits    act needs 1 person, not" in err


def test_the_same_person_twice_is_refused(bench):
    process = waiting(bench, min=2)

    said = [bench.command("approve", "last", "--as", name) for name in ("bob", "bob", "carol")]
    code, events, _ = ended(process)

    assert [each.code for each in said] == [0, 4, 0]
    assert said[1].err.splitlines()[-2:] == [
        "error: bob has approved this already; it takes 2 different people",
        "hint: it still needs 1 person",
    ]
    assert code == 0, events


@pytest.mark.parametrize("what", ["command", "host"])
def test_a_yes_is_void_when_the_inventory_says_something_else_by_then(bench, what):
    bench.hosts(here={"what": "old", "ansible_host": "127.0.0.1"})
    bench.write(step("act", f"echo {{{{ what }}}} >> {bench.directory / 'done'}", approve=GATE))
    process = bench.started("run", "RUN-900", "-i", str(bench.inventory), "--json", "--wait", "25s")
    wait_until(lambda: pending(bench), "it waits", process)

    bench.hosts(here={"what": "evil" if what == "command" else "old"}, **({"other": {}} if what == "host" else {}))
    bench.command("approve", "last", "--as", "bob")
    code, events, _ = ended(process)

    assert code == (4 if what == "command" else 1), events
    assert not (bench.directory / "done").exists()


def test_without_a_word_of_waiting_a_pipe_is_told_which_flag_answers(bench):
    bench.write(step("act", "true", approve="Go?"))

    refused = bench.command("run", "RUN-900", "-i", str(bench.inventory), "--json")
    gave_up = bench.command("run", "RUN-900", "-i", str(bench.inventory), "--json", "--wait", "1s")

    notes = [
        [event["data"]["note"] for event in each.events if event["type"] == "gate.answered"]
        for each in (refused, gave_up)
    ]
    assert (refused.code, gave_up.code) == (4, 4)
    assert notes == [
        ["there is no terminal to ask on; --yes answers in advance"],
        ["nobody has answered while the run waited; see --wait"],
    ]


def test_who_sits_at_the_prompt_sees_that_somebody_else_has_answered(bench):
    bench.write(step("act", "true", approve=GATE))
    words = bench.words("run", "RUN-900", "-i", str(bench.inventory))
    environment = {**os.environ, "TMPDIR": str(bench.directory), "TERM": "xterm"}
    child = pexpect.spawn(words[0], words[1:], cwd=str(bench.directory), env=environment, encoding="utf-8", timeout=30)
    child.expect(r"Go ahead\? \(y\)es, \(n\)o, \(e\)scalate: ")

    bench.command("approve", "last", "--as", "bob")

    child.expect("passed  run")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0


def test_a_cancellation_from_elsewhere_reaches_a_run_that_waits(bench):
    process = waiting(bench)

    stopped = bench.command("cancel", "last")
    code, events, _ = ended(process)
    resumed = bench.command("resume", "last", "--yes")

    assert (stopped.code, code) == (0, 130), events
    assert resumed.code == 0, resumed.err
