"""A yes to a step that another runbook does covers what is done inside, also in what that runs, until it is done."""

from __future__ import annotations

import json

import yaml
from harness import PATIENCE
from harness.bench import runbook_text, step, wait_until


def library(bench):
    """RUN-900 runs RUN-901 on a yes, which runs RUN-902; what each does is said by variables of the inventory."""
    bench.hosts(here={"word": "old", "deep": "old", "root": str(bench.directory)})
    begin = step(
        "begin", "touch begun; until test -e go; do sleep 0.05; done", chdir="{{ root }}", capture={"job": "rc"}
    )
    act = step("act", "echo $WHAT $JOB > {{ root }}/done", env={"WHAT": "{{ word }}", "JOB": "{{ job }}"})
    looks = [{"command": ["test", "{{ word }}", "!=", ""]}]
    deeper = {"id": "deeper", "name": "Deeper", "run": "RUN-902", "inputs": {"how": "{{ job }}"}, "verify": looks}
    inside = step("inside", "echo {{ deep | quote }} {{ how | quote }}")
    runbooks = bench.directory / "runbooks"
    runbooks.mkdir()
    wait = {**begin, "timeout": "60s"}
    (runbooks / "RUN-901.yml").write_text(runbook_text(wait, act, {**deeper, "on_failure": "stop"}, id="RUN-901"))
    how = {"how": {"help": "How"}}
    (runbooks / "RUN-902.yml").write_text(runbook_text(inside, id="RUN-902", inputs=how))
    looks = [{"says": "It is there", "command": ["test", "-e", "{{ root }}/done"]}]
    gate = {"says": "Go?", "expires": "120s"}
    bench.write(
        {"id": "call", "name": "Call", "run": "RUN-901", "verify": looks, "approve": gate, "on_failure": "stop"}
    )
    process = bench.started("run", "RUN-900", "-i", str(bench.inventory), "--json", "--wait", "120s")
    bench.asks(process)
    return process


def change(bench, **variables):
    inventory = yaml.safe_load(bench.inventory.read_text())
    inventory["all"]["hosts"]["here"].update(variables)
    bench.inventory.write_text(yaml.safe_dump(inventory))


def approve(bench):
    return bench.command("approve", "last", "--subject", bench.pending()[0]["subject"][:12])


def ended(process):
    out, err = process.communicate(timeout=PATIENCE)
    return process.returncode, [json.loads(line) for line in out.splitlines() if line.startswith("{")], err


def test_it_shows_what_is_done_inside_and_is_void_when_that_changes(bench):
    process = library(bench)
    (asked,) = bench.pending()
    shown = bench.command("approve", "last", "--show").out
    change(bench, word="new", deep="new")
    approve(bench)
    code, events, err = ended(process)

    text = asked["context"]["hosts"]["here"]["text"].splitlines()
    assert text[0] == "run RUN-901"
    assert "Act: echo $WHAT $JOB > " in shown
    told = [line.strip() for line in text]
    assert {"env WHAT=old", "env JOB={{ job }}", f"chdir: {bench.directory}", "Deeper: run RUN-902 how={{ job }}"} <= {
        *told
    }
    assert "Inside: echo old {{ job }}" in told or "Inside: echo old '{{ job }}'" in told, told
    assert code == 4, (events, err)
    (problem,) = events[-1]["problems"]
    assert problem.startswith("the approval of call is void: ")
    assert "the step act.environment.WHAT was `old` and is now `new`" in problem
    assert "the step deeper.steps.inside" in problem
    assert not (bench.directory / "begun").exists()


def test_it_is_void_as_well_when_that_changes_while_the_other_runbook_is_at_it(bench):
    process = library(bench)
    approve(bench)
    wait_until((bench.directory / "begun").exists, "it has begun", process)
    change(bench, deep="new")
    (bench.directory / "go").touch()
    code, events, err = ended(process)

    assert code != 0, events
    assert "the step deeper.steps.inside" in json.dumps(events) + err
    assert not any(event.get("step") == "inside" and event["type"] == "step.intended" for event in events)
