# Copyright: the runbookctl authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which step a task belongs to: by the marker in its name, or by that of what has imported it from a role or a file."""

from __future__ import annotations

import os

ANSWERED_HERE = {f"ansible.builtin.{name}" for name in ("assert", "set_fact", "debug", "fail", "include_tasks")}
"""Actions that no host has a part in."""


def all_tasks(items):
    """Every task in blocks within blocks."""
    for item in items:
        if hasattr(item, "block"):
            yield from all_tasks([*item.block, *item.rescue, *item.always])
        else:
            yield item


def imported_into(task):
    """The marker of what has imported the task; nothing for one that stands in the playbook itself.

    The name of such a task is never asked, nor is that of what it includes itself: it may be made of what a host says.
    """
    above = importing(task)
    return "" if above is None else "/".join(head(above))


def importing(task):
    """What has imported the task, in the playbook itself; None for one that stands there."""
    found, above = None, getattr(task, "_parent", None)
    while above is not None:
        if head(above)[2:] == ["tasks"] and not hasattr(above, "block"):
            found = above
        above = above._parent
    return found


def import_in_words(include):
    """What is imported: a role or a file, by its name."""
    role = getattr(include, "_role_name", None)
    return f"role {role}" if role else f"tasks {include.args.get('_raw_params', '')}"


def imported(play):
    """For each step the tasks that it imports, and those that they notify."""
    found = {}
    for task in all_tasks([*play.tasks, *play.handlers]):
        marker = imported_into(task)
        if marker and not task.implicit:  # Ansible itself adds one that ends a role
            found.setdefault(marker.split("/")[1], []).append(task)
    return found


def whence(task, project):
    """What has imported the task, and where it stands, below the directory `project`."""
    marker = imported_into(task)
    return {"within": marker, "place": os.path.relpath(task.get_path() or project, project)} if marker else {}


def step_of(task, *, attempts=False):
    """The step whose action the task is, its last attempt if there are several; with `attempts`, any part of it."""
    if inside := imported_into(task):
        return inside.split("/")[1] if attempts else None
    words = head(task)
    is_action = words[2:] == ["action"] or (attempts and words[2:3] == ["attempt"])
    return words[1] if is_action else None


def beside(tasks, step):
    """Those of the tasks of a play that decide whether the step is needed, check it, undo it, and check that."""
    heads = [(task, head(task)) for task in tasks if not imported_into(task)]
    return [
        task
        for task, words in heads
        if words[1:3] in ([step, "only_if"], [step, "verify"]) or words[1:2] == [f"undo-{step}"]
    ]


def head(task):
    """The words of the task's marker: the runbook, the step, the part."""
    return str(task.name).partition(" | ")[0].split("/")
