# Copyright: the runbookctl authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Steps that are done for each item of a list: the tasks in the file that is included, and the items of a host."""

from __future__ import annotations

import functools
import os

from ansible.playbook.helpers import load_list_of_blocks
from ansible.playbook.task_include import TaskInclude
from ansible.template import Templar
from runbook_tasks import imported_into

# What the compiled text calls the number of an item.
NUMBER = "item_number"
MOST = 1000
"""Items that are shown; no step may have more."""


def number_of(task):
    """For which item the task is done, by its number; nothing where it is for none."""
    number = task.get_vars().get(NUMBER)
    return {"item": number} if isinstance(number, int) else {}


def every_task(items):
    """Every task in blocks within blocks, and in the files that are included; but not in those that a role includes."""
    for item in items:
        if hasattr(item, "block"):
            yield from every_task([*item.block, *item.rescue])
        elif isinstance(item, TaskInclude) and not (item.statically_loaded or imported_into(item)):
            yield item
            yield from every_task(_included(item))
        else:
            yield item


@functools.cache
def _included(task):
    """The blocks of the file that the task includes, as Ansible loads them once it comes to it."""
    loader = task._loader
    # Beside the playbook; `_raw_params` is what Ansible makes of `file`.
    path = os.path.join(task.get_search_path()[0], task.args["_raw_params"])
    tasks = loader.load_from_file(path, trusted_as_template=True)
    play, manager = task._parent._play, task._variable_manager
    return load_list_of_blocks(tasks, play=play, parent_block=task.copy(), loader=loader, variable_manager=manager)


def including(task):
    """The task that includes the file in which this one stands; None where it stands in the playbook itself."""
    parent = task._parent
    while parent is not None:
        if isinstance(parent, TaskInclude):
            return parent
        parent = parent._parent
    return None


def preview_of_items(include, kept, limit, variables, loader, look, unknown):
    """What `look` says of each item that a host has by its `variables`, before any of them is done.

    `kept` is the task that keeps the items as a fact, and a run goes on with those that it has found; `limit` is the
    one before it, which fails where the list cannot be used. `unknown` tells what is known where the list is not.
    """
    try:
        found = {name: value for name, value in kept.args.items() if name not in variables}
        if found and (fault := _fault(limit, variables, loader)):
            return {"items": [], "fault": fault}
        facts = Templar(loader=loader, variables=variables).template(found)
        numbers = list(Templar(loader=loader, variables={**variables, **facts}).template(include.loop))
    except Exception as error:  # it is not known yet
        return {**unknown(), "missing": [str(error).strip().partition("\n")[0].rstrip(".")]}
    looks = [look({**facts, NUMBER: number}) for number in numbers[:MOST]]
    missing = [item for each in looks for name in ("missing", "unfollowed") for item in each.pop(name, ())]
    missing += [f"there are more than {MOST} items"] if numbers[MOST:] else []
    settings = [each.pop("connection_settings", {}) for each in looks]
    around = {"connection_settings": settings[0] if settings else {}, "missing": list(dict.fromkeys(missing))}
    items = [{"item": number, **each} for number, each in zip(numbers, looks, strict=False)]
    return {"items": items, **{name: value for name, value in around.items() if value}}


def _fault(limit, variables, loader):
    """What the task that looks at the list before the first item would say of it; nothing where it is good."""
    templar = Templar(loader=loader, variables={**variables, **limit.vars})
    good = all(templar.evaluate_conditional(each) for each in limit.args["that"])
    return "" if good else templar.template(limit.args["fail_msg"])
