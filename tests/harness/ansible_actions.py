"""Ansible's own action plugins, as its task executor would make them."""

from __future__ import annotations

from ansible.parsing.dataloader import DataLoader
from ansible.playbook.play_context import PlayContext
from ansible.playbook.task import Task
from ansible.plugins.loader import action_loader, become_loader, connection_loader, get_plugin_loader_namespace
from ansible.template import Templar

from harness.ansible_loader import plugin_loader


def action_by(kind, become="", environment=None, shell="/bin/sh", **options):
    """Ansible's own action plugin for a command, with the connection of that kind."""
    plugin_loader()
    loader, context = DataLoader(), PlayContext()
    context.remote_addr, context.executable = "db1.example", shell
    connection = connection_loader.get(kind, context)
    connection.set_options(var_options={"ansible_pipelining": True, "ansible_host": "db1.example", **options})
    connection._shell.set_options()
    if become:
        connection.set_become_plugin(become_loader.get(become))
        connection.become.set_options(var_options={"ansible_become_user": "postgres", **options})
    task = Task.load({"ansible.builtin.command": "true", "environment": environment or {}}, loader=loader)
    shared = {"loader": loader, "templar": Templar(loader=loader), "shared_loader_obj": get_plugin_loader_namespace()}
    return action_loader.get(
        "ansible.builtin.command", task=task, connection=connection, play_context=context, **shared
    )
