"""`runbook drill`: what it refuses before anything is broken."""

from __future__ import annotations

from datetime import UTC, datetime

import click
import pytest
from harness.fakes import runbook_file

from runner.cli.commands.lab.drill import exit_code, say_next
from runner.cli.context import CommandContext
from runner.cli.system import System
from runner.core.errors import ExitCode
from runner.library.library import Library
from runner.render.drills.drill_result import DrillResult, DrillSeries, DrillTest, DrillVerdict

DRILL = {"probe": {"http": "http://web/"}, "inject": {"command": "stop-it"}, "symptom": {"that": "status == 503"}}


def test_a_runbook_without_a_drill_is_refused(runbook, library, here):
    library()

    ran = runbook("drill", "RUN-001")

    assert (ran.code, "RUN-001 says nothing of how it is rehearsed" in ran.err) == (2, True)


def test_a_runbook_whose_playbook_is_not_committed_is_refused_before_anything_is_started(runbook, here):
    runbook_file(here, hosts="web", drill={**DRILL, "backends": ["embedded"]})

    ran = runbook("drill", "RUN-001", "--backend", "embedded")

    assert (ran.code, "playbooks/RUN-001.yml is missing" in ran.err, "hosts    " in ran.err) == (2, True, False)


def test_an_inventory_that_is_not_there_is_an_error(runbook, here):
    ran = runbook("--library", "shipped", "drill", "RUN-001", "-i", "inventories/nowhere")

    assert (ran.code, "there is no inventory inventories/nowhere" in ran.err) == (2, True)


def test_a_report_that_cannot_be_written_is_an_error_before_anything_is_broken(runbook, here):
    ran = runbook("--library", "shipped", "drill", "RUN-001", "--junit", "nowhere/drills.xml")

    assert (ran.code, ran.err.splitlines()[1:]) == (2, ["error: nowhere/drills.xml: No such file or directory"])


def test_alone_it_says_what_can_be_drilled_and_how_one_begins(runbook, here):
    ran = runbook("--library", "shipped", "drill")

    assert ran.code == 0
    assert any(line.startswith("RUN-001") and line.endswith("never        no root") for line in ran.out.splitlines())
    assert "drill RUN-001: what is broken is thrown away, and nobody is called" in ran.out


def test_where_no_drill_is_written_it_says_what_writes_one(runbook, library, here):
    library()

    ran = runbook("drill")

    assert "drill init RUN-xxx writes a first one into the file of that runbook" in ran.err


def test_a_library_without_a_lab_begins_on_its_staging(runbook, here):
    runbook_file(here, hosts="web", drill=DRILL)

    ran = runbook("drill")

    assert "drill RUN-001 -i inventories/staging: what it would break is shown first, and nobody is called" in ran.out


def test_ways_that_exclude_each_other_are_refused(runbook, here):
    both = runbook("--library", "shipped", "drill", "RUN-001", "--no-fault", "--no-remediation")
    every = runbook("--library", "shipped", "drill", "RUN-001", "--all")

    assert (both.code, every.code) == (2, 2)


@pytest.mark.parametrize("option", ["--ask", "--as-trainee"])
def test_nothing_is_broken_where_nobody_can_be_asked(runbook, here, option):
    ran = runbook("--library", "shipped", "drill", "RUN-006", "--backend", "embedded", option)

    assert (ran.code, "nothing was broken: there is no terminal to ask on" in ran.err) == (ExitCode.DENIED, True)


def test_what_cannot_be_drilled_is_left_out_by_name(runbook, library, here):
    library()

    assert "left out   RUN-001" in runbook("drill").err


@pytest.mark.parametrize(
    ("test", "verdict", "is_begun", "code"),
    [
        (DrillTest.AS_WRITTEN, DrillVerdict.PASSED, True, ExitCode.DONE),
        (DrillTest.AS_WRITTEN, DrillVerdict.FAILED, False, ExitCode.FAILED),
        (DrillTest.NO_FAULT, DrillVerdict.PASSED, True, ExitCode.FAILED),
        (DrillTest.NO_FAULT, DrillVerdict.FAILED, True, ExitCode.DONE),
        (DrillTest.NO_FAULT, DrillVerdict.FAILED, False, ExitCode.DENIED),
        (DrillTest.NO_REMEDIATION, DrillVerdict.FAILED, False, ExitCode.DENIED),
    ],
)
def test_what_must_fail_ends_as_a_failure_and_what_was_not_begun_as_neither(test, verdict, is_begun, code):
    assert exit_code(ended(test, verdict, not_begun=not is_begun), [test]) == code


def ended(test, verdict, **changes):
    about = {"runbook": "RUN-001", "name": "RUN-001", "title": "Pool", "severity": "P1", "sha256": "0" * 64}
    when = {"began": datetime(2026, 1, 1, tzinfo=UTC), "seconds": 1.0, "backend": "lab", "reasons": ()}
    return DrillSeries((DrillResult(**about, **when, test=test, verdict=verdict, **changes),), {}, {}, 1.0)


ASKS = {"id": "ask", "name": "Ask", "manual": "Look at it", "verify": [{"confirm": "It is good"}]}
EXIT = "exit     1, as nothing was mended; --standard-tests ends with 0 instead"


@pytest.mark.parametrize(
    ("test", "steps", "told"),
    [
        (DrillTest.AS_WRITTEN, None, ["next     see that it can fail: runbook drill RUN-001 --standard-tests"]),
        (
            DrillTest.NO_REMEDIATION,
            [ASKS],
            [
                EXIT,
                "next     answer its questions yourself: runbook drill RUN-001 --ask",
                "         see that it can fail: runbook drill RUN-001 --standard-tests",
            ],
        ),
    ],
)
def test_what_may_come_next_is_told_and_why_it_ends_with_1_where_it_has_passed(test, steps, told, here, capsys):
    runbook_file(here, **({"steps": steps} if steps else {}))

    with click.Context(click.Command("drill"), obj=CommandContext(None, None, System())):
        say_next(ended(test, DrillVerdict.PASSED), [test], Library(here), [])

    assert capsys.readouterr().err.splitlines() == told
