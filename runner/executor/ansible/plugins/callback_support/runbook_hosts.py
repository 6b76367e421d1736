# Copyright: the runbookctl authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How each host is reached by its variables, and which of their values must be kept out of every record."""

from __future__ import annotations

import functools
import hashlib
import os
import runpy

from ansible import constants
from ansible.plugins.loader import connection_loader
from ansible.template import Templar

# Beside the directory of callbacks, of which Ansible would take it for one.
_BESIDE = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "inventory_secrets.py")
_SECRETS = runpy.run_path(_BESIDE)
secret_values = _SECRETS["secret_values"]


# Several names for one thing: of those that are set, Ansible takes the last.
REACHED = {
    "connection": ("ansible_connection",),
    "address": ("ansible_host", "ansible_ssh_host"),
    "port": ("ansible_port", "ansible_ssh_port"),
    "user": ("ansible_user", "ansible_ssh_user"),
    "private_key_file": ("ansible_private_key_file", "ansible_ssh_private_key_file"),
    "ssh_executable": ("ansible_ssh_executable",),
    "ssh_args": ("ansible_ssh_args",),
    "ssh_common_args": ("ansible_ssh_common_args",),
    "ssh_extra_args": ("ansible_ssh_extra_args",),
    "host_key_checking": ("ansible_host_key_checking", "ansible_ssh_host_key_checking"),
    "timeout": ("ansible_timeout", "ansible_ssh_timeout"),
    "shell_type": ("ansible_shell_type",),
    "python": ("ansible_python_interpreter",),
    "become": ("ansible_become",),
    "become_user": ("ansible_become_user", "ansible_sudo_user"),
    "become_method": ("ansible_become_method",),
    "become_exe": ("ansible_become_exe", "ansible_sudo_exe"),
    "become_flags": ("ansible_become_flags", "ansible_sudo_flags"),
    "policy": ("runbook_policy",),
    "protected": ("runbook_protected",),
}
# Of these no more is told than that they are there.
_WAY = ("ssh_executable", "ssh_args", "ssh_common_args", "ssh_extra_args", "private_key_file", "host_key_checking")
"""What of that leads to another machine, though address, port and user are the same."""
SECRET = {
    "password": ("ansible_password", "ansible_ssh_pass", "ansible_ssh_password"),
    "become_password": ("ansible_become_password", "ansible_become_pass", "ansible_sudo_pass"),
    "inline_key": ("ansible_private_key", "ansible_ssh_private_key", "ansible_ssh_private_key_passphrase"),
}


def machine(name, variables, loader):
    """What tells the machine from every other, whatever an inventory calls it: where it is reached."""
    if variables.get("ansible_connection") == "local":
        return name
    where = [variables.get("ansible_host") or name, variables.get("ansible_port") or 22]
    host, port = _rendered(Templar(loader=loader, variables=variables), where)
    return f"{host}:{port}"


def connection_facts(variables, loader):
    """How the host is reached, and what its inventory says about runs against it; whatever is not set is left out."""
    templar = Templar(loader=loader, variables=variables)
    facts = {}
    for key, names in REACHED.items():
        values = [variables[name] for name in names if variables.get(name) is not None]
        if values:
            facts[key] = _rendered(templar, values[-1])
    if str(facts.get("python", "auto")).startswith("auto"):  # Ansible takes the first of these that is there
        facts["pythons"] = constants.config.get_config_value("INTERPRETER_PYTHON_FALLBACK", variables=variables)
    for key, names in SECRET.items():
        if any(variables.get(name) is not None for name in names):
            facts[key] = True
    if os.environ.get("ANSIBLE_BECOME_PASSWORD_FILE"):
        facts["become_password"] = True
    return facts


def keep_apart(manager, facts, variables):
    """Tell of each host the socket of the connection to it that is kept open, of which Ansible may take another's.

    Ansible names a socket by address, port and user, and not by the way there: of two hosts that have the same private
    address behind different jumps, what is for the one would be done on the other. Each of those gets its own.
    """
    reached, ways = {name: of_host for name, of_host in facts.items() if _is_over_ssh(of_host)}, {}
    for name, of_host in reached.items():
        of_host["socket"] = _socket(of_host.get("address", name), of_host.get("port"), of_host.get("user"))
        ways.setdefault(of_host["socket"], set()).add(_way(of_host))
    for name, of_host in reached.items():
        if {"ansible_control_path", "ansible_control_path_dir"} & variables[name].keys():
            del of_host["socket"]
        elif len(ways[of_host["socket"]]) > 1:
            of_host["socket"] = hashlib.sha256(name.encode()).hexdigest()[:10]
            manager.set_nonpersistent_facts(name, {"ansible_control_path": f"%(directory)s/{of_host['socket']}"})


def _is_over_ssh(of_host):
    return str(of_host.get("connection", "ssh")).rpartition(".")[2] in ("ssh", "smart")


def _socket(*words):
    return os.path.basename(_ssh()._create_control_path(*words))


@functools.cache
def _ssh():
    return connection_loader.get("ansible.builtin.ssh", class_only=True)


def _way(of_host):
    return tuple(str(of_host.get(name)) for name in _WAY)


def lacking(variables, names):
    """Of each of the `names`, with commas between them, the hosts for which no variable is set that is called so."""
    found = {name: [host for host, own in variables.items() if name not in own] for name in names.split(",") if name}
    return {name: hosts for name, hosts in found.items() if hosts}


def values_to_hide(variables, loader):
    """What of the inventory must be kept out of every record; the command takes it away before it looks further."""
    secrets = set()
    for of_host in variables.values():
        templar = Templar(loader=loader, variables=of_host)
        secrets.update(secret_values(of_host, functools.partial(_rendered, templar)))
    return sorted(secrets)


def paths_to_hide(variables):
    """The variables of any host that no argument of a program may hold, which everybody there can read."""
    return sorted({path for of_host in variables.values() for path in _SECRETS["secret_paths"](of_host)})


def _rendered(templar, value):
    """The value with each template filled in for which everything is known; the others stay as they are written."""
    if isinstance(value, dict):
        return {str(key): _rendered(templar, item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_rendered(templar, item) for item in value]
    try:
        return templar.template(value) if isinstance(value, str) else value
    except Exception:
        return value
