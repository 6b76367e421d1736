"""A run is gone on with after a failure, a cancellation or a kill: what was done is not done again."""

from __future__ import annotations

import pytest
from harness.bench import kill, step, survivors, wait_until

HOSTS = ("a", "b")


@pytest.fixture
def marks(bench):
    """What was done on a host, in order: each step of the runbooks here leaves a line."""
    bench.hosts(**{name: {} for name in HOSTS})
    return lambda host: (bench.directory / f"{host}.log").read_text().split()


def marking(bench, name, *, fails=False, slow=0, **keys):
    """A change that leaves a line, verified by looking for it; it fails where there is a file that says so."""
    log = f"{bench.directory}/{{{{ inventory_hostname }}}}.log"
    stop = f"test ! -e {bench.directory}/{{{{ inventory_hostname }}}}.{name}; " * fails
    words = f"{stop}echo {name} >> {log}; sleep {slow}"
    look = {"says": f"{name} is there", "command": f"grep -qx {name} {log}"}
    undo = {"shell": f"echo undo-{name} >> {log}", "verify": [{"exit": 0}]}
    return step(name, words, **{"verify": [look], "undo": undo, **keys})


def outcomes(ran):
    return {
        (event["step"], event["host"]): event["data"]["outcome"]
        for event in ran.events
        if event["type"] == "step.finished"
    }


def test_a_change_that_was_interrupted_is_settled_by_what_verifies_it_and_not_done_twice(bench, marks):
    # Given a run that is interrupted in the midst of a change
    bench.write(marking(bench, "one"), marking(bench, "two", slow=30), marking(bench, "three"))
    process = bench.started("run", "RUN-900", "-i", str(bench.inventory), "--yes", "--json")
    wait_until(lambda: all(_has(bench, host, "two") for host in HOSTS), "the second step has begun", process)
    # When
    kill(process.pid)
    process.communicate(timeout=90)
    (run,) = bench.run_ids()
    wait_until(lambda: not survivors(run), "nothing of the run is left", every=0.1)
    resumed = bench.command("resume", "last", "--json")
    # Then
    assert (resumed.code, resumed.events[-1]["outcome"]) == (0, "passed"), resumed.err
    assert {host: marks(host) for host in HOSTS} == {host: ["one", "two", "three"] for host in HOSTS}


def _has(bench, host, word):
    path = bench.directory / f"{host}.log"
    return path.exists() and word in path.read_text().split()


def test_a_dry_run_looks_and_changes_nothing(bench, marks):
    look = step("look", "echo 3", effect="read", capture={"count": "stdout"})
    uses = step("use", 'test "$COUNT" = 3', env={"COUNT": "{{ count }}"}, effect="read")
    after = step("after", "true", effect="read", verify=[{"command": f"grep one {bench.directory}/a.log"}])
    needs = step("need", 'echo "$MADE"', env={"MADE": "{{ made }}"}, effect="read")
    bench.write(look, uses, marking(bench, "one", capture={"made": "stdout"}), after, needs)

    ran = bench.command("run", "RUN-900", "-i", str(bench.inventory), "-l", "a", "--dry-run", "--json")

    assert (ran.code, ran.events[-1]["outcome"]) == (0, "planned"), ran.err
    last = outcomes(ran)
    assert {name: last[name, "a"] for name in ("look", "use", "one", "after", "need")} == {
        "look": "passed",
        "use": "passed",
        "one": "planned",
        "after": "unknowable",
        "need": "unknowable",
    }
    assert not (bench.directory / "a.log").exists()
    shown = next(event["data"]["commands"] for event in ran.events if event["type"] == "commands.rendered")
    assert "echo one >>" in shown["a"]


def test_batches_go_up_a_ramp_and_a_failed_one_stops_before_the_next(bench, marks):
    bench.write(marking(bench, "one", fails=True), serial=[1, 2])
    (bench.directory / "a.one").touch()

    ran = bench.run()

    assert (ran.code, outcomes(ran)) == (
        1,
        {("one", "a"): "failed", ("one", "b"): "never reached"},
    )
    spans = [event["data"]["hosts"] for event in ran.events if event["type"] == "span.started"]
    assert spans == [["a"]]


def test_another_runbook_takes_over_and_is_told_what_is_known(bench, marks):
    other = bench.directory / "runbooks" / "RUN-901.yml"
    bench.write(step("first", "exit 3", on_failure="stop"))
    text = (bench.directory / "runbooks" / "RUN-900.yml").read_text()
    writes = f"echo \"$WORD\" > {bench.directory}/took-over\n  env: {{WORD: '{{{{ word }}}}'}}"
    takes = text.replace("RUN-900", "RUN-901").replace("exit 3", writes)
    other.write_text(takes + "inputs: {word: {help: A word}}\n")
    look = step("look", "echo hello", effect="read", capture={"found": "stdout"})
    looks = {"says": "It is there", "command": f"test -e {bench.directory}/took-over"}
    to = {"run": "RUN-901", "inputs": {"word": "{{ found }}"}}
    over = step("second", "exit 3", verify=[looks], on_failure=to)
    bench.write(look, over)

    ran = bench.run("-l", "a")

    assert ran.code == 0, ran.err
    assert (bench.directory / "took-over").read_text() == "hello\n"
    first, second = [record for record in bench.records() if record["type"] == "runbook.run.started"]
    assert second["data"]["runbook"]["parent"] == first["run"]
    ended = [r["data"]["runbook"]["outcome"] for r in bench.records() if r["type"] == "runbook.run.finished"]
    assert ended == ["passed", "handed over"]
