"""The tags that let a part of a compiled playbook be run."""

from __future__ import annotations

GATE = "gate"
"""A pause for a person, skipped where the product itself asks."""

NEVER = "never"
"""Ansible's own tag for what runs only when it is asked for."""

_UNDO = "undo-"
"""No step may be called so."""


def step_tag(step_id: str) -> str:
    """The tag of a step's tasks."""
    return f"step-{step_id}"


def decide_tag(step_id: str) -> str:
    """The tag of the task that decides whether a step is needed."""
    return f"decide-{step_id}"


def recheck_tag(step_id: str) -> str:
    """The tag of those of a step's verifications that can be made again later."""
    return f"recheck-{step_id}"


def undo_id(step_id: str) -> str:
    """The id under which the undo of a step is executed and recorded."""
    return f"{_UNDO}{step_id}"


def undone_step(name: str) -> str | None:
    """The id of the step whose undo is executed and recorded as `name`; None where `name` is no undo."""
    return name.removeprefix(_UNDO) if name.startswith(_UNDO) else None
