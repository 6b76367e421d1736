"""A registry beside a runbook: criteria with and without a check, and a rollback trigger."""

from __future__ import annotations

import yaml

CRITERIA = {
    "DEP-002": {
        "title": "All tests pass",
        "owner": "backend-team",
        "check": {"command": "ci result", "that": "rc == 0"},
    },
    "DEP-003": {
        "title": "No blockers",
        "owner": "backend-team",
        "check": {"hosts": "all", "http": "http://risks/open", "that": "json.open == 0"},
    },
    "DEP-004": {"title": "Reviewed", "owner": "backend-team", "check": {"confirm": "The review is complete"}},
    "DEP-005": {"title": "There is a checkpoint", "owner": "backend-team"},
}
TRIGGER = {
    "title": "The release serves well",
    "owner": "backend-team",
    "rollback": {
        "trigger": "the error rate is above 2 %",
        "condition": {"command": "error-rate", "that": "stdout | float > 2"},
        "runbook": "RUN-005",
    },
}
FIRES = "not ((stdout | float > 2))"
"""What the assert of that trigger demands."""


def write_registry(root, **changes):
    """The registry of the library in `root`: these entries, with the `changes` of the trigger's `rollback`."""
    folder = root / "runbooks" / "registry"
    folder.mkdir(parents=True, exist_ok=True)
    rollback = {key: value for key, value in {**TRIGGER["rollback"], **changes}.items() if value is not None}
    entries = {**CRITERIA, "DEP-006": {**TRIGGER, "rollback": rollback}}
    (folder / "deployments.yml").write_text(yaml.safe_dump(entries, sort_keys=False, width=1000))
