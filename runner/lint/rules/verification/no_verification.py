"""`no-verification`: a step is done, and nobody looks whether it worked. The reader refuses it."""

from __future__ import annotations

from runner.lint.rules.base import Criterion, Level, Rule

_STEP = "steps:\n  - id: restart\n    name: Restart the pool\n    command: systemctl restart pgbouncer\n"

RULE = Rule(
    id="no-verification",
    level=Level.ERROR,
    criterion=Criterion.VERIFIABLE,
    problem="A step that nobody verifies may have failed in silence, and the next one builds upon it.",
    wrong=_STEP,
    right=_STEP + "    verify:\n      - command: systemctl is-active pgbouncer\n        within: 30s\n",
    find=None,
)
