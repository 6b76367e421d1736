"""The words by which a runbook promises what whoever is called gets, and what a run of it can know by them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # whoever tells of a run does not wait for what reads runbooks
    from runner.model.runbook import Runbook

OF_EVERY_RUN = ("timeline", "actions", "failure")
TREND = "trend"
"""What the verifications that ask again have seen."""


def slug(label: str) -> str:
    """`label` as the name of an item."""
    return "_".join(_words(label))


def item_names(label: str) -> tuple[str, ...]:
    """The names of the items that `label` may stand for, the best one first: of all its words, or of one of them."""
    return tuple(dict.fromkeys((slug(label), *_words(label))))


def known_items(runbook: Runbook) -> tuple[str, ...]:
    """The names of what a run of `runbook` can know: what every run has, inputs, captured values, what steps print."""
    steps = [step for step in runbook.procedure if step.action and step.acts]
    asks_again = any(check.within or check.held for step in runbook.procedure for check in step.verify)
    captured = [name for step in runbook.procedure for name in step.capture]
    named = [name for step in steps for name in (slug(step.id.replace("-", "_")), slug(step.name))]
    trend = [TREND] if asks_again else []
    return tuple(dict.fromkeys([*OF_EVERY_RUN, *trend, *runbook.inputs, *captured, *named]))


def _words(label: str) -> list[str]:
    return re.findall(r"[a-z0-9_]+", label.lower())
