"""A run waits for people: answered from another terminal, by who may, for exactly what was shown."""

from __future__ import annotations

import json
import os

import pexpect
import pytest
from harness import PATIENCE
from harness.bench import step

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
    out, err = process.communicate(timeout=PATIENCE)
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


@pytest.mark.parametrize("shared", [True, False])
def test_in_production_somebody_else_must_approve_whatever_the_flags_say(bench, shared):
    bench.hosts(here={"runbook_environment": "production", "runbook_policy": {"shared_account": shared}})
    process = waiting(bench, "--yes", "--reason", "It is time", "--environment", "production")

    mine = approve(bench)
    theirs = approve(bench, "--as", "bob")
    denied = shared or bench.command("approve", "last", "--deny", "--note", "wait for the backup").code == 0
    code, events, err = ended(process)

    assert mine.code == 4
    assert "started this run; somebody else has to approve it" in mine.err
    if not shared:
        assert (theirs.code, denied, code, (bench.directory / "done").exists()) == (4, True, 4, False), events
        assert "--as bob names nobody else" in theirs.err
        return
    assert (theirs.code, code) == (0, 0), (events, err)
    assert "waits    act needs 1 person, not" in err


def test_who_sits_at_the_prompt_sees_that_somebody_else_has_answered(bench):
    bench.write(step("act", "true", approve=GATE))
    words = bench.words("run", "RUN-900", "-i", str(bench.inventory))
    environment = {**os.environ, "TMPDIR": str(bench.directory), "TERM": "xterm"}
    child = pexpect.spawn(
        words[0], words[1:], cwd=str(bench.directory), env=environment, encoding="utf-8", timeout=PATIENCE
    )
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


def test_a_step_that_lacks_what_a_skipped_one_would_have_captured_cannot_be_approved(bench):
    bench.write(
        step("look", "false", effect="read", capture={"job": "stdout"}, on_failure="continue"),
        step("act", f"echo $JOB >> {bench.directory / 'done'}", env={"JOB": "{{ job }}"}, approve=GATE),
    )
    bench.hosts()
    words = bench.words("run", "RUN-900", "-i", str(bench.inventory), "--step")
    environment = {**os.environ, "TMPDIR": str(bench.directory), "TERM": "xterm"}
    child = pexpect.spawn(
        words[0], words[1:], cwd=str(bench.directory), env=environment, encoding="utf-8", timeout=PATIENCE
    )
    child.expect_exact("(a)bort: ")
    child.sendline("s")
    child.expect_exact("'job' is undefined")
    child.expect_exact("(a)bort: ")
    child.sendline("g")
    child.expect(pexpect.EOF)
    child.close()

    assert child.exitstatus == 4
    assert not (bench.directory / "done").exists()
