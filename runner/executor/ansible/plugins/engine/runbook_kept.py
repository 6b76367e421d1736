# Copyright: the runbookctl authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps what Ansible finds out again for each task and each host, though it cannot come to anything else."""

from __future__ import annotations

import copy
import functools
import os
from typing import NamedTuple

from ansible.module_utils.common.sentinel import Sentinel
from ansible.playbook.task import Task
from ansible.plugins import loader
from ansible.plugins.loader import PluginLoader
from ansible.vars.clean import clean_facts

_OF_ANSIBLE = "ansible.builtin."


def method(function):
    """A function, which a class gives its objects as the first argument; it does not do so with a bound method."""

    def method(*args, **options):
        return function(*args, **options)

    return method


def is_plain(value):
    """Whether it is a text that is no template."""
    return isinstance(value, str) and "{" not in value


class Plugins:
    """Where plugins and modules of Ansible's own are: its package stays as it is."""

    def __init__(self):
        self._find, self._known = PluginLoader.find_plugin_with_context, {}

    def learn(self, names):
        """Find what tasks with the actions `names` need, for all forks of this process."""
        for name in names:
            for each in (loader.action_loader, loader.module_loader):
                self.found(each, f"{_OF_ANSIBLE}{name}", collection_list=[])

    def take_place(self):
        """Be what Ansible finds plugins by."""
        PluginLoader.find_plugin_with_context = method(self.found)

    def found(self, plugins, name, mod_type="", ignore_deprecated=False, check_aliases=False, collection_list=None):
        """In place of `find_plugin_with_context`."""
        asked = (mod_type, ignore_deprecated, check_aliases, collection_list)
        if not name.startswith(_OF_ANSIBLE):
            return self._find(plugins, name, *asked)
        key = (id(plugins), name, *asked[:3])  # a name of this form is looked for in no collection
        if key not in self._known:
            found = self._find(plugins, name, *asked)
            if not found.resolved or found.deprecated:
                return found
            self._known[key] = found
        return self._known[key]


PLUGINS = Plugins()
"""Those that all forks of this process know."""


def cleaned(facts):
    """In place of `clean_facts`, which looks for every connection plugin there is: nothing is nothing."""
    return clean_facts(facts) if facts else {}


class _Attribute(NamedTuple):
    """An attribute that a class of what a playbook consists of has.

    Its value is at the `key`, and is put to all of the `places`, as one may have two names. Whether it is final the
    class itself may know.
    """

    name: str
    key: str
    places: list[str]
    kind: str
    required: bool
    is_known_by_class: bool


@functools.cache
def _attributes(kind):
    """The attributes of a class, in the order in which Ansible looks at them."""
    return [
        _Attribute(
            name,
            f"_{name}",
            [f"_{each}" for each in (attribute.name, attribute.alias) if each is not None],
            attribute.isa,
            attribute.required,
            hasattr(kind, f"_post_validate_{name}"),
        )
        for name, attribute in kind.fattributes.items()
    ]


def post_validate(base, templar):
    """In place of `post_validate` of what a playbook consists of: what is final by how it looks is left as it is."""
    own = vars(base)
    alone = own.get("_squashed") or own.get("_finalized")  # no parent is asked then
    for name, key, _, kind, required, is_known_by_class in _attributes(type(base)):
        value = own.get(key, Sentinel) if alone else Sentinel
        if value is Sentinel:
            value = getattr(base, name)
        if value is None and not required:
            continue
        if not is_known_by_class and _is_final(kind, value):
            continue
        value = base.post_validate_attribute(name, templar=templar)
        if value is not Sentinel:
            setattr(base, name, value)
    base._finalized = True


def copied(base):
    """In place of `copy` of what a playbook consists of: the same, with no copy of what cannot change."""
    new = type(base)()
    own, made = vars(base), vars(new)
    for each in _attributes(type(base)):
        value = own.get(each.key, Sentinel)
        value = value if isinstance(value, _UNCHANGING) else copy.copy(value)
        made.update(dict.fromkeys(each.places, value))
    for name in ("_loader", "_variable_manager", "_origin", "_validated", "_finalized", "_uuid"):
        made[name] = own[name]
    if "_ds" in own:
        made["_ds"] = own["_ds"]
    return new


def _is_final(kind, value):
    """Whether a value of that kind of attribute is what Ansible would make of it."""
    if kind == "string":
        return is_plain(value)
    if kind in ("list", "dict"):
        return type(value) is _EMPTY[kind] and not value
    return kind in ("bool", "int") and isinstance(value, bool if kind == "bool" else int)


_EMPTY = {"list": list, "dict": dict}
_UNCHANGING = (str, int, float, type(None), type)
"""What a copy would be no other of."""


class Modules:
    """Modules as they are for the interpreters of hosts."""

    def __init__(self):
        self._known = {}

    def configured(self, action, name, arguments, variables):
        """In place of `_configure_module`, for a module that is not sent: how it starts, and where it is."""
        key = _interpreter(action, name, variables)
        if key is None or key not in self._known:
            module = action._configure_module(module_name=name, module_args=arguments, task_vars=variables)
            if key is None or action._discovered_interpreter_key:
                return module
            self._known[key] = module
        return self._known[key]


def _interpreter(action, name, variables):
    """What decides how a module starts that is written in Python; None where that is still to be found out."""
    if action._task.delegate_to:
        variables = variables["ansible_delegated_vars"][action._task.delegate_to]
    given = variables.get("ansible_python_interpreter")
    if not is_plain(given):
        return None
    found = (variables.get("ansible_facts") or {}).get("discovered_interpreter_python")
    return name, str(given), found, action._connection.transport, bool(action._connection.become)


def _run_id(variables):
    given = variables.get("runbook_run_id", "")
    return str(given) if is_plain(given) else None


_OWN = {
    "{{ runbook_run_id | default('') }}": _run_id,
    "{{ lookup('ansible.builtin.env', 'RUNBOOK_ATTEMPT') }}": lambda _: os.environ.get("RUNBOOK_ATTEMPT", ""),
}
"""The environment that each compiled playbook has, and what its texts come to with the variables of a task."""

_post_validate = Task._post_validate_environment


def task_environment(task, attribute, value, templar):
    """In place of `_post_validate_environment`: the same, without a look at what is known."""
    made = {}
    for each in value:
        own = {name: _OWN[text](templar.available_variables) for name, text in _items(each) if text in _OWN}
        known = {name: told for name, told in own.items() if told is not None}
        rest = {name: text for name, text in each.items() if name not in known} if known else each
        made |= known | _post_validate(task, attribute, [rest], templar)
    return made


def _items(environment):
    return environment.items() if isinstance(environment, dict) else ()
