"""What tests share: a bench with the real command, scripted doubles, hosts behind real sshd."""

import os
from pathlib import Path

TESTS = Path(__file__).parents[1]
ROOT = TESTS.parent
"""The checkout: its runbooks, playbooks and inventories are tested too."""

PATIENCE = 300.0
"""Seconds to wait for what must come: who waits longer waits for something that hangs, however busy the machine is."""

EXAMPLES = int(os.environ.get("RUNBOOK_TEST_EXAMPLES", "40"))
"""How many examples a property test looks at."""
