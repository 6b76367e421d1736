# Copyright: the runbookctl authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of the inventory, and of this machine, templates and conditions look at before anybody can fill them in."""

from __future__ import annotations

import functools
import hashlib
import json

from ansible.template import trust_as_template
from jinja2 import Environment, TemplateError, nodes
from runbook_file_digests import texts
from runbook_filled import LAZY, MAGIC, SECRET, is_fact, told

OF_HOSTS, OF_HOST, OF_GROUPS = "hostvars", "vars", "groups"
LOOKUPS = ("lookup", "query", "q")
ITS_OWN = {("ansible.builtin.file", "/proc/uptime"), ("ansible.builtin.env", "RUNBOOK_ATTEMPT")}
"""What a playbook of ours looks up that is another thing each time, and decides nothing."""
OF_VARIABLES = [(f"{where}{name}",) for where in ("", "ansible.builtin.") for name in ("vars", "varnames")]
"""The lookups that give variables of the host by their names."""
OF_FILES = ("exists", "file", "directory", "link", "link_exists", "mount", "same_file", "fileglob", "realpath")
"""Tests and filters that look at files of this machine."""
OF_ITEMS = ("runbook_items_", "runbook_due_", "runbook_captured_")
ITEM = ("item", "item_number")
"""What a step that is done for each item of a list calls the item; the items themselves are told elsewhere."""
LONGEST = 200

_JINJA = Environment(autoescape=False)  # noqa: S701 - it only parses


class Uses:
    """Each thing that is looked at, by its name or as it is written, with its `found` value, for one host.

    Of what is reached by a name that is only computed later all is taken that may be reached; where nobody knows what
    that is, it is `missing`. `known` are the names that are told elsewhere, and `every_host` gives a digest of all that
    the inventory has.
    """

    def __init__(self, known, every_host):
        self.found, self.missing = {}, []
        self._known, self._every_host = {*LAZY, *ITEM, *known}, every_host

    def add(self, written, filled, environment=None, apart=()):
        """Add what the texts in `written` look at, with the variables that `filled` has, but for those `apart`.

        A variable that cannot be filled in yet, as it needs what is found out later, is followed into its own text.
        `environment` has the marks of templates, where these are others.
        """
        waiting, followed = [(text, environment) for text in texts(written)], set()
        while waiting:
            text, marks = waiting.pop()
            tree = None if text in followed else parsed(text, marks)
            followed.add(text)
            if tree is not None:
                waiting += [(text, None) for text in self._add(tree, filled, {*self._known, *apart})]

    def add_everything(self, filled):
        """Add all that may be looked at, where nobody can read what is."""
        self.found[OF_HOSTS], self.found[OF_HOST] = self._every_host(), self._all_of(filled)

    def _add(self, tree, filled, known):
        """Add what the tree looks at; the texts of variables that cannot be filled in yet."""
        unfilled = []
        for name in sorted((_names(tree) & filled.variables.keys()) - known):
            if MAGIC.fullmatch(name) or name.startswith(OF_ITEMS):
                continue
            value, whole = filled.wholly(filled.variables[name])
            self._keep(name, told(name, value))
            unfilled += [] if whole else texts(filled.variables[name])
        stored = {node.name for node in tree.find_all(nodes.Name) if node.ctx != "load"}
        for node in _reaching(tree):
            self._reach(node, stored, filled)
        return unfilled

    def _reach(self, node, stored, filled):
        """Add what is looked at by other means than a plain name of a variable; `stored` are the template's own names.

        Whatever is asked for has to be known by now: what is not there then may come to be there by another name.
        """
        root, text, inner = _root(node), written(node), [written(part) for part in _indices(node)]
        if root in LOOKUPS and _constants(node) in ITS_OWN:
            return
        whole = _is_followed(node, root) and None not in (text, *inner) and not _names(node) & stored
        named = {name for part in _indices(node) for name in _names(part)}
        if whole and named <= filled.variables.keys() | {*LOOKUPS}:
            _, whole = filled.wholly([_expression(each) for each in inner])
        else:
            whole = False
        if whole:
            default = "" if root in LOOKUPS else " | default('not set')"
            value, whole = filled.wholly(_expression(f"{text}{default}"))
        if whole:
            value = told(_secret_name(node), value)
            is_outside = root in LOOKUPS and _constants(node)[:1] not in OF_VARIABLES
            self._keep(text, digest_of(value) if is_outside else _short(value))
        elif root == OF_GROUPS:
            self.found[OF_GROUPS] = digest_of(filled.variables.get(OF_GROUPS))
        elif root == OF_HOSTS:
            self.found[OF_HOSTS] = self._every_host()
        elif root == OF_HOST or _constants(node)[:1] in OF_VARIABLES:
            self.found[OF_HOST] = self._all_of(filled)
        else:
            self.missing.append(f"nobody knows yet what {text or root} looks at")

    def _keep(self, name, value):
        """Keep the value under the name; of several, as each item of a loop may have another one, all of them."""
        self.found[name] = value if self.found.get(name, value) == value else digest_of([self.found[name], value])

    def _all_of(self, filled):
        return digest_of(inventory_of(filled, self._known))


def inventory_of(filled, without=()):
    """All that the inventory has for a host, filled in; nothing of what a run has found out."""
    facts = filled.variables.get("ansible_facts") or {}
    return {
        name: told(name, filled.wholly(value)[0])
        for name, value in filled.variables.items()
        if not (name in without or name in LAZY or MAGIC.fullmatch(name) or is_fact(name, value, facts))
    }


def _short(value):
    """The value, or its digest where nobody would read it."""
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=str)
    return value if len(text) <= LONGEST else digest_of(value)


def digest_of(value):
    """What stands for a value that nobody would read."""
    text = json.dumps(value, sort_keys=True, default=str)
    return f"as it is by now ({hashlib.sha256(text.encode()).hexdigest()[:12]})"


def _expression(text):
    return trust_as_template(f"{{{{ {text} }}}}")


@functools.cache
def parsed(text, environment=None):
    """The tree of a template, or of a condition, which has no braces around it; None where it is neither.

    Without an `environment` of other marks it may be both.
    """
    plain = environment is None and not ("{{" in text or "{%" in text)
    try:
        return (environment or _JINJA).parse(f"{{{{ {text} }}}}" if plain else text)
    except (TemplateError, RecursionError):
        return None


def _names(node):
    own = {node.name} if isinstance(node, nodes.Name) else set()
    return own | {name.name for name in node.find_all(nodes.Name)}


def _reaching(node):
    """The largest parts of the tree that reach something, and those within what they are told to reach."""
    if _root(node):
        yield node
        inner = _indices(node)
    else:
        inner = node.iter_child_nodes()
    for child in inner:
        yield from _reaching(child)


def _root(node):
    """By what the node reaches something; empty where it does not."""
    if isinstance(node, (nodes.Test, nodes.Filter)) and node.name.rpartition(".")[2] in OF_FILES:
        return node.name
    while isinstance(node, (nodes.Getattr, nodes.Getitem)) or (
        isinstance(node, nodes.Call) and not isinstance(node.node, nodes.Name)
    ):
        node = node.node
    if isinstance(node, nodes.Call):
        return node.node.name if node.node.name in LOOKUPS else ""
    return node.name if isinstance(node, nodes.Name) and node.name in (OF_HOSTS, OF_HOST, OF_GROUPS) else ""


def _indices(node):
    """The parts of a node that say what of its root is reached."""
    found = []
    while not isinstance(node, nodes.Name):
        if isinstance(node, nodes.Getitem):
            found.append(node.arg)
        elif isinstance(node, (nodes.Call, nodes.Filter, nodes.Test)):
            found += [*node.args, *(each.value for each in node.kwargs)]
            found += [node.node] if isinstance(node, (nodes.Filter, nodes.Test)) else []
        if not isinstance(node, (nodes.Getattr, nodes.Getitem, nodes.Call)):
            break
        node = node.node
    return found


def _constants(node):
    return tuple(part.value for part in _indices(node)[:2] if isinstance(part, nodes.Const))


def _is_followed(node, root):
    """Whether one value is reached, and not all that a host or a group has, or what a method makes of that."""
    if root not in (OF_HOSTS, OF_HOST, OF_GROUPS):
        return True
    depth = 0
    while isinstance(node, (nodes.Getattr, nodes.Getitem)):
        node, depth = node.node, depth + 1
    return isinstance(node, nodes.Name) and depth >= (2 if root == OF_HOSTS else 1)


def _secret_name(node):
    """The name by which it is seen that nobody may read what is reached."""
    names = [node.attr] if isinstance(node, nodes.Getattr) else []
    names += [str(part.value) for part in _indices(node) if isinstance(part, nodes.Const)]
    return next(filter(SECRET.search, names), "")


def written(node):
    """The node as an expression; None where it is none that is written here."""
    write = _WRITTEN.get(type(node))
    if write is None or getattr(node, "dyn_args", None) or getattr(node, "dyn_kwargs", None):
        return None
    parts = [written(part) for part in _parts(node)]
    return None if None in parts else write(node, *parts)


def _parts(node):
    if isinstance(node, (nodes.Call, nodes.Filter, nodes.Test)):
        return [node.node, *node.args, *(each.value for each in node.kwargs)]
    return [node.node, node.arg] if isinstance(node, nodes.Getitem) else node.iter_child_nodes()


def _arguments(node, parts):
    keys = [*[""] * len(node.args), *(f"{each.key}=" for each in node.kwargs)]
    return ", ".join(f"{key}{part}" for key, part in zip(keys, parts, strict=True))


_WRITTEN = {
    nodes.Name: lambda node: node.name,
    nodes.Const: lambda node: repr(node.value),
    nodes.Getattr: lambda node, of: f"{of}.{node.attr}",
    nodes.Getitem: lambda _, of, index: f"{of}[{index}]",
    nodes.Call: lambda node, of, *parts: f"{of}({_arguments(node, parts)})",
    nodes.Filter: lambda node, of, *parts: f"({of} | {node.name}({_arguments(node, parts)}))",
    nodes.Test: lambda node, of, *parts: f"({of} is {node.name}({_arguments(node, parts)}))",
    nodes.List: lambda _, *parts: f"[{', '.join(parts)}]",
    nodes.Concat: lambda _, *parts: f"({' ~ '.join(parts)})",
    nodes.Add: lambda _, left, right: f"({left} + {right})",
}
