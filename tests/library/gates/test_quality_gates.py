"""Each gate passes on what it asks for and on nothing else, and names every offender with its place."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

import pytest
from harness.collected import SHIPPED, alert, collected, entry

from runner.library.gates.quality_gates import GATES, QualityGate, ask, check, compare, name
from runner.library.last_tested import Proof
from runner.library.snapshot import read
from runner.model.yaml.finding import Finding, InvalidFileError, Level

SOUND = {
    "mon": alert("MON-001", runbook="RUN-001"),
    "scn": entry("SCN-001", category="incident", severity="critical", runbook="RUN-001"),
    "dep": entry("DEP-001", rollback="{trigger: it fails, runbook: RUN-001}") + entry("DEP-002"),
    "risk": entry("RISK-001", level="high", runbook="RUN-001") + entry("RISK-002", level="low"),
}


@pytest.fixture
def asked(tmp_path, monkeypatch):
    """Asks every gate of a library that is sound but for what is given."""
    monkeypatch.chdir(tmp_path)

    def ask_all(*runbooks, tested=True, **registry):
        collection = collected(tmp_path, *(runbooks or [{}]), **{**SOUND, **registry})
        proofs = [
            Proof(name, each.sha256, "p", "staging", "run", datetime(2026, 1, 2, tzinfo=UTC))
            for name, each in collection.runbooks.items()
        ]
        return {gate.name: gate for gate in ask(collection, proofs if tested else [])}

    return ask_all


@pytest.fixture
def offenders(asked):
    """What speaks against one gate, where all others pass."""

    def tell(name, *runbooks, **changes):
        gates = asked(*runbooks, **changes)
        assert [gate.name for gate in gates.values() if not gate.passed] == [name]
        return [f"{each.file.rpartition('/')[2]}:{each.line} {each.message}" for each in gates[name].offenders]

    return tell


def test_the_gates_are_the_six_of_the_checklist(asked):
    gates = asked()

    assert tuple(gates) == GATES
    assert [gate.title for gate in gates.values()] == [
        "All critical scenarios have runbooks (RUN-)",
        "Each MON- alert maps to a RUN- procedure",
        "DEP- rollback triggers link to RUN- procedures",
        "RISK- high/medium entries have response runbooks",
        "All runbooks have owners and last-tested dates",
        "Escalation paths defined for all runbooks",
    ]


def test_a_sound_library_passes_every_gate_and_shows_why(asked):
    assert [(gate.passed, gate.evidence) for gate in asked().values()] == [
        (True, ("SCN-001 Something: RUN-001",)),
        (True, ("MON-001 Something: RUN-001",)),
        (True, ("DEP-001 Something: RUN-001",)),
        (True, ("RISK-001 Something: RUN-001",)),
        (True, ("RUN-001 Disk is full: backend-team, tested 2026-01-02 (staging)",)),
        (True, ("RUN-001 Disk is full: on-call",)),
    ]


@pytest.mark.parametrize(
    ("gate", "changes", "told"),
    [
        (
            "critical-scenarios",
            {"scn": entry("SCN-001", category="incident", severity="P0")},
            ["scn.yml:1 a critical scenario needs a runbook"],
        ),
        (
            "critical-scenarios",
            {"scn": entry("SCN-001", category="incident", severity="warning", runbook="RUN-001")},
            ["registry:1 there is no SCN- entry that is critical, so nothing shows that the gate holds"],
        ),
        (
            "critical-scenarios",
            {"scn": SOUND["scn"].replace("RUN-001", "RUN-002"), "x": entry("RUN-002", category="recovery")},
            ["scn.yml:1 a critical scenario needs a runbook, and RUN-002 (Something) is planned, and not written yet"],
        ),
        (
            "alerts",
            {"mon": alert("MON-001") + alert("MON-002", "P0")},
            ["mon.yml:2 critical: needs a dedicated incident runbook"],
        ),
        (
            "alerts",
            {"mon": alert("MON-001") + alert("MON-002", "warning", runbook="RUN-100")},
            ["mon.yml:2 warning: needs a runbook, which it may share, and there is no RUN-100; did you mean RUN-001?"],
        ),
        (
            "alerts",
            {"mon": alert("MON-001") + alert("MON-002", "P3")},
            ["mon.yml:2 info: needs a page of reference documentation"],
        ),
        (
            "alerts",
            {"mon": alert("MON-001") + alert("MON-002", "info", page="docs/absent.md")},
            ["mon.yml:2 info: needs a page of reference documentation, and docs/absent.md is not there"],
        ),
        (
            "alerts",
            {"mon": alert("MON-001") + alert("MON-002", "warning", runbook="RUN-001")},
            ["mon.yml:1 critical: needs a dedicated incident runbook, and RUN-001 is for MON-002 as well"],
        ),
        (
            "alerts",
            {"mon": entry("API-001", links="[RUN-001]")},
            ["registry:1 there is no MON- entry, so nothing shows that the gate holds"],
        ),
        (
            "rollbacks",
            {"dep": entry("DEP-001", rollback="{trigger: it fails}")},
            ["dep.yml:1 rollback when it fails: needs a runbook, and it names none"],
        ),
        (
            "rollbacks",
            {"dep": entry("DEP-001")},
            ["registry:1 there is no DEP- entry with a `rollback`, so nothing shows that the gate holds"],
        ),
        (
            "risks",
            {"risk": entry("RISK-001", level="medium", runbook="RUN-009")},
            ["risk.yml:1 medium risk: needs a runbook, and there is no RUN-009"],
        ),
        (
            "risks",
            {"risk": entry("RISK-001", level="low")},
            ["registry:1 there is no RISK- entry that is high or medium, so nothing shows that the gate holds"],
        ),
        ("owners-and-tests", {"tested": False}, ["RUN-001.yml:1 RUN-001 was never tested"]),
    ],
)
def test_each_gate_names_its_offenders(offenders, gate, changes, told):
    assert offenders(gate, **changes) == told


def test_a_critical_alert_needs_a_runbook_for_incidents(offenders):
    assert offenders("alerts", {"category": "maintenance"}) == [
        "mon.yml:1 critical: needs a dedicated incident runbook, and RUN-001 is for maintenance"
    ]


def test_warnings_may_share_a_runbook_and_info_leads_to_a_page(asked, tmp_path):
    (tmp_path / "pages.md").write_text("#")
    mon = alert("MON-001") + "".join(alert(f"MON-00{n}", "warning", runbook="RUN-002") for n in (2, 3))
    mon += alert("MON-004", "info", page="pages.md") + alert("MON-005", "info", page="'https://wiki.example/a'")

    gate = asked({}, {"id": "RUN-002", "trigger": {"event": "x"}}, mon=mon)["alerts"]

    assert (gate.passed, gate.evidence[1:]) == (
        True,
        (
            "MON-002 Something: RUN-002",
            "MON-003 Something: RUN-002",
            "MON-004 Something: pages.md",
            "MON-005 Something: https://wiki.example/a",
        ),
    )


def test_an_owner_or_a_contact_that_nobody_knows_offends(asked):
    escalation = {"when": ["step_failed"], "contacts": ["backend-team", "on-call", "nobody"], "provide": ["timeline"]}

    gates = asked({"owner": "ghost", "escalation": escalation})

    assert [each.message for each in gates["owners-and-tests"].offenders] == ["nobody is called 'ghost'"]
    assert [(each.line, each.message) for each in gates["escalation"].offenders] == [
        (24, "'backend-team' cannot be called: no channel"),
        (26, "'nobody' cannot be called: unknown"),
    ]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        (
            {"deprecated": {"since": "2026-01-01", "replaced_by": "RUN-002", "reason": "Merged"}},
            "RUN-001 is deprecated since 2026-01-01: Merged; use RUN-002",
        ),
        ({"title": "TODO"}, "RUN-001 is not written to its end: TODO is left in its line 3"),
    ],
)
def test_a_runbook_that_is_deprecated_or_unfinished_stands_for_nothing(asked, changes, why):
    other = {"id": "RUN-002", "trigger": {"event": "x"}}

    gates = asked(changes, other, mon=alert("MON-001", "warning", runbook="RUN-001"))

    assert {name: [each.message for each in gates[name].offenders] for name in list(gates)[:4]} == {
        "critical-scenarios": [f"a critical scenario needs a runbook, and {why}"],
        "alerts": [f"warning: needs a runbook, which it may share, and {why}"],
        "rollbacks": [f"rollback when it fails: needs a runbook, and {why}"],
        "risks": [f"high risk: needs a runbook, and {why}"],
    }


def test_nobody_needs_to_own_or_to_test_what_is_deprecated(asked):
    old = {"id": "RUN-002", "trigger": {"event": "x"}, "owner": "ghost", "deprecated": {"since": "2026-01-01"}}

    gates = asked({}, old)

    assert [(gates[name].passed, len(gates[name].evidence)) for name in ("owners-and-tests", "escalation")] == [
        (True, 1),
        (True, 1),
    ]


def test_a_runbook_that_has_changed_since_its_test_is_not_tested(tmp_path):
    collection = collected(tmp_path, {}, **SOUND)
    old = Proof("RUN-001", hashlib.sha256(b"old").hexdigest(), "p", "staging", "run", datetime(2026, 1, 2, tzinfo=UTC))

    (finding,) = ask(collection, [old])[4].offenders

    assert finding.message == "RUN-001 has changed since its test on 2026-01-02"


def test_an_empty_library_passes_no_gate(tmp_path):
    assert [gate.passed for gate in ask(collected(tmp_path), [])] == [False] * 6


def test_a_library_that_does_not_load_is_not_judged(tmp_path):
    with pytest.raises(InvalidFileError):
        ask(collected(tmp_path, {}, a="{"), [])


def test_the_library_that_is_shipped_fails_exactly_where_runbooks_and_drills_are_missing():
    gates = ask(read(SHIPPED), [])

    assert {each.rule for gate in gates for each in gate.offenders} <= {"no-runbook", "not-tested"}
    assert {gate.name for gate in gates if gate.passed} >= {"risks", "escalation"}


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
