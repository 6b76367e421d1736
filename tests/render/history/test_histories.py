"""Whatever happens to a run, everything that tells of it says the same: report, status, list, site, proofs, pages, state."""

from __future__ import annotations

import contextlib
import html
import json
import os
import re
import tempfile
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from harness.engine import FAILED, LOST, Engine, change, undoing
from harness.fakes import RUN_ID
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from runner.cli import cli
from runner.cli.system import System
from runner.core.errors import InvalidInputError
from runner.core.step_tags import undo_id
from runner.library.snapshot import read as read_library
from runner.orchestrator.recovery import name_abandoned
from runner.orchestrator.run_environment import GateAnswer
from runner.render.history.recorded_runs import proofs
from runner.render.history.run_history import histories
from runner.render.site.pages import pages
from runner.render.site.site_content import gather
from runner.store.log.log_reader import read

MANY = int(os.environ.get("RUNBOOK_TEST_HISTORIES", "3"))
"""How many random histories are made."""

HOSTS = ["one", "two"]
STEPS = [
    change("look", effect="read", on_failure="escalate"),
    undoing("first", on_failure="escalate"),
    undoing("second", approve="Go on?", on_failure="undo"),
    change("third", manual="Tell them", command=None, verify=[{"confirm": "They know"}]),
    undoing("fourth"),
]
STEPS = [{key: value for key, value in step.items() if value is not None} for step in STEPS]
CALLS = {"when": ["step_failed"], "contacts": ["on-call"], "provide": ["timeline", "actions"]}
PARTS = ["action", "verify/1"]
NAMES = [step["id"] for step in STEPS]


class KilledError(BaseException):
    """The command dies."""


def killed(_host):
    raise KilledError


ANSWERS = st.dictionaries(
    st.tuples(
        st.sampled_from([*NAMES, *(undo_id(name) for name in NAMES)]), st.sampled_from(PARTS), st.sampled_from(HOSTS)
    ),
    st.sampled_from([FAILED, LOST, killed]),
    max_size=2,
)
SAID = st.sampled_from(
    [
        GateAnswer(yes=True, by="bob"),
        GateAnswer(yes=False, by="bob"),
        GateAnswer(yes=True, by="nobody"),
        GateAnswer(yes=False, by="bob", instead="skip"),
    ]
)
COMMANDS = st.lists(st.tuples(st.sampled_from(["resume", "resume", "undo"]), ANSWERS, SAID), max_size=3)


def command(engine, what, answers, said):
    """Do it, and let the next command find what died."""
    engine.ansible.answers = answers
    engine.operator.answers = {} if said is None else dict.fromkeys(NAMES, said)
    with contextlib.suppress(KilledError, InvalidInputError):
        getattr(engine, what)(**({"done": NAMES} if what == "resume" else {}))
    list(name_abandoned(engine.env))


def told(engine):
    """The outcome of the run, in the words of each that tells of it, and the outcomes of its steps."""
    system = System(actor=lambda: engine.env.actor, executor=lambda: engine.ansible)
    invoke = lambda *words: CliRunner().invoke(  # noqa: E731
        cli, ["--state-dir", str(engine.env.state.path), *words], catch_exceptions=False, obj=system
    )
    report = json.loads(invoke("show", RUN_ID, "--json").output)
    status = json.loads(invoke("status", RUN_ID, "--json").output)
    (row,) = json.loads(invoke("list", "--runs", "--json").output)
    runs = list(histories(read(engine.env.state.log_path)))
    collection = read_library(engine.asked_for.library)
    made = pages(gather(collection, runs, now=engine.env.clock().wall, stale_after=timedelta(days=90)))
    shown = re.search(r'data-label="Outcome"><span><span class="chip[^"]*">([^<]*)<', made["runs.html"])
    return {
        "pages": [_page(page.details) for page in engine.channel.sent],
        "report": (report["outcome"], {step["id"]: _outcomes(step) for step in report["steps"]}),
        "standing": report["standing"],
        "status": (status["outcome"], {step["id"]: step["hosts"] for step in status["steps"]}),
        "list": row["outcome"] or "running",
        "site": html.unescape(shown[1]),
        "proofs": [proof.run for proof in proofs(runs)],
        "unproven": report["unproven"],
        "tested": "never tested" not in made["RUN-001.html"],
    }


def _page(details):
    """The outcome and how the hosts stand, in the words of the page, and the outcomes of the steps that were begun."""
    names = {name.capitalize(): name for name in NAMES}
    names |= {f"Undo: {name}": undo_id(step) for name, step in names.items()}
    steps = {
        names[step]: {host: outcome for outcome, hosts in by_outcome.items() for host in hosts}
        for step, by_outcome in details["steps"].items()
    }
    return details["outcome"], details.get("hosts"), steps


def _outcomes(step):
    return {host: item["outcome"] for host, item in step["hosts"].items()}


def ledger_of(engine):
    """What the ledger has come to, as the state of the run has kept it: a step that is taken back is undone."""
    table = engine.state["steps"]
    undone = {
        (step, host)
        for step in table
        for host in table.get(undo_id(step), {})
        if table[undo_id(step)][host] == "passed"
    }
    return {
        step: {host: "undone" if (step, host) in undone else outcome for host, outcome in hosts.items()}
        for step, hosts in table.items()
    }


@settings(
    max_examples=MANY, phases=[Phase.generate], suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
@given(ANSWERS, st.none() | SAID, COMMANDS)
def test_everything_that_tells_of_a_run_says_the_same(first, said, commands):
    with pytest.MonkeyPatch.context() as monkeypatch, tempfile.TemporaryDirectory() as directory:
        # Given a run, and commands that go on with it or take it back, of which any may fail or die
        engine = Engine(Path(directory), monkeypatch)
        engine.ansible.hosts = {"all": HOSTS}
        engine.ansible.environments = dict.fromkeys(HOSTS, "staging")
        engine.asked_for = engine.request(*STEPS, escalation=CALLS)
        command(engine, "do", first, said)
        for what, answers, answer in commands:
            engine.channel.sent.clear()
            command(engine, what, answers, answer)
        # When each is asked
        found = told(engine)
        # Then all of them know the same outcome, of the run and of each step
        outcome, steps = found["report"]
        assert found["status"] == (outcome, steps)
        assert found["list"] == outcome
        assert found["site"] == ("abandoned" if engine.state["status"] == "abandoned" else outcome)
        assert engine.state["outcome"] == outcome
        # And whoever was called was told just that
        begun = {step: hosts for step, hosts in steps.items() if hosts}
        assert found["pages"] in ([], [(outcome, found["standing"], begun)])
        # And it is a proof if it has passed in the end, and somebody did what a person does
        assert found["proofs"] == ([] if found["unproven"] else [RUN_ID])
        assert found["tested"] == bool(found["proofs"])
        assert outcome == "passed" or found["unproven"]
        # And that is what the ledger has come to
        if engine.state["status"] == "finished":
            assert ledger_of(engine) == {
                step: {host: steps.get(step, {}).get(host, "never reached") for host in hosts}
                for step, hosts in engine.state["steps"].items()
            }
