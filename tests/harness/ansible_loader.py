"""Ansible's own reading of a file, and what it would take for a template afterwards."""

from __future__ import annotations

import functools

from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import init_plugin_loader
from ansible.template import is_trusted_as_template

from runner.executor.inventory import inventory_hosts


def load(path):
    """What Ansible reads from `path` where it reads variables: with templates in it."""
    return DataLoader().load_from_file(str(path), cache="none", trusted_as_template=True)


def templates(value):
    """Every text in `value`, keys too, that Ansible would fill in if it had the marks of a template."""
    if isinstance(value, dict):
        return [text for item in (*value, *value.values()) for text in templates(item)]
    if isinstance(value, list):
        return [text for item in value for text in templates(item)]
    return [value] if isinstance(value, str) and is_trusted_as_template(value) else []


def holding(name, patterns, folder):
    """What the product asks a process of its own, in which Ansible is imported; here it is already."""
    plugin_loader()
    inventories = list(map(str, inventory_hosts.inventories_in(folder)))
    return inventory_hosts._holding(inventories, name, patterns) if inventories and name else None


@functools.cache
def plugin_loader():
    """Ansible's own, which may be made ready once in a process."""
    init_plugin_loader([])
