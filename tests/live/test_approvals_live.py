"""A run waits for people: answered from another terminal, by who may, for exactly what was shown."""

from __future__ import annotations

import json
import os
import pwd

import pexpect
import pytest
from harness.bench import CONTACTS, step

GATE = {"says": "Go?", "expires": "120s"}


def waiting(bench, *words, **gate):
    """A run of which nobody has a terminal, and that waits at the gate before its step."""
    bench.write(step("act", f"echo x >> {bench.directory / 'done'}", approve={**GATE, **gate}))
    process = bench.started("run", "RUN-900", "-i", str(bench.inventory), "--json", "--wait", "120s", *words)
    bench.asks(process)
    return process


def approve(bench, *words, run="last"):
    """A yes, from where there is no terminal, to what is asked just now."""
    (asked,) = bench.pending()
    return bench.command("approve", run, "--subject", asked["subject"][:8], *words)


def ended(process):
    out, err = process.communicate(timeout=90)
    return process.returncode, [json.loads(line) for line in out.splitlines() if line.startswith("{")], err


def test_somebody_approves_from_another_terminal(bench):
    process = waiting(bench)

    (asked,) = bench.pending()
    shown = bench.command("approve", asked["run"], "--show")
    unseen = bench.command("approve", asked["run"])
    other = bench.command("approve", asked["run"], "--subject", "0" * 12)
    short = bench.command("approve", asked["run"], "--subject", asked["subject"][:5])
    said = approve(bench, "--as", "Bob", "--note", "go", run=asked["run"])
    code, events, _ = ended(process)
    again = bench.command("approve", asked["run"], "--as", "bob")
    late = bench.command("approve", asked["run"], "--as", "carol")

    login = asked["context"]["starters"][0]
    about = {"runbook": "RUN-900", "step": "act", "asks": "approve: Go?", "hosts": "here"}
    assert {key: asked[key] for key in about} == about
    assert (shown.code, unseen.code, other.code, short.code) == (0, 2, 4, 2)
    assert f"  does     echo x >> {bench.directory / 'done'}\n" in shown.out
    assert f"  subject  {asked['subject'][:12]}\n" in shown.out
    assert (said.code, said.out) == (0, f"approved  act by bob (logged in as {login})\n")
    assert code == 0, events
    assert (again.code, again.out) == (0, f"approved  act by bob (logged in as {login}), already\n")
    assert (late.code, late.err.splitlines()[0]) == (
        2,
        f"error: run {asked['run']} is not waiting for an approval: act was granted",
    )
    assert bench.command("audit", "verify").code == 0
    votes = [record["data"]["runbook"] for record in bench.records() if record["type"].endswith("vote.given")]
    assert [(vote["by"], vote["vote"]) for vote in votes] == [("bob", "yes")]
    answers = [record["data"]["runbook"] for record in bench.records() if record["type"].endswith("gate.answered")]
    assert [(answer["outcome"], answer["note"]) for answer in answers] == [("passed", "go")]


def test_a_no_ends_it_and_nothing_is_done(bench):
    process = waiting(bench)

    said = bench.command("approve", "last", "--deny", "--note", "wait for the backup")
    code, events, _ = ended(process)

    assert (said.code, code) == (0, 4), events
    assert not (bench.directory / "done").exists()


@pytest.mark.parametrize("shared", [True, False])
def test_in_production_somebody_else_must_approve_whatever_the_flags_say(bench, shared):
    bench.hosts(here={"runbook_environment": "production", "runbook_policy": {"shared_account": shared}})
    process = waiting(bench, "--yes", "--reason", "It is time", "--environment", "production")

    mine = approve(bench)
    theirs = approve(bench, "--as", "bob")
    if not shared:
        process.terminate()
    code, events, err = ended(process)

    assert mine.code == 4
    assert "started this run; somebody else has to approve it" in mine.err
    if not shared:
        assert (theirs.code, (bench.directory / "done").exists()) == (4, False)
        assert "--as bob names nobody else" in theirs.err
        return
    assert (theirs.code, code) == (0, 0), (events, err)
    assert "waits    act needs 1 person, not" in err


def test_the_same_person_twice_is_refused(bench):
    bench.hosts(here={"runbook_policy": {"shared_account": True}})
    process = waiting(bench, min=2)

    said = [approve(bench, "--as", name) for name in ("bob", "bob", "carol")]
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
    process = bench.started("run", "RUN-900", "-i", str(bench.inventory), "--json", "--wait", "120s")
    bench.asks(process)

    bench.hosts(here={"what": "evil" if what == "command" else "old"}, **({"other": {}} if what == "host" else {}))
    approve(bench, "--as", "bob")
    code, events, _ = ended(process)

    assert code == 4, events
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
    child = pexpect.spawn(words[0], words[1:], cwd=str(bench.directory), env=environment, encoding="utf-8", timeout=90)
    child.expect(r"Go ahead\? \(y\)es, \(n\)o, \(e\)scalate: ")

    approve(bench, "--as", "bob")

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


def test_whoever_may_not_run_it_is_refused_before_anything_is_done_and_told_who_may(bench):
    me = pwd.getpwuid(os.getuid()).pw_name
    contacts = f"{CONTACTS}release-managers: {{name: Release managers, members: [bob]}}\n"
    bench.write(step("act", f"touch {bench.directory / 'done'}"), contacts=contacts)
    bench.hosts(here={"runbook_policy": {"may_run": {"maintenance": ["release-managers"]}}})

    refused = bench.run()
    bench.hosts(here={"runbook_policy": {"may_run": {"maintenance": ["release-managers", me]}}})
    allowed = bench.run()

    assert (refused.code, allowed.code) == (4, 0), (refused, allowed)
    (problem,) = refused.events[-1]["problems"]
    assert problem == f"Only release-managers may run a maintenance runbook; you are {me}"
    assert refused.events[-1]["hint"] == "ask one of them: bob"
    assert not [event for event in refused.events if event["type"] == "step.intended"]


def test_a_step_that_lacks_what_a_skipped_one_would_have_captured_cannot_be_approved(bench):
    bench.write(
        step("look", "false", effect="read", capture={"job": "stdout"}, on_failure="continue"),
        step("act", f"echo $JOB >> {bench.directory / 'done'}", env={"JOB": "{{ job }}"}, approve=GATE),
    )
    bench.hosts()
    words = bench.words("run", "RUN-900", "-i", str(bench.inventory), "--step")
    environment = {**os.environ, "TMPDIR": str(bench.directory), "TERM": "xterm"}
    child = pexpect.spawn(words[0], words[1:], cwd=str(bench.directory), env=environment, encoding="utf-8", timeout=90)
    child.expect_exact("(a)bort: ")
    child.sendline("s")
    child.expect_exact("'job' is undefined")
    child.expect_exact("(a)bort: ")
    child.sendline("g")
    child.expect(pexpect.EOF)
    child.close()

    assert child.exitstatus == 4
    assert not (bench.directory / "done").exists()
