# Copyright: the runbookctl authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way to a host as Ansible's own connection plugins go there: which it is, and by which command line."""

from __future__ import annotations

import os
import re

from ansible.errors import AnsibleConnectionFailure, AnsibleError

CONNECTIONS = {"local", "ssh", "ansible.builtin.local", "ansible.builtin.ssh"}
OURS = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "modules", "command.py")
SSH_FAILED = 255
_BROKEN_MASTER = "mux_client_hello_exchange: write packet: Broken pipe"
"""What ssh says where the connection that it was to share is gone; Ansible's own connects once more then."""
_OF_PYTHON = re.compile("PATH|PYTHON.*|LD_.*|LANG|LC_.*|MALLOC_.*|GLIBC_TUNABLES|OPENSSL_.*")
"""The variables that decide which Python is started, and how: one that has been started knows nothing of them."""


class NotKnownError(Exception):
    """Something of the way to the host, and so how Ansible's own would go there."""


def check(action, style, arguments):
    """Nothing where all of the way to the host is known for certain.

    Raises:
        NotKnownError: something of it is not.
    """
    connection = action._connection
    passwords = [(connection, "password"), (connection, "private_key"), (connection.become, "become_pass")]
    reasons = {
        f"by the connection {connection.transport}": connection.transport not in CONNECTIONS,
        f"through the shell {connection._shell.SHELL_FAMILY}": connection._shell.SHELL_FAMILY != "sh",
        "without pipelining": not action._is_pipelining_enabled(style),
        "with another syslog facility": arguments.get("_ansible_syslog_facility", "LOG_USER") != "LOG_USER",
        "with a password": any(_option(plugin, name) for plugin, name in passwords),
        "with connections that are tried again": int(_option(connection, "reconnection_retries") or 0) > 0,
    }
    for reason, applies in reasons.items():
        if applies:
            raise NotKnownError(reason)


def _option(plugin, name):
    try:
        return plugin.get_option(name) if plugin else None
    except (KeyError, AnsibleError):
        return None


def environment(action):
    """The variables that the command is given.

    Raises:
        NotKnownError: one of them decides how a Python starts.
    """
    given = {}
    action._compute_environment_string(given)
    if found := [name for name in given if _OF_PYTHON.fullmatch(name)]:
        raise NotKnownError(f"with {found[0]} in the environment")
    return {name: str(value) for name, value in given.items()}


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


def likeness(action, line):
    """The command line without what become plugins make at random: whoever has the same is reached as the same."""
    marker = getattr(action._connection.become, "_id", "")
    parts = [line] if isinstance(line, str) else line
    return tuple(part.replace(marker, "") if marker else part for part in parts)


def is_answered(action, end):
    """Whether that a Python has ended is an answer; else nothing has been done, and Ansible's own way tells why."""
    if end.was_ready:
        return True
    return action._connection.transport == "ssh" and end.code == SSH_FAILED and _BROKEN_MASTER not in end.message


def ended(action, end):
    """The answer of a Python that was killed; an error, as the ssh plugin has it, where the connection broke."""
    if action._connection.transport == "ssh" and end.code == SSH_FAILED:
        raise AnsibleConnectionFailure(
            f'Data could not be sent to remote host "{action._connection.host}". '
            f"Make sure this host can be reached over ssh: {end.message}"
        ) from None
    return {"rc": end.code if end.code >= 0 else 128 - end.code, "stdout": "", "stderr": end.message}
