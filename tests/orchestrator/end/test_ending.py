"""Whatever is raised at whatever place of a run: it has an end, recorded or said not to be, and whoever must be is called."""

from __future__ import annotations

import errno
import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from harness.engine import FAILED, LOST, Engine, undoing
from harness.fake_run import UnwritableLog
from harness.fakes import RUN_ID

import runner
from runner.core.errors import (
    AuditError,
    ExecutionError,
    ExitCode,
    InvalidInputError,
    LockedError,
    UnreachableError,
)
from runner.core.events import EventType
from runner.escalation import call_rules, delivery, dispatch, incidents, outbox, policy
from runner.escalation.outbox import Outbox
from runner.executor.host_check import HostCheck
from runner.orchestrator import run_loop
from runner.orchestrator.continuation import undo_plan
from runner.orchestrator.end import aftermath, finish, paging
from runner.orchestrator.run_environment import GateAnswer
from runner.store import manifest, owed_undos
from runner.store.locks.host_locks import Locks
from runner.store.locks.kernel_locks import LockFile
from runner.store.log.log_reader import read

ERRORS = [
    lambda: ExecutionError("it is broken"),
    lambda: OSError(errno.EIO, "Input/output error", "/x"),
    lambda: OSError(errno.ENOSPC, "No space left on device"),
    lambda: TypeError("not so"),
    MemoryError,
    KeyboardInterrupt,
    lambda: AuditError("it cannot be recorded"),
]
ALL_PARTS = 60  # no multiple of the number of errors: each part has all of them
PARTS = int(os.environ.get("RUNBOOK_TEST_ENDINGS", "1"))
"""How many parts of all the places something is raised at; `RUNBOOK_TEST_ENDINGS=60` is all of them."""
HOME = str(Path(runner.__file__).parent)
APART = {
    # What makes the run and its end.
    *("run", "_held"),
    # The place itself through which every run ends, and what comes after the end.
    *("do", "attempt", "conclude", "_raised_by", "_in_words", "explain", "error", "release", "close", "__exit__"),
}
THROWN_AWAY = {"_ever_shorter"}
"""Generators that are not exhausted: the last call is their end, and Python itself swallows what is raised in that."""
OF_A_FAILURE = {
    module.__file__
    for module in (
        aftermath,
        finish,
        paging,
        policy,
        incidents,
        manifest,
        owed_undos,
        run_loop,
        undo_plan,
        call_rules,
        delivery,
        dispatch,
        outbox,
    )
}
"""What comes after a failure; the rest is the same in a run that passes."""
POLICY = {"when": ["step_failed"], "contacts": ["on-call"], "provide": ["timeline", "failure"]}
STEPS = [undoing("one"), undoing("two", approve="Go on?", on_failure="undo"), undoing("three")]


class Tracer:
    """Notes each call of a function of the product, and raises at one of them."""

    def __init__(self, place=None, error=None):
        self.place, self.error, self.calls, self.raised = place, error, {}, False

    def __call__(self, frame, event, _):
        code = frame.f_code
        if event != "call" or not code.co_filename.startswith(HOME) or code.co_name.startswith("<"):
            return
        name = (code.co_filename[len(HOME) + 1 :], code.co_name)
        self.calls[name] = self.calls.get(name, 0) + 1
        if self.place == (name, self.calls[name]) and not self.raised:
            self.raised = True
            raise self.error()


def traced(engine, tracer, fails, request):
    """The run as it ended, or what it raised; `request` is one of another engine, as that takes longer than the run."""
    engine.asked_for, engine.channel = request, request.contacts["on-call"].channels[0]
    engine.channel.sent.clear()
    engine.ansible.answers["two", "action"] = FAILED if fails else ("ok", {"rc": 0})
    sys.settrace(tracer)
    try:
        return engine.do()
    except BaseException as error:
        if not tracer.raised:
            raise
        return error
    finally:
        sys.settrace(None)


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("fails", [True, False], ids=["failing", "passing"])
def test_whatever_is_raised_wherever_the_run_has_an_end(tmp_path, monkeypatch, fails, part):
    monkeypatch.setattr("os.fsync", lambda _: None)  # hundreds of runs, and none is about a crash of this machine
    whole, first = Tracer(), made(tmp_path / "whole", monkeypatch)
    request = first.request(*STEPS, escalation=POLICY)
    result = traced(first, whole, fails, request)
    assert result.exit_code == (ExitCode.ESCALATED if fails else ExitCode.DONE)
    names = [name for name in whole.calls if name[1] not in APART]
    assert len(names) > 150
    if fails:
        names = [name for name in names if f"{HOME}/{name[0]}" in OF_A_FAILURE]
        assert {f"{HOME}/{name[0]}" for name in names} == OF_A_FAILURE
    places = [(name, 1 if fails or name[1] in THROWN_AWAY else whole.calls[name]) for name in names]
    wrong = []

    for number in range(part, len(places), ALL_PARTS):
        engine, error = made(tmp_path / str(number), monkeypatch), ERRORS[number % len(ERRORS)]
        ended = traced(engine, Tracer(places[number], error), fails, request)
        if problem := what_is_wrong(engine, ended):
            wrong.append((places[number], error(), problem))

    assert not wrong, "\n".join(map(str, wrong))


def made(directory, monkeypatch):
    directory.mkdir()
    return Engine(directory, monkeypatch)


def what_is_wrong(engine, ended):
    """Why the end of that run is none."""
    begun = (engine.env.state.path / "runs" / RUN_ID / "run.json").exists()
    if isinstance(ended, BaseException):
        return f"raised {ended!r}" if begun else ""
    if ended.exit_code == ExitCode.AUDIT:
        return "" if engine.channel.actions.count("trigger") else f"nobody was called: {ended}"
    records = list(read(engine.env.state.audit / "audit.jsonl", run=RUN_ID))
    ends = [record for record in records if record.type == EventType.RUN_FINISHED]
    if len(ends) != 1:
        return f"{len(ends)} ends are recorded: {ended.problems}"
    called = engine.channel.actions.count("trigger")
    if ended.exit_code not in {ExitCode.DONE, ExitCode.INTERRUPTED, ExitCode.LOCKED} and not called:
        return f"nobody was called: {ended}"
    if ended.outcome == "passed" and ended.exit_code != ExitCode.DONE:
        return f"passed with {ended.exit_code}"
    return ""


@pytest.mark.parametrize("kind", ["run.started", "step.intended", "page.finished", "run.finished"])
def test_a_log_that_cannot_be_written_from_some_record_on_is_an_exit_code_and_a_page(engine, kind):
    broken = []

    def refuse(*events):
        broken.extend(event for event in events if event.type == kind)
        if broken:
            raise AuditError("the disk is full")

    engine.env = replace(engine.env, state=UnwritableLog(engine.env.state.path, refuse))
    engine.ansible.answers["two", "action"] = FAILED

    result = engine.run(*STEPS, escalation=POLICY)

    assert result.exit_code == ExitCode.AUDIT
    assert set(engine.channel.actions) == {"trigger"}
    assert any("the disk is full" in problem for problem in result.problems)
    if kind in {"run.started", "step.intended"}:
        assert engine.channel.sent[0].details["not recorded"] == "the disk is full"


def test_a_log_that_cannot_be_opened_is_an_exit_code_and_a_page_and_nothing_is_done(engine):
    engine.env.state.audit.mkdir()
    (engine.env.state.audit / "audit.jsonl").mkdir()

    result = engine.run(*STEPS, escalation=POLICY)

    assert (result.exit_code, engine.channel.actions, engine.ansible.calls) == (ExitCode.AUDIT, ["trigger"], [])
    assert "not recorded" in engine.channel.sent[0].details


@pytest.mark.parametrize("error", [TypeError("not so"), KeyboardInterrupt()], ids=["defect", "interrupt"])
def test_locks_that_cannot_be_given_back_take_nothing_of_the_end_away(engine, monkeypatch, error):
    # Given a lock's file whose note cannot be taken out once the run is over
    real = LockFile.write

    def write(file, text):
        if not text:
            raise error
        real(file, text)

    monkeypatch.setattr("runner.store.locks.kernel_locks.LockFile.write", write)
    # When
    result = engine.run(undoing("one"))
    # Then
    ends = [record.data["outcome"] for record in engine.records if record.type == EventType.RUN_FINISHED]
    assert (result.outcome, result.exit_code, ends) == ("passed", ExitCode.DONE, ["passed"])
    locks = Locks(engine.env.state.path / "locks", clock=engine.env.clock)
    assert (engine.state["status"], locks.held()) == ("finished", [])


def test_a_log_that_others_may_write_to_is_no_defect_of_the_product(engine):
    engine.run(undoing("one"))
    engine.env.state.log_path.chmod(0o666)
    engine.asked_for = replace(engine.asked_for, run_id=f"{RUN_ID[:-4]}ffff")

    result = engine.do()

    assert (result.exit_code, "defect" in " ".join(result.problems)) == (ExitCode.AUDIT, False)


def lost(engine):
    engine.ansible.answers["one", "action"] = LOST


def silent(engine):
    engine.ansible.inventory["connection_facts"] = {"db1": {}}
    engine.ansible.checks["db1"] = HostCheck("db1", problem="db1: no connection")


def defective(engine):
    def execute(*_, **__):
        raise RuntimeError("nobody foresaw this")

    engine.ansible.execute = execute


def unresolved(error):
    """The inventory cannot be read, or names nobody: the executor raises `error` for whoever asks."""

    def arrange(engine):
        def refuse(*_, **__):
            raise error

        engine.ansible.resolve = engine.ansible.execute = refuse

    return arrange


def unanswered(engine):
    engine.operator.answers["one"] = GateAnswer(yes=False, by="nobody", note="nobody has answered", waited=True)


def unmet(engine):
    engine.ansible.answers["prerequisite-1", "action"] = FAILED


NO_INVENTORY, NO_HOST = InvalidInputError("the inventory is broken"), UnreachableError("no host matches")
PREREQUISITE = {"name": "May be done", "command": "true", "verify": [{"exit": 0}]}


@pytest.mark.parametrize(
    ("arrange", "changes", "reason"),
    [
        (lost, {}, "step failed: One"),
        (silent, {}, "could not continue: db1: no connection"),
        (silent, {"mode": "auto"}, "could not continue: db1: no connection"),
        (defective, {}, "could not continue: a defect of runbookctl (RuntimeError: nobody foresaw this)"),
        (unresolved(NO_INVENTORY), {"mode": "auto"}, "could not continue: the inventory is broken"),
        (unresolved(NO_HOST), {"mode": "auto"}, "could not continue: no host matches"),
        (unresolved(LockedError("bob holds it")), {"mode": "auto"}, "could not continue: bob holds it"),
        (unanswered, {}, "nobody has answered in time: One"),
        (unmet, {"prerequisites": [PREREQUISITE]}, "step failed: May be done"),
    ],
    ids=[
        "unreachable",
        "silent",
        "silent, unattended",
        "exception",
        "broken inventory",
        "no host",
        "locked",
        "expired approval",
        "prerequisite",
    ],
)
@pytest.mark.parametrize(("status", "code"), [("accepted", None), ("deferred", ExitCode.PAGING)])
def test_every_end_that_is_not_as_it_must_be_calls_once_and_what_does_not_arrive_waits(
    engine, arrange, changes, reason, status, code
):
    engine.channel.status = status
    arrange(engine)

    result = engine.run(undoing("one", approve="Go on?", auto=True), escalation=POLICY, **changes)

    (page,) = engine.channel.sent
    assert page.summary.removeprefix("RUN-001 Disk is full").removeprefix(" (local)").startswith(f": {reason}")
    assert (result.exit_code == code) if code else result.exit_code in {ExitCode.ESCALATED, *REFUSED}
    waiting = Outbox(engine.env.state.path / "outbox").all()
    assert [each.contact for each in waiting] == ([] if status == "accepted" else ["on-call"])


REFUSED = {ExitCode.LOCKED}
"""What an unattended run that never began exits with, though somebody has the page: whoever started it sees why."""


def test_a_defect_is_a_sentence_and_its_traceback_lies_in_the_directory_of_the_run(engine):
    def defect(_):
        raise TypeError("a token sesame is not a number")

    engine.ansible.answers["one", "action"] = defect
    result = engine.run(undoing("one"), secrets={}, escalation=POLICY)

    path = engine.env.state.path / "runs" / RUN_ID / "defect.txt"
    assert result.problems[0] == "a defect of runbookctl (TypeError: a token sesame is not a number)"
    assert (result.exit_code, str(path) in result.hint) == (ExitCode.ESCALATED, True)
    assert "TypeError: a token sesame" in path.read_text()
