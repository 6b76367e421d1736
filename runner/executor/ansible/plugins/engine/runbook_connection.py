# Copyright: the runbookctl authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way to a host as Ansible's own connection plugins go there: which it is, and by which command line."""

from __future__ import annotations

import os

from ansible.errors import AnsibleConnectionFailure, AnsibleError

CONNECTIONS = {"local", "ssh", "ansible.builtin.local", "ansible.builtin.ssh"}
OURS = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "modules", "command.py")
SSH_FAILED = 255


class NotKnownError(Exception):
    """Something of the way to the host, and so how Ansible's own would go there."""


def check(action, module, path, arguments):
    """Nothing where all of the way to the host is known for certain.

    Raises:
        NotKnownError: something of it is not.
    """
    connection = action._connection
    passwords = [(connection, "password"), (connection, "private_key"), (connection.become, "become_pass")]
    reasons = {
        "another module is called command": path != OURS,
        f"by the connection {connection.transport}": connection.transport not in CONNECTIONS,
        f"through the shell {connection._shell.SHELL_FAMILY}": connection._shell.SHELL_FAMILY != "sh",
        "without pipelining": not action._is_pipelining_enabled(module.module_style),
        "with another syslog facility": arguments.get("_ansible_syslog_facility", "LOG_USER") != "LOG_USER",
        "with a password": any(_option(plugin, name) for plugin, name in passwords),
    }
    for reason, applies in reasons.items():
        if applies:
            raise NotKnownError(reason)


def _option(plugin, name):
    try:
        return plugin.get_option(name) if plugin else None
    except (KeyError, AnsibleError):
        return None


def becomes(action):
    """Whom the task becomes, and how."""
    become = action._connection.become
    names = ("become_user", "become_exe", "become_flags")
    return (become.name, *(str(_option(become, name)) for name in names)) if become else ()


def words(action, command):
    """The command line by which the connection reaches the host, as it is without becoming anybody."""
    connection = action._connection
    if connection.transport == "local":
        return ("local", command)
    connection.host = connection.get_option("host") or connection._play_context.remote_addr
    return tuple(
        map(
            os.fsdecode,
            connection._build_command(connection.get_option("ssh_executable"), "ssh", connection.host, command),
        )
    )


def command_line(action, command):
    """What is started here, so that the command is there: made by Ansible's own code for one that is given input."""
    connection, whole = action._connection, []

    def instead(text, **_):
        whole.append(text)
        return 0, b"", b""

    connection.exec_command = instead
    try:
        action._low_level_execute_command(command, sudoable=True, in_data=b"-")
    finally:
        del connection.exec_command
    return whole[0] if connection.transport == "local" else list(words(action, whole[0]))


def ended(action, end):
    """The answer of a Python that was killed; an error, as the ssh plugin has it, where the connection broke."""
    if action._connection.transport == "ssh" and end.code == SSH_FAILED:
        raise AnsibleConnectionFailure(
            f'Data could not be sent to remote host "{action._connection.host}". '
            f"Make sure this host can be reached over ssh: {end.message}"
        ) from None
    return {"rc": end.code if end.code >= 0 else 128 - end.code, "stdout": "", "stderr": end.message}
