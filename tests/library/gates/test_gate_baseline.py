"""An offender is expected by name; what is not named, and what is named in vain, is a surprise."""

from __future__ import annotations

import pytest

from runner.library.gates.gate_baseline import check, compare, name
from runner.library.gates.quality_gates import QualityGate
from runner.model.yaml.finding import Finding, Level


def offender(path="", file="runbooks/registry"):
    return Finding(file, 1, 1, path, Level.ERROR, "no-runbook", "needs one")


ALERT, RUNBOOK, NOTHING = offender("MON-001.runbook", "a.yml"), offender("owner", "runbooks/RUN-002.yml"), offender()
GATE = QualityGate("alerts", "Alerts", (), (ALERT, RUNBOOK))


@pytest.mark.parametrize(
    ("found", "said"), [(ALERT, "alerts:MON-001"), (RUNBOOK, "alerts:RUN-002"), (NOTHING, "alerts")]
)
def test_an_offender_has_the_name_of_what_it_is_about(found, said):
    assert (name("alerts", found), check(said)) == (said, said)


@pytest.mark.parametrize(
    ("names", "expected", "unexpected", "vain"),
    [
        ([], (), (ALERT, RUNBOOK), ()),
        (["alerts:MON-001"], (ALERT,), (RUNBOOK,), ()),
        (["alerts:RUN-002", "alerts:MON-001"], (ALERT, RUNBOOK), (), ()),
        (["alerts", "risks:MON-001"], (), (ALERT, RUNBOOK), ("alerts",)),
        (["alerts:MON-002"], (), (ALERT, RUNBOOK), ("alerts:MON-002",)),
    ],
)
def test_what_is_expected_and_what_is_not(names, expected, unexpected, vain):
    compared = compare(GATE, names)

    assert (compared.expected, compared.unexpected, compared.vain) == (expected, unexpected, vain)
    assert compared.surprises is bool(unexpected or vain)


def test_a_gate_that_passes_is_no_surprise():
    assert not compare(QualityGate("alerts", "Alerts", (), ()), []).surprises
