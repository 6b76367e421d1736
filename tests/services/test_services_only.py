"""A run begins, is approved from another process, resumed, undone and reported by services alone, with a real Ansible."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import tomllib
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from harness import PATIENCE, TESTS
from harness.bench import Bench, step, survivors
from harness.fakes import RUN_ID, Clock

import runner
from runner.core.errors import InvalidInputError
from runner.executor.ansible.ansible_executor import AnsibleExecutor
from runner.executor.job import Cancellation
from runner.library.library import Library
from runner.orchestrator.run_environment import RunEnvironment
from runner.services.run_inputs import give_inputs
from runner.services.run_list import find_run, listed_runs, owed_undos, run_report
from runner.services.run_requests import interrupted_run, prepare_resume, prepare_run, prepare_undo
from runner.services.runs import preview_undo, resume_run, start_run, undo_run
from runner.store.log.envelope import Actor
from runner.store.state_directory import StateDirectory

ACTOR = Actor("alice", "controller.example", os.getpid(), "0.1.0")
CLOCK = Clock()

APPROVER = """
import sys, time
sys.path.insert(0, {tests!r})
from harness.fakes import Clock
from runner.orchestrator.run_environment import Installation
from runner.services.votes import cast_vote, pending
from runner.services.run_list import find_run
from runner.store.log.envelope import Actor
from runner.store.state_directory import StateDirectory
from pathlib import Path
from runner.executor.testing import ScriptedExecutor

state, clock, bob = StateDirectory.open(Path({state!r})), Clock(), Actor("bob", "laptop.example", 1, "0.1.0")
installation = Installation(
    state=state, clock=clock, actor=bob, environ={{}}, secrets=str, new_run_id=str, executor=ScriptedExecutor()
)
while not (questions := pending(state, clock())):
    time.sleep(0.1)
(question,) = questions
cast = cast_vote(installation, find_run(state, question.run), yes=True, subject=question.subject, note="I have looked")
print(cast.step, cast.vote.who, cast.needs or "-")
print(sorted({{"click", "rich"}} & sys.modules.keys()))
"""


@dataclass
class Elsewhere:
    """Nobody sits here: whatever is asked waits until somebody answers it elsewhere."""

    texts: list = field(default_factory=list)

    def answer(self, gate, view):
        self.texts.append(gate.text)
        ends = time.monotonic() + PATIENCE
        while not view.settled() and time.monotonic() < ends:
            time.sleep(0.05)


@pytest.fixture
def bench(tmp_path):
    """Two steps: the first asks somebody before it makes a file, the second needs a file that is not there yet."""
    bench = Bench(tmp_path)
    bench.hosts()
    made, needed = tmp_path / "made", tmp_path / "needed"
    undo = {"shell": f"rm {made}", "verify": [{"command": f"test ! -e {made}"}]}
    bench.write(
        step("make", f'echo "$WORD" > {made}', env={"WORD": "{{ word }}"}, approve="Make the file?", undo=undo),
        step("need", f"test -e {needed}", effect="read"),
        inputs={"word": {"help": "A word", "default": "nothing"}},
    )
    return bench


def environment(bench, operator):
    return RunEnvironment(
        state=StateDirectory.open(bench.state),
        clock=CLOCK,
        actor=ACTOR,
        environ=os.environ,
        secrets=str,
        new_run_id=lambda: RUN_ID,
        executor=AnsibleExecutor(),
        operator=operator,
        cancellation=Cancellation(),
    )


def test_a_run_from_its_start_to_its_report(bench):
    library, operator = Library(bench.directory), Elsewhere()
    env = environment(bench, operator)
    given = {"here": bench.directory, "environ": os.environ}

    # When it is started, and somebody else approves it from another process
    asked = give_inputs(prepare_run(library, "RUN-900", [bench.inventory], run_id=RUN_ID), ["word=hello"], **given)
    approver = APPROVER.format(tests=str(TESTS), state=str(bench.state))
    with subprocess.Popen([sys.executable, "-c", approver], stdout=subprocess.PIPE, text=True) as other:
        started = start_run(asked, env)
        approved = other.communicate(timeout=PATIENCE)[0].splitlines()

    # Then its first step is done, and its second has failed
    assert approved == ["make bob -", "[]"]
    assert (started.outcome, started.exit_code, operator.texts) == ("failed", 1, ["Make the file?"])
    assert (bench.directory / "made").read_text() == "hello\n"
    assert [(way.words[0]) for way in started.ways_on] == ["resume", "undo", "show"]

    # When what was missing is there, and it is resumed
    (bench.directory / "needed").touch()
    run = interrupted_run(env.state, "last")
    request = give_inputs(prepare_resume(run, library, env.state), [], resumed=True, **given)
    resumed = resume_run(request, env)

    assert (resumed.outcome, request.inputs) == ("passed", {"word": "hello"})
    with pytest.raises(InvalidInputError, match="there is nothing to resume"):
        prepare_resume(run, library, env.state)

    # When it is undone
    request = give_inputs(prepare_undo(find_run(env.state, RUN_ID), library), [], resumed=True, **given)
    plan = preview_undo(request, env.state)
    undone = undo_run(request, env, expected=plan)

    assert [(item.step, item.hosts) for item in plan.takes_back] == [("make", ("here",))]
    assert (undone.outcome, (bench.directory / "made").exists(), owed_undos(env.state)) == ("undone", False, [])

    # Then the report has all of it
    with listed_runs(env.state, CLOCK()) as runs:
        (row,), same = runs.all(), runs.one(RUN_ID)
    text = run_report(env.state, RUN_ID, CLOCK())
    assert (row.status, row.outcome, same) == ("finished", "undone", row)
    assert all(words in text for words in ("Make the file?", "bob", "I have looked", "Undo: Make"))


def test_in_production_somebody_is_asked_for_its_name_while_nothing_runs(bench):
    bench.hosts(here={"runbook_environment": "production"})
    bench.write(step("make", f"touch {bench.directory / 'made'}"))
    (bench.directory / "made").unlink(missing_ok=True)
    asked = []

    def type_environment(name, lines):
        asked.append((name, lines[0], survivors(RUN_ID)))
        return name

    env = replace(environment(bench, Elsewhere()), type_environment=type_environment)
    request = prepare_run(Library(bench.directory), "RUN-900", [bench.inventory], run_id=RUN_ID)

    ended = start_run(replace(request, reason="The file is missing"), env)

    assert (ended.outcome, asked) == ("passed", [("production", "RUN-900 A trial", {})])


def test_services_and_what_is_below_them_may_not_know_of_click_or_rich():
    contracts = tomllib.loads((TESTS.parent / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (contract,) = [each for each in contracts if {"click", "rich"} <= set(each.get("forbidden_modules", ()))]
    packages = {f"runner.{path.parent.name}" for path in Path(runner.__file__).parent.glob("*/__init__.py")}

    assert set(contract["source_modules"]) == packages - {"runner.cli"}
