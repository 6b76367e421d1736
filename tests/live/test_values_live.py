"""What somebody gives, and what a host says, reaches hosts and databases as exactly that, however often it crosses.

`RUNBOOK_TEXTS` is how many texts are tried.
"""

from __future__ import annotations

import json
import os
import sys

import pytest
from harness.bench import step
from harness.texts import WORDS, texts

from runner.lab.demo_workspace import workspace
from runner.lab.postgres import Postgres

COUNT = int(os.environ.get("RUNBOOK_TEXTS", "200"))
AT_ONCE = 800
"""Texts in one run: all of them are in one command line."""

FEW = 50
"""Texts in one run that are environment variables, and parameters of their own, as well."""

PATIENCE = 900

TELL = """
import json, os, sys
given = [name for name in os.environ if name[0] == "T" and name[1:].isdigit()]
print(json.dumps([sys.argv[1:], [os.environ[f"T{number}"] for number in range(len(given))]]))
"""


@pytest.fixture(scope="module")
def database():
    with workspace() as directory, Postgres.running(directory / "postgres") as running:
        yield running


def batches():
    made = [*WORDS, *texts(max(0, COUNT - len(WORDS)), seed=13)][: max(COUNT, 1)]
    return [made[at : at + AT_ONCE] for at in range(0, len(made), AT_ONCE)]


def tell(name, arguments, **keys):
    """A step that says with which arguments, and with which environment, it was started."""
    keys = {"capture": {name: "stdout | from_json"}, "verify": [{"exit": 0}], "on_failure": "stop", **keys}
    return {"id": name, "name": name, "effect": "read", "command": [sys.executable, "-c", TELL, *arguments], **keys}


def ask(name, count):
    """A step that has a database say what it was given: each as a parameter of its own, and all in one list."""
    each = ", ".join(f"%(t{number})s" for number in range(count))
    params = {f"t{number}": f"{{{{ given[0][{number}] }}}}" for number in range(count)}
    query = f"SELECT ARRAY[{each}]::text[] AS each, %(listed)s::text[] AS listed"
    given = {"sql": query, "params": {**params, "listed": "{{ picked }}"}, "capture": {name: "row"}}
    return {"id": name, "name": name, "effect": "read", **given, "verify": [{"that": "row.each | length > 0"}]}


def cross(bench, database, values):
    """What is captured of `values` on every road: they are given, captured, chosen, bound, kept by a run that fails."""
    bench.hosts(here={"runbook_sql": database.environment("runbook"), "runbook_psql": str(database.psql)})
    names = [f"t{number}" for number in range(len(values))]
    templates = [f"{{{{ {name} }}}}" for name in names]
    env = {name.upper(): template for name, template in zip(names[:FEW], templates, strict=False)}
    go = bench.directory / "go"
    bench.write(
        tell("given", templates, env=env, capture={"given": "stdout | from_json", "all": "(stdout | from_json)[0]"}),
        step("stops", f"test -e {go}", approve="Go on?", idempotent=True),
        tell("kept", [f"{{{{ given[0][{number}] }}}}" for number in range(len(values))]),
        {**ask("bound", min(len(values), FEW)), "choose": {"picked": {"from": "all"}}},
        step("looks", "test -d /", effect="read", approve="Go on?"),
        tell("answered", ["{{ bound | to_json }}", "{{ picked | to_json }}"]),
        inputs={name: {"type": "string", "help": "A text"} for name in names},
    )
    words = [word for name, value in zip(names, values, strict=True) for word in ("-e", f"{name}={value}")]
    failed = bench.run("--auto", *words, patience=PATIENCE)
    go.touch()
    passed = bench.command("resume", "last", "--yes", "--json", patience=PATIENCE)
    assert [failed.code != 0, passed.code] == [True, 0], failed.out + failed.err + passed.err
    state = json.loads((bench.state / "runs" / bench.run_ids()[-1] / "run.json").read_text())
    return state["captured"]["here"]


@pytest.mark.parametrize("number", range(len(batches())))
def test_texts_arrive_as_they_are_given_captured_chosen_bound_and_kept(bench, database, number):
    values = batches()[number]

    arrived = cross(bench, database, values)

    assert arrived["given"] == [values, values[:FEW]]
    assert arrived["kept"][0] == values
    assert arrived["bound"] == {"each": values[:FEW], "listed": values}
    assert list(map(json.loads, arrived["answered"][0])) == [arrived["bound"], values]


def test_typed_inputs_arrive_as_their_type_and_are_spelled_as_in_json(bench):
    types = {"flag": "bool", "count": "int", "share": "number", "day": "date", "wait": "duration"}
    given = {"flag": "yes", "count": "007", "share": "0.5", "day": "2026-01-01", "wait": "5m"}
    words = ["-n={{ flag }}", *(f"{{{{ {name} }}}}" for name in types)]
    are = "flag is boolean and count is integer and share is float and day is string and wait_seconds == 300"
    bench.write(
        tell("given", words, env={"T0": "{{ flag }}"}, verify=[{"exit": 0}, {"that": are}]),
        {**tell("exact", []), "command": "wc -c", "stdin": "abc", "capture": {"size": "stdout | int"}},
        inputs={name: {"type": kind, "help": "A value"} for name, kind in types.items()},
    )

    ran = bench.run(*(word for name, value in given.items() for word in ("-e", f"{name}={value}")), patience=PATIENCE)

    captured = {
        key: value
        for event in ran.events
        if event["type"] == "values.captured"
        for key, value in event["data"]["values"].items()
    }
    assert captured == {"given": [["-n=true", "true", "7", "0.5", "2026-01-01", "5m"], ["true"]], "size": 3}
