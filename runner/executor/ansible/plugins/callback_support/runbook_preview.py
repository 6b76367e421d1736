# Copyright: the runbookctl authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a task would do on a host, and all that decides it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import NamedTuple

from ansible.template import Templar, trust_as_template
from runbook_file_digests import collections, digest, files
from runbook_filled import MAGIC, Filled, is_fact, told
from runbook_templates import sources
from runbook_uses import Uses

OWN = ("RUNBOOK_RUN_ID", "RUNBOOK_ATTEMPT")
"""Environment variables of the product's own, which are no part of what a step does."""
OF_THE_MACHINE = ("runbook_python", "runbook_sql", "runbook_psql")
"""Variables of the inventory by which a tool is reached: those of the machine that does something for a host."""


WHOLE, PART, WORDS = "a step", "a part of a step", "in words"
"""What is told: all of a step, one of several tasks that are a step, or what a person reads of one."""


def delegate(task, variables, loader):
    """The name of the host on which the task is done, in the place of the host that has the `variables`."""
    return str(Templar(loader=loader, variables=variables).template(task.delegate_to))


class Known(NamedTuple):
    """What is known besides a task: the names of variables that are told elsewhere, and those of other hosts.

    `of_host` gives the variables of the host of a name, `every_host` a digest of those of all.
    """

    names: Collection[str] = ()
    of_host: Callable[[str], dict[str, object]] = lambda _: {}
    every_host: Callable[[], str] = lambda: ""


NOTHING = Known()


def preview(task, variables, shown, loader, beside=(), known=NOTHING, there=None, *, what=WHOLE):
    """The module of `task`, its arguments, and what is around it, filled in as far as `variables` go.

    `shown` are references that take the place of values; what could not be filled in is in `missing`, what nobody
    can follow to what it looks at in `unfollowed`. `uses` has what
    the task itself, the tasks `beside` this one, and the templates that are filled in look at, without what is `known`
    from elsewhere; `looks_from` the other machines that do these, and how they are reached. `there` are the variables
    of the host on which it is done, if that is another one. A `PART` of a step may need what is found out later;
    what is told in `WORDS` says nothing of how the host is reached.
    """
    filled = Filled(variables, shown, loader)
    filled_there = filled if there is None or there is variables else Filled(there, shown, loader)
    around = {name: filled.keyword(getattr(task, name)) for name in ("delegate_to", "remote_user")}
    around |= {"environment": _environment(task, filled), "become": _become(task, filled_there.variables, filled_there)}
    around |= {"connection_settings": connection(filled_there) if what != WORDS else {}}
    args = filled(dict(task.args))
    code = collections([[each.action, each.args, each.get_vars(), _conditions(each)] for each in (task, *beside)])
    around |= {"files": files(task.action, args, loader) | code, "looks_from": {}}
    uses = Uses({*known.names, *task.vars}, known.every_host)
    uses.add(_conditions(task), filled)
    _add_templates(around["files"], uses, filled, task, args, loader)
    for each in beside:
        own = filled.beside({name: value for name, value in each.get_vars().items() if name not in known.names})
        machine = str(own(each.delegate_to)) if each.delegate_to else ""
        if machine and machine != around["delegate_to"]:
            around["looks_from"][machine] = connection(Filled(known.of_host(machine), shown, loader))
        for one in _of_items(each, own) if what == PART else [own]:
            _add(uses, one, each, machine)
            _add_templates(around["files"], uses, one, each, one(dict(each.args)), loader)
    if filled.missing and what != PART:  # what is not known decides nothing yet; what is looked at beside it does
        uses.add([task.args, task.environment, task.vars], filled, apart=task.vars)
    missing = {"missing": filled.missing, "unfollowed": uses.missing}
    around |= {name: list(dict.fromkeys(found)) for name, found in missing.items()}
    around |= {"uses": dict(sorted(uses.found.items()))}
    return {"module": task.action, "args": args, **{name: value for name, value in around.items() if value}}


def _add(uses, filled, task, machine):
    """Add what the task looks at, which the `machine` does for the host if it is one."""
    variables = task.get_vars()
    tools = {name for name in OF_THE_MACHINE if name in variables}
    rest = {name: value for name, value in variables.items() if name not in tools}
    uses.add([task.args, task.environment, rest, task.become_user, *_conditions(task)], filled, apart=variables)
    uses.found |= {f"{name} of {machine}": told(name, filled(variables[name])) for name in tools if machine}


def _of_items(task, filled):
    """The variables of the task for each item of its loop, where these are known by now."""
    if task.loop is None:
        return [filled]
    looked_up = trust_as_template(f"{{{{ query('{task.loop_with}', *terms) }}}}")
    items, whole = filled.beside({"terms": task.loop}).wholly(looked_up if task.loop_with else task.loop)
    name = task.loop_control.loop_var if task.loop_control else "item"
    return [filled.beside({name: item}) for item in items] if whole and isinstance(items, list) else [filled]


def _conditions(task):
    return [task.until, task.when, task.failed_when, task.changed_when, task.loop]


def _add_templates(brought, uses, filled, task, args, loader):
    """Add what the files with templates look at that the task fills in, and these files."""
    for source in sources(task, args, loader):
        if source.environment is None:
            uses.add_everything(filled)
        else:
            uses.add(source.text, filled, source.environment)
        if source.path:
            brought[source.name] = digest(source.path)


def _environment(task, filled):
    environment = {}
    for each in task.environment or ():
        is_named = isinstance(each, dict)
        value = filled.keyword({name: text for name, text in each.items() if name not in OWN} if is_named else each)
        environment.update(value if isinstance(value, dict) else {"": value} if value else {})
    return {name: told(name, value) for name, value in environment.items() if name not in OWN}


def _become(task, variables, filled):
    """Whom the task becomes: what the inventory says counts before what the task says."""
    says = variables.get("ansible_become", task.become)
    becomes = filled.keyword(says)
    if str(becomes).lower() in {"", "none", "false", "no", "0"}:
        return None
    users = [variables.get(name) for name in ("ansible_become_user", "ansible_sudo_user")]
    user = next((user for user in reversed(users) if user is not None), None) or task.become_user
    method = variables.get("ansible_become_method") or task.become_method
    return {"user": filled.keyword(user) or "root", "method": filled.keyword(method) or "sudo"}


def connection(filled):
    """What decides how the host is reached, and by which interpreter its modules are run."""
    settings = {name: value for name, value in filled.variables.items() if _is_setting(name)}
    facts = filled.variables.get("ansible_facts") or {}
    return {name: told(name, filled(value)) for name, value in settings.items() if not is_fact(name, value, facts)}


def _is_setting(name):
    return name.startswith("ansible_") and not MAGIC.fullmatch(name) and name != "ansible_playbook_python"
