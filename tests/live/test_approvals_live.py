"""A run waits for people: answered from another terminal, by who may, for exactly what was shown."""

from __future__ import annotations

import json
import os
import re
from datetime import datetime

import pexpect
import pytest
from harness import PATIENCE
from harness.bench import runbook_text, step
from markupsafe import escape

from runner.approvals.gate_context import GateContext, describe

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


def steps_of_each_kind(bench, url):
    """A step that waits for a yes of each kind whose description is made in another way."""
    role = bench.directory / "playbooks" / "roles" / "web" / "tasks" / "main.yml"
    role.parent.mkdir(parents=True)
    role.write_text("- name: Write | it\n  ansible.builtin.copy: {content: a, dest: '{{ root }}/b', mode: '0644'}\n")
    root = str(bench.directory)
    bench.hosts(here={"root": root, "motto": "a | <b> `c`"}, other={"root": root})
    (bench.directory / "runbooks").mkdir()
    inside = step("inside", "echo $WHAT", env={"WHAT": "{{ motto }}"})
    (bench.directory / "runbooks" / "RUN-901.yml").write_text(runbook_text(inside, id="RUN-901", hosts="here"))
    asks = {"approve": GATE, "on_failure": "stop", "verify": [{"exit": 0}]}
    login = {"Authorization": "Bearer {{ token }}"}
    return [
        step("look", "printf 'x\\ny'", effect="read", capture={"parts": "stdout.split()"}),
        step("shell", "echo $WHAT >&2\ntrue", env={"WHAT": "{{ motto }}"}, chdir="{{ root }}", on="other", **asks),
        step("many", "echo $ITEM", each="{{ parts }}", env={"ITEM": "{{ item }}"}, **asks),
        {"id": "call", "name": "Call", "run": "RUN-901", **asks, "verify": [{"command": ["true"], "says": "So"}]},
        {"id": "web", "name": "Web", "effect": "change", "role": "web", **asks, "verify": [{"command": ["true"]}]},
        {"id": "ask", "name": "Ask", "http": {"url": url, "method": "POST", "headers": login}, **asks}
        | {"verify": [{"that": "status == 200"}]},
    ]


def test_prompt_pending_show_page_and_report_say_the_same_of_each_kind_of_step(bench, httpserver):
    # Given a run at whose terminal somebody sits
    httpserver.expect_request("/").respond_with_data("ok")
    steps = steps_of_each_kind(bench, httpserver.url_for("/"))
    token = {"token": {"type": "secret", "default": "env:TOKEN", "help": "Who we are"}}
    bench.write(*steps, hosts="here", inputs=token)
    bench.environment["TOKEN"] = "nobody-may-read-this"
    words = bench.words("run", "RUN-900", "-i", str(bench.inventory))
    environment = {**os.environ, **bench.environment, "TMPDIR": str(bench.directory), "TERM": "xterm"}
    environment["COLUMNS"] = "999"  # no text is so long that it goes on below itself
    child = pexpect.spawn(
        words[0], words[1:], cwd=str(bench.directory), env=environment, encoding="utf-8", timeout=PATIENCE
    )
    seen = {}
    for _ in steps[1:]:
        # When it asks, and others look what it asks
        child.expect(r"Go ahead\? \(y\)es, \(n\)o, \(e\)scalate: ")
        (asked,) = bench.pending()
        prompt = re.sub("\x1b\\[[0-9;]*m", "", child.before).replace("\r\n", "\n")
        views = [prompt, bench.command("pending").out, bench.command("approve", "last", "--show").out]
        seen[asked["step"]] = GateContext.read(asked["context"]), asked["until"], views
        child.sendline("y")
    child.expect("passed  run")
    child.expect(pexpect.EOF)
    child.close()
    directory = bench.state / "runs" / bench.run_ids()[0]
    markdown, page = ((directory / f"report.{form}").read_text() for form in ("md", "html"))
    # Then each of them has shown each line
    assert list(seen) == [each["id"] for each in steps[1:]]
    for context, until, views in seen.values():
        lines = describe(context, until=datetime.fromisoformat(until))
        for view in views:
            assert [line for line in lines if f"  {line[0]:9}{line[1]}".rstrip() not in view.splitlines()] == []
        told = describe(context)  # when it was too late is no news by then
        assert "\n".join(f"{label:9}{text}".rstrip() for label, text in told) in markdown
        cells = [(label, escape(text)) for label, text in told]
        assert "\n".join(f'<tr><th>{label}</th><td class="mono">{text}</td></tr>' for label, text in cells) in page
    call = seen["call"][0].hosts["here"]
    assert call.connection["ansible_connection"] == "local"
    assert call.text.splitlines()[1:] == ["Inside: echo $WHAT", "  env WHAT='a | <b> `c`'", "  check Exit code is 0"]
    assert "nobody-may-read-this" not in json.dumps([[context.data(), *views] for context, _, views in seen.values()])
