"""`runbook readiness` names what is not proven first."""

from __future__ import annotations

import json

from harness.fakes import runbook_file


def test_what_is_untested_comes_before_what_is_proven(runbook, library, ansible, here):
    ansible.environments["db1"] = "staging"
    runbook("run", "RUN-001", "-i", "inventory.yml")
    runbook_file(here, id="RUN-002")

    ran = runbook("readiness", "--json")

    assert ran.code == 0
    assert [(row["id"], row["state"]) for row in json.loads(ran.out)] == [
        ("RUN-002", "untested"),
        ("RUN-001", "proven"),
    ]
