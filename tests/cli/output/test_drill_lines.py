"""Of many drills the screen has a line each; what was never red is named only where few lines say it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from runner.cli.output.drill_lines import quiet_moment, show_result, show_series
from runner.render.drills.drill_result import DrillMoment, DrillResult, DrillSeries, DrillTest, DrillVerdict


def result(number):
    return DrillResult(
        runbook=f"RUN-00{number}",
        name=f"RUN-00{number}",
        title="Service down",
        severity="P1",
        sha256="aa",
        test=DrillTest.AS_WRITTEN,
        verdict=DrillVerdict.PASSED,
        reasons=(),
        backend="lab",
        began=datetime(2026, 1, 1, tzinfo=UTC),
        seconds=9.0,
        verifications=("alert/1", "restart/1"),
        red=("restart/1",),
    )


@pytest.mark.parametrize(
    ("word", "is_told"), [("test", False), ("fault", False), ("armed", False), ("seen", True), ("undo", True)]
)
def test_whoever_is_trained_is_told_what_they_see_and_that_it_is_taken_back(word, is_told, capsys):
    quiet_moment(DrillMoment(1.0, word, "The service runs"))

    assert ("The service runs" in capsys.readouterr().err) is is_told


@pytest.mark.parametrize("err", [False, True])
def test_where_a_program_reads_the_output_how_a_test_ended_is_a_message(err, capsys):
    show_result(result(1), err=err)

    line = "PASSED   RUN-001, as written: the runbook does what it is for\n"
    assert capsys.readouterr() == (("", line) if err else (line, ""))


@pytest.mark.parametrize(
    ("count", "never"),
    [
        (2, [f"never red  RUN-00{number}, no test has seen these fail: alert/1" for number in range(2)]),
        (5, ["never red  5 verifications of 5 runbooks, which the page names"]),
    ],
)
def test_what_was_never_red_is_counted_where_it_is_much(count, never, capsys):
    show_series(DrillSeries(tuple(map(result, range(count))), {}, {}, 30.0))

    written = capsys.readouterr()
    assert written.out.splitlines()[1:] == [
        f"RUN-00{number}  as written  passed                            9.0 s" for number in range(count)
    ]
    assert written.err.splitlines() == [*never, f"{count} of {count} as they must be, in 30 s"]
