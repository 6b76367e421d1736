"""A run, from the command line to the record, with Ansible for real."""

from __future__ import annotations

import hashlib
import json
import stat
import tempfile
from pathlib import Path

from harness.bench import step, survivors

NOBODY = {"when": [{"declared": "Too much"}], "contacts": ["on-call"], "provide": ["timeline"]}
"""A policy that calls nobody when a step fails."""


def outcomes(ran):
    return {
        (event["step"], event["host"]): event["data"]["outcome"]
        for event in ran.events
        if event["type"] == "step.finished"
    }


def test_a_run_that_passes_is_recorded_with_its_evidence_and_leaves_nothing_behind(bench):
    bench.write(
        step(
            "look",
            "echo hello; echo ${RUNBOOK_RUN_ID:?}",
            effect="read",
            capture={"said": "stdout_lines | default(stdout)"},
        ),
        step(
            "act",
            'echo done > "$TARGET"',
            env={"TARGET": "{{ target }}"},
            verify=[{"command": "cat {{ target }}", "that": "stdout == 'done'"}],
        ),
        inputs={"target": {"help": "A file"}},
    )

    ran = bench.run("-e", f"target={bench.directory / 'made'}")

    assert (ran.code, outcomes(ran)) == (0, {("look", "here"): "passed", ("act", "here"): "passed"}), ran.err
    assert (bench.directory / "made").read_text() == "done\n"
    assert not survivors(ran.events[-1]["run"])
    assert not list(Path(tempfile.gettempdir()).glob(f"runbook-{ran.events[-1]['run'][-8:]}-*"))
    assert stat.S_IMODE(bench.state.stat().st_mode) == 0o700
    assert bench.command("audit", "verify").code == 0
    # And evidence is what the host answered, and the log holds its hash
    action = next(event for event in ran.events if event["type"] == "action.finished")
    path = bench.state / "runs" / action["run"] / action["data"]["evidence"]["file"]
    assert hashlib.sha256(path.read_bytes()).hexdigest() == action["data"]["evidence"]["sha256"]
    assert json.loads(path.read_text())["stdout"] == f"hello\n{action['run']}"


def test_undo_takes_back_what_was_done_newest_first_and_proves_it(bench):
    log = bench.directory / "log"

    def undo(what):
        return {"shell": f"echo undo-{what} >> {log}", "verify": [{"exit": 0}]}

    bench.write(
        step("one", f"echo one >> {log}", undo=undo("one")),
        step("two", f"echo two >> {log}; exit 1", undo=undo("two"), on_failure="undo"),
        step("three", f"echo three >> {log}", undo=undo("three")),
        escalation=NOBODY,
    )

    ran = bench.run()

    assert log.read_text().split() == ["one", "two", "undo-two", "undo-one"]
    assert outcomes(ran) == {
        ("one", "here"): "passed",
        ("two", "here"): "failed",
        ("undo-two", "here"): "passed",
        ("undo-one", "here"): "passed",
        ("three", "here"): "never reached",
    }


def test_captured_values_and_inputs_are_never_templated(bench):
    planted = bench.directory / "planted"
    bench.write(
        step(
            "look",
            "echo $EVIL",
            env={"EVIL": f"$(touch x) {{{{ '{{{{' }}}} lookup('pipe', 'touch {planted}') {{{{ '}}}}' }}}}"},
            capture={"said": "stdout"},
        ),
        step(
            "use",
            'printf \'%s\' "$SAID" > "$OUT"',
            env={"SAID": "{{ said }}", "OUT": "{{ out }}"},
            approve="Go on?",
        ),
        step("say", "printf '%s' \"$WORD\"", env={"WORD": "{{ word }}"}),
        inputs={"out": {"help": "A file"}, "word": {"help": "A word"}},
    )
    hostile = f"{{{{ lookup('pipe', 'touch {planted}') }}}}"

    ran = bench.run("-e", f"out={bench.directory / 'out'}", "-e", f"word={hostile}")

    assert ran.code == 0, ran.err
    assert "lookup('pipe'" in (bench.directory / "out").read_text()
    actions = {event["step"]: event["data"] for event in ran.events if event["type"] == "action.finished"}
    assert (actions["say"]["result"]["stdout"], planted.exists()) == (hostile, False)


def test_output_is_capped_at_the_source_and_a_step_that_hangs_is_ended_on_the_host(bench):
    bench.write(
        step("flood", "head -c 20000000 /dev/zero | tr '\\0' 'x'; printf '\\xff\\xfe' >&2"),
        step("hang", "sleep 900 & sleep 900", timeout="1s"),
    )

    ran = bench.run()

    result, hung = (event for event in ran.events if event["type"] == "action.finished")
    evidence = json.loads((bench.state / "runs" / result["run"] / result["data"]["evidence"]["file"]).read_text())
    assert (ran.code, outcomes(ran)["flood", "here"]) == (1, "passed"), ran.err
    assert evidence["output"]["stdout"] == {
        "bytes": 20_000_000,
        "sha256": hashlib.sha256(b"x" * 20_000_000).hexdigest(),
        "truncated": True,
    }
    assert len(evidence["stdout"]) < 140_000
    assert evidence["stderr"] == "\\xff\\xfe"
    # And what hangs has ended with its time, with all that it started
    assert hung["data"]["reason"] == "timed out on the host after 1s, the `timeout` of the step"
    assert not survivors(hung["run"])


def test_the_commands_of_all_hosts_together_may_be_long(bench):
    bench.hosts(**{f"host{number}": {"number": number} for number in range(90)})
    bench.write(step("long", f"echo {{{{ number }}}} # {'x' * 100_000}", approve="Go ahead?"))

    planned = bench.command("plan", "RUN-900", "-i", str(bench.inventory))

    assert (planned.code, "host89" in planned.out) == (0, True), planned.err


def test_a_dry_run_looks_and_changes_nothing(bench):
    look = step("look", "echo 3", effect="read", capture={"count": "stdout"})
    uses = step("use", 'test "$COUNT" = 3', env={"COUNT": "{{ count }}"}, effect="read")
    made = bench.directory / "made"
    one = step("one", f"echo one >> {made}", verify=[{"command": f"grep -qx one {made}"}], capture={"made": "stdout"})
    after = step("after", "true", effect="read", verify=[{"command": f"grep one {made}"}])
    needs = step("need", 'echo "$MADE"', env={"MADE": "{{ made }}"}, effect="read")
    bench.write(look, uses, one, after, needs)

    ran = bench.command("run", "RUN-900", "-i", str(bench.inventory), "--dry-run", "--json")

    assert (ran.code, ran.events[-1]["outcome"]) == (0, "planned"), ran.err
    last = outcomes(ran)
    assert {name: last[name, "here"] for name in ("look", "use", "one", "after", "need")} == {
        "look": "passed",
        "use": "passed",
        "one": "planned",
        "after": "unknowable",
        "need": "unknowable",
    }
    assert not made.exists()
    shown = next(event["data"]["commands"] for event in ran.events if event["type"] == "commands.rendered")
    assert "echo one >>" in shown["here"]
