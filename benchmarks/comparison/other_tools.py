"""The same commands by other tools: one shell script over ssh for each host, asyncssh, Fabric and pyinfra.

They run the ten commands in their order on all hosts at once, and fail where one of them does. None of them verifies
what is printed, keeps a record, or can be asked to undo something; they are what the bare work costs.
"""

from __future__ import annotations

import importlib.util
import json
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from comparison.timed import Taken, directory, environment, program, timed
from runner.lab.hosts import Host

_ASYNCSSH = """\
import asyncio, json, sys
import asyncssh

async def one(host, commands):
    async with asyncssh.connect(
        host["address"], port=host["port"], username=host["user"],
        client_keys=[host["key"]], known_hosts=host["known_hosts"], config=None,
    ) as connection:
        for command in commands:
            await connection.run(command, check=True)

async def main(hosts, commands):
    await asyncio.gather(*(one(host, commands) for host in hosts))

asyncio.run(main(*json.load(sys.stdin)))
"""
_FABRIC = """\
import json, sys
from fabric import Config, Connection, ThreadingGroup

hosts, commands = json.load(sys.stdin)
connections = [
    Connection(host["address"], user=host["user"], port=host["port"], config=Config(lazy=True),
               connect_kwargs={"key_filename": host["key"], "allow_agent": False, "look_for_keys": False})
    for host in hosts
]
for connection, host in zip(connections, hosts):
    connection.client.load_host_keys(host["known_hosts"])
group = ThreadingGroup.from_connections(connections)
for command in commands:
    group.run(command, hide=True, in_stream=False)
"""
_PYINFRA = """\
from pyinfra.operations import server

for number, command in enumerate(COMMANDS, 1):
    server.shell(name=f"command {number}", commands=[command])
"""
_SCRIPT = """\
import json, subprocess, sys

hosts, commands = json.load(sys.stdin)
script = "set -e\\n" + "\\n".join(commands)
running = [subprocess.Popen([*host["words"], "sh", "-s"], stdin=subprocess.PIPE) for host in hosts]
for each in running:
    each.stdin.write(script.encode())
    each.stdin.close()
sys.exit(max(each.wait() for each in running))
"""


def shell_commands(steps: Sequence[Mapping[str, str]]) -> list[str]:
    """What the steps of the runbook do, each as a line for a shell."""
    return [step.get("command") or f"bash --norc -c {shlex.quote(step['shell'])}" for step in steps]


def installed() -> dict[str, bool]:
    """The tools, and whether each of them can be used here."""
    packages = {"script": "", "asyncssh": "asyncssh", "fabric": "fabric", "pyinfra": "pyinfra"}
    return {tool: not package or importlib.util.find_spec(package) is not None for tool, package in packages.items()}


def over_ssh(tool: str, hosts: Sequence[Host], commands: Sequence[str], scratch: Path) -> Taken:
    """What the tool takes for all the commands on all hosts; none of its connections is open before."""
    if tool == "pyinfra":
        return _pyinfra([(each.name, _data(each)) for each in hosts], commands, scratch)
    text = {"asyncssh": _ASYNCSSH, "fabric": _FABRIC, "script": _SCRIPT}[tool]
    with directory(scratch) as place:
        given = json.dumps([[_told(host) for host in hosts], list(commands)])
        return timed([sys.executable, "-c", text], cwd=place, environment=environment(), stdin=given)


def here(tool: str, commands: Sequence[str], scratch: Path) -> Taken | None:
    """The same on this machine; None where the tool works over SSH only."""
    if tool == "pyinfra":
        return _pyinfra([("@local", {})], commands, scratch)
    if tool != "script":
        return None
    with directory(scratch) as place:
        return timed(["sh", "-s"], cwd=place, environment=environment(), stdin="\n".join(["set -e", *commands]))


def _told(host: Host) -> dict[str, Any]:
    ssh = ["ssh", "-F", "/dev/null", "-i", str(host.client_key), "-p", str(host.port), *host.ssh_options()]
    return {
        "address": host.address,
        "port": host.port,
        "user": host.user,
        "key": str(host.client_key),
        "known_hosts": str(host.known_hosts),
        "words": [*ssh, f"{host.user}@{host.address}"],
    }


def _data(host: Host) -> dict[str, Any]:
    return {
        "ssh_hostname": host.address,
        "ssh_port": host.port,
        "ssh_user": host.user,
        "ssh_key": str(host.client_key),
        "ssh_known_hosts_file": str(host.known_hosts),
        "ssh_strict_host_key_checking": "yes",
    }


def _pyinfra(hosts: Sequence[tuple[str, Mapping[str, Any]]], commands: Sequence[str], scratch: Path) -> Taken:
    with directory(scratch) as place:
        (place / "inventory.py").write_text(f"hosts = {list(hosts)!r}\n", encoding="utf-8")
        (place / "deploy.py").write_text(f"COMMANDS = {list(commands)!r}\n{_PYINFRA}", encoding="utf-8")
        words = [program("pyinfra"), "-y", "inventory.py", "deploy.py"]
        return timed(words, cwd=place, environment=environment())
