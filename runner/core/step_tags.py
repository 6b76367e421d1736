"""The tags that let a part of a compiled playbook be run, and the names of what is done for each item of a list."""

from runner.core.deferred import regex

GATE = "gate"
"""A pause for a person, skipped where the product itself asks."""

NEVER = "never"
"""Ansible's own tag for what runs only when it is asked for."""

UNDO = "undo-"
"""No step may be called so."""


def step_tag(step_id: str) -> str:
    """The tag of a step's tasks."""
    return f"step-{step_id}"


def decide_tag(step_id: str) -> str:
    """The tag of the task that decides whether a step is needed."""
    return f"decide-{step_id}"


def items_tag(step_id: str) -> str:
    """The tag of the tasks that find out for which items a step is done."""
    return f"items-{step_id}"


def recheck_tag(step_id: str) -> str:
    """The tag of those of a step's verifications that can be made again later."""
    return f"recheck-{step_id}"


def undo_id(step_id: str) -> str:
    """The id under which the undo of a step is executed and recorded."""
    return f"{UNDO}{step_id}"


def undone_step(name: str) -> str | None:
    """The id of the step whose undo is executed and recorded as `name`; None where `name` is no undo."""
    return name.removeprefix(UNDO) if name.startswith(UNDO) else None


_ITEM = regex(r"(?P<step>[a-z0-9-]+)\[(?P<number>[0-9]{1,4})\]")


def item_id(step_id: str, number: int) -> str:
    """The id under which a step, or its undo, is recorded for one item of its `each`; `number` counts from 1."""
    return f"{step_id}[{number}]"


def item_of(name: str) -> tuple[str, int] | None:
    """The id of the step and the number of the item that are recorded as `name`; None where it is a whole step."""
    match = _ITEM.fullmatch(name)
    return (match["step"], int(match["number"])) if match else None


def items_fact(step_id: str) -> str:
    """The fact that holds a host's items of the step, from when they are known."""
    return f"runbook_items_{_word(step_id)}"


def due_fact(step_id: str) -> str:
    """The fact by which a run tells which items, by their numbers, are due of a step or of its undo.

    Without it all are; plain Ansible has none.
    """
    return f"runbook_due_{_word(step_id)}"


def captured_fact(step_id: str) -> str:
    """The fact that holds what was captured of each item, with the item's number as `item`."""
    return f"runbook_captured_{_word(step_id)}"


def _word(step_id: str) -> str:
    return step_id.replace("-", "_")
