"""`runbook escalate` calls whom the runbook names; the exit code says whether somebody has the page."""

from __future__ import annotations

import pytest
from harness.fault_server import FaultServer


@pytest.mark.parametrize(("answer", "code", "told"), [("200", 3, "it arrived"), ("400", 8, "NOT REACHED")])
def test_the_exit_code_says_whether_somebody_has_it(runbook, library, ansible, here, answer, code, told):
    with FaultServer(answer) as server:
        contacts = f"on-call: {{name: On-call, channels: [{{webhook: {{url: '{server.url}'}}}}]}}\n"
        (here / "runbooks" / "contacts.yml").write_text(contacts + "backend-team: {name: Backend}\n")
        runbook("run", "RUN-001", "-i", "inventory.yml", "--yes", "--environment", "production", "--reason", "test")

        escalated = runbook("escalate", "last", "--because", "Data may be lost")

    assert (escalated.code, told in escalated.out) == (code, True), escalated
    assert "declared: Data may be lost" in server.events[-1]["data"]["summary"]


def test_a_reason_is_required(runbook):
    assert runbook("escalate", "last").code == 2
