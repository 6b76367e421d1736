"""The sentences of a runbook that people read, each where it is written."""

from __future__ import annotations

from collections.abc import Iterator

from runner.lint.lint_context import LintContext
from runner.model.yaml.finding import Place

_KEYS = frozenset(
    {"title", "condition", "event", "handles", "what", "help", "name", "why", "manual", "confirm", "says", "approve"}
    | {"declared", "provide", "do", "follow_up"}
)


def sentences(context: LintContext) -> Iterator[tuple[Place, str]]:
    """Every text for people with its place."""
    for place, text in context.leaves(()):
        words = [part for part in place if isinstance(part, str)]
        if words and (words[-1] in _KEYS or words[-1] == "excludes"):
            yield place, text
