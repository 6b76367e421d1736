"""`too-long`: a procedure of fifty steps, which nobody follows at night."""

from __future__ import annotations

from collections.abc import Iterator

from runner.lint.rules.base import Criterion, Hit, Level, LintContext, Rule

LONGEST = 50


def _find(context: LintContext) -> Iterator[Hit]:
    if (count := len(context.runbook.steps)) >= LONGEST:
        yield Hit(("steps",), f"has {count} steps; nobody follows that at night", "split it")


def _steps(count: int) -> str:
    line = "  - {{id: step-{0}, name: Look at disk {0}, command: df /mnt/{0}, verify: [{{exit: 0}}]}}\n"
    return "steps:\n" + "".join(line.format(number) for number in range(1, count + 1))


RULE = Rule(
    id="too-long",
    level=Level.WARNING,
    criterion=Criterion.ACTIONABLE,
    problem=f"A procedure of {LONGEST} steps or more loses its reader; split it into runbooks that hand over.",
    wrong=_steps(LONGEST),
    right=_steps(2),
    find=_find,
)
