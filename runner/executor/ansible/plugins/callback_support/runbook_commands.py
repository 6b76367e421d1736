# Copyright: the runbookctl authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the steps of a playbook would do on each of their hosts, as far as it can be said by now."""

from __future__ import annotations

import functools

from ansible.vars.hostvars import HostVars
from runbook_filled import Filled
from runbook_items import every_task, including, preview_of_items
from runbook_preview import PART, WHOLE, WORDS, Known, delegate, preview
from runbook_tasks import all_tasks, beside, head, import_in_words, imported, importing, step_of
from runbook_uses import digest_of, inventory_of


class Commands:
    """The steps of `plays`; `shown` has what is told in the place of each secret that was given to the run."""

    def __init__(self, plays, manager):
        self._plays, self._manager, self.shown = plays, manager, {}
        if plays:  # Ansible itself has this only once a play begins
            HostVars(manager._inventory, manager, plays[0]._loader)

    def of(self, steps):
        """For each of the steps what it would do on each of its hosts."""
        commands = {}
        for play in self._plays if steps else ():
            inner = imported(play)
            actions = [(task, self._beside(task)) for task in every_task(play.tasks) if step_of(task) in steps]
            for host in self._hosts(play.hosts) if actions else ():
                for task, others in actions:
                    shows = self._shows(play, host, task, others)
                    if tasks := inner.get(step_of(task)):
                        shows = self._with_imported(play, host, task, tasks, shows)
                    commands.setdefault(step_of(task), {})[host.name] = shows
        return commands

    def of_task(self, play, host, task):
        """What the task alone would do on the host, as far as that is told in words."""
        return self._preview(play, host, task, what=WORDS)

    def machine(self, play, host, task):
        """The name of the other host on which the task is done for the host; empty where there is none."""
        return delegate(task, self.variables(play, host, task), play._loader) if task.delegate_to else ""

    def variables(self, play, host, task=None):
        """Those that Ansible gives the task on the host."""
        return self._manager.get_vars(play=play, host=host, task=task)

    @functools.cached_property
    def _registered(self):
        """The names under which tasks keep their results."""
        tasks = [[*every_task(play.tasks), *all_tasks([*play.tasks, *play.handlers])] for play in self._plays]
        return {task.register for each in tasks for task in each if task.register}

    def _hosts(self, which, **also):
        """Hosts of the inventory, also those that Ansible leaves out as the play that is done has none of them."""
        return self._manager._inventory.get_hosts(which, ignore_restrictions=True, **also)

    def _beside(self, task):
        return [other for play in self._plays for other in beside(every_task(play.tasks), step_of(task))]

    def _shows(self, play, host, task, others):
        """What the step of the task would do on the host: for each of its items, if it has some."""
        include = including(task)
        if include is None:
            return self._preview(play, host, task, others)
        step, every = (
            step_of(task).removeprefix("undo-"),
            [each for one in self._plays for each in every_task(one.tasks)],
        )
        finds = {"/".join(head(each)[2:]): each for each in reversed(every) if head(each)[1:2] == [step]}
        look = functools.partial(self._preview, play, host, task, others)
        unknown = functools.partial(self._preview, play, host, task, [*others, finds["items"]])
        variables = self.variables(play, host, task)
        return preview_of_items(include, finds["items"], finds["limit"], variables, play._loader, look, unknown)

    def _with_imported(self, play, host, task, tasks, shows):
        """The same of a step that is the tasks of a role or a file, as far as they are known before they begin."""
        parts = [self._preview(play, host, each, [each], what=PART) | {"name": each.get_name()} for each in tasks]
        uses, unfollowed = dict(shows.get("uses", {})), [*shows.get("unfollowed", ())]
        for part in parts:
            own = part.pop("uses", {})
            part.pop("missing", None)
            unfollowed += part.pop("unfollowed", [])
            uses = {**own, **uses}
            if other := {name: value for name, value in own.items() if value != uses[name]}:
                part["uses"] = other
        source = importing(tasks[0])
        values = Filled(self.variables(play, host, task), self.shown, play._loader)(source.vars)
        shows |= {"module": import_in_words(source), "args": values, "uses": uses, "tasks": parts}
        return shows | {"missing": [], "unfollowed": list(dict.fromkeys(unfollowed))}

    def _preview(self, play, host, task, others=(), about=None, *, what=WHOLE):
        """What the task would do on the host; `about` are the variables of one item.

        Before it begins, what an earlier task has registered is nothing that it could look at.
        """
        about = about or {}
        variables = {**self.variables(play, host, task), **about}
        if what != WORDS:  # which are asked for when it begins
            variables = {name: value for name, value in variables.items() if name not in self._registered}
        on = self._manager._inventory.get_host(delegate(task, variables, play._loader)) if task.delegate_to else None
        there = {**self.variables(play, on, task), **about} if on else variables
        of_host, every_host = functools.partial(self._of_host, play), functools.partial(self._every_host, play)
        known = Known(self._found_out(host), of_host, every_host)
        return preview(task, variables, self.shown, play._loader, others, known, there, what=what)

    def _found_out(self, host):
        """What is told elsewhere: what was given to the run, and what its steps have found out about the host."""
        return {*self._manager.extra_vars, *self._manager._nonpersistent_fact_cache.get(host.name, ())}

    def _of_host(self, play, name):
        """The variables of the host of that name."""
        host = self._manager._inventory.get_host(name)
        return self.variables(play, host) if host else {}

    @functools.cache  # noqa: B019 - there is one for the whole process
    def _every_host(self, play):
        """A digest of all that the inventory has for each host."""
        hosts = self._hosts("all", ignore_limits=True)
        filled = {host: Filled(self.variables(play, host), self.shown, play._loader) for host in hosts}
        return digest_of({host.name: inventory_of(each, self._found_out(host)) for host, each in filled.items()})
