"""What a drill's probe asks, as something that can be asked many times in a second: no Ansible stands between."""

import http.client
import json
import os
import shlex
import socket
import ssl
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import runner.kinds.probes
from runner.core.deferred import dataclass
from runner.core.errors import InvalidInputError
from runner.kinds.invocation import Invocation
from runner.lab.drills.inventory_values import HostValues, holds
from runner.lab.drills.plain_ansible import Inventory
from runner.lab.probe import ProbeAnswer
from runner.model.procedure.drill import DrillProbe
from runner.model.verification import Verification

_PATIENCE = 3.0
"""Seconds for one answer: a user has gone by then."""

_PROGRAMS = Path(runner.kinds.probes.__file__).parents[1]
"""Where the programs lie that ask services, as they do beside a playbook."""

_BECOME_PASSWORDS = ("ansible_become_password", "ansible_become_pass", "ansible_sudo_pass")

_ARGUMENTS = ("ssh_common_args", "ssh_extra_args")
"""The words that Ansible gives to ssh last, in their order."""

# Not as arguments, which everybody on the host may read: a password may be among them.
_SUDO = r"""
IFS= read -r user && IFS= read -r password || exit
if sudo -n -u "$user" true 2>/dev/null; then exec sudo -n -u "$user" -- "$@"; fi
{ printf '%s\n' "$password"; cat; } | sudo -k -S -p '' -u "$user" -- "$@"
"""
_WITH_PASSWORD = ("sh", "-c", _SUDO, "sh")
_WITH_ENVIRONMENT = ("sh", "-c", 'IFS= read -r given; eval "export $given"; exec "$@"', "sh")


@dataclass(frozen=True, slots=True)
class AskedSystem:
    """What is asked on behalf of `host`, and what a good answer is; `words` say it to people."""

    look: Verification
    host: HostValues
    words: str
    ca: str = ""
    connect_to: str = ""
    port: int | None = None
    over: Sequence[str] = ()

    def ask(self) -> ProbeAnswer:
        """One answer, judged."""
        return self.judge(self.look, self.seen())

    def judge(self, look: Verification, seen: Mapping[str, Any]) -> ProbeAnswer:
        """Whether what was `seen` is as `look` wants it."""
        names = {**self.host.values, **seen}
        conditions = look.conditions(self._kind.text)
        return ProbeAnswer(all(holds(condition, names) for condition in conditions), seen)

    def seen(self) -> Mapping[str, Any]:
        """What one answer says, by the names of conditions."""
        call = self._kind.probe(timedelta(seconds=_PATIENCE))
        assert call is not None  # noqa: S101 - a probe that asks nothing does not load
        if call.on_controller:
            return self._asked_here(call)
        arguments = self.host.filled(dict(call.args))
        if call.module == "ansible.builtin.uri":
            return self._requested(arguments)
        return self._executed(arguments, self.host.filled(call.environment or {}), is_query="rows" in call.names)

    @property
    def _kind(self) -> Any:
        return next(kind for kind in self.look.kinds if kind.probes)

    def _requested(self, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        parts = urlsplit(str(arguments["url"]))
        body = arguments.get("body")
        text = body if body is None or isinstance(body, str) else json.dumps(body)
        headers = dict(arguments.get("headers", {}))
        if text is not None and not isinstance(body, str):
            headers.setdefault("Content-Type", "application/json")
        target = parts._replace(scheme="", netloc="").geturl() or "/"
        try:
            connection = self._connected(parts.scheme, parts.hostname or "", parts.port)
        except (OSError, ValueError) as error:
            return {"status": -1, "json": {}, "content": str(error)}
        try:
            connection.request(str(arguments.get("method", "GET")), target, body=text, headers=headers)
            response = connection.getresponse()
            content = response.read().decode("utf-8", "replace")
        except (OSError, http.client.HTTPException) as error:
            return {"status": -1, "json": {}, "content": str(error)}
        finally:
            connection.close()
        return {"status": response.status, "json": _json(content), "content": content}

    def _connected(self, scheme: str, name: str, port: int | None) -> http.client.HTTPConnection:
        """A connection to who is asked, whose certificate must be for `name`."""
        secure = scheme == "https"
        port = port or self.port or (443 if secure else 80)
        made = socket.create_connection((self.connect_to or name, port), timeout=_PATIENCE)
        connection = http.client.HTTPConnection(name, port, timeout=_PATIENCE)
        try:
            if secure:
                made = ssl.create_default_context(cafile=self.ca or None).wrap_socket(made, server_hostname=name)
        except OSError:
            made.close()
            raise
        connection.sock = made
        return connection

    def _asked_here(self, call: Invocation) -> Mapping[str, Any]:
        """What a program of ours says that asks a service from this machine."""
        here = {"ansible_playbook_python": sys.executable, "playbook_dir": str(_PROGRAMS)}
        host = HostValues(self.host.name, {**self.host.values, **here})
        arguments, environment = host.filled(dict(call.args)), host.filled(call.environment or {})
        try:
            done = subprocess.run(
                [str(word) for word in arguments["argv"]],
                env={**os.environ, **{name: str(value) for name, value in environment.items()}},
                cwd=str(arguments["chdir"]),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=2 * _PATIENCE,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return {"problem": str(error)}
        found = _json(done.stdout)
        return found if "problem" in found else {"problem": done.stderr or "it says nothing"}

    def _executed(self, arguments: Mapping[str, Any], env: Any, *, is_query: bool) -> Mapping[str, Any]:
        words = [str(word) for word in arguments["argv"]]
        given = " ".join(f"{name}={shlex.quote(str(value))}" for name, value in dict(env).items())
        user, password = self._privilege()
        words = [*_WITH_ENVIRONMENT, *words] if given else words
        words = [*(_WITH_PASSWORD if password else ("sudo", "-n", "-u", user, "--")), *words] if user else words
        text = f"{given}\n" * bool(given) + str(arguments.get("stdin", ""))
        text = f"{user}\n{password}\n{text}" if user and password else text
        argv = [*self.over, shlex.join(words)] if self.over else words
        try:
            done = subprocess.run(argv, input=text, capture_output=True, text=True, timeout=2 * _PATIENCE, check=False)
            code, stdout, stderr = done.returncode, done.stdout.rstrip("\n"), done.stderr.rstrip("\n")
        except (OSError, subprocess.TimeoutExpired) as error:
            code, stdout, stderr = -1, "", str(error)
        if is_query:
            rows = _json(stdout) or []
            return {"rows": rows, "row": rows[0] if rows else {}, "stderr": stderr}
        return {"rc": code, "stdout": stdout, "stderr": stderr, "json": _json(stdout)}

    def _privilege(self) -> tuple[str, str]:
        """Whom it is asked as, and the password for that; empty where it is whoever logs in, or nobody wants one."""
        wanted, values = self.look.privilege, self.host.values
        if not wanted.get("become", bool(values.get("ansible_become"))):
            return "", ""
        password = next((values[name] for name in _BECOME_PASSWORDS if values.get(name)), "")
        return str(wanted.get("become_user", "root")), str(self.host.filled(password))


def question(
    probe: DrillProbe, inventory: Inventory, hosts: str, inputs: Mapping[str, Any], directory: Path
) -> AskedSystem:
    """What `probe` asks of the hosts of `inventory`; `hosts` are those of the runbook, and `inputs` what it is given.

    Raises:
        InvalidInputError: nobody can be asked: there is no such host, or it lacks a variable.
    """
    host = _host(probe, inventory, hosts, inputs)
    return _asked_of(probe, host, inventory, directory)


def _asked_of(probe: DrillProbe, host: HostValues, inventory: Inventory, directory: Path) -> AskedSystem:
    call = probe.kind.probe(timedelta(seconds=_PATIENCE))
    if call and call.module == "ansible.builtin.uri":
        url = str(host.filled(call.args["url"]))
        name = urlsplit(url).hostname or ""
        asked = host.name if probe.hosts else inventory.host(name)
        port = inventory.variables.get(asked, {}).get("http_port")
        connect_to = inventory.address(asked)
        return AskedSystem(
            probe.look, host, f"{url} answers", ca=str(host.filled(probe.ca or "")), connect_to=connect_to, port=port
        )
    over = [] if call and call.on_controller else way_to(host, directory)
    return AskedSystem(probe.look, host, f"{host.name}: {probe.look.says}:", over=over)


def _host(probe: DrillProbe, inventory: Inventory, hosts: str, inputs: Mapping[str, Any]) -> HostValues:
    """The one on whose behalf is asked: the first of those that are named, else the first that has the variables."""
    named = inventory.matching(probe.hosts or hosts)
    for name in named if probe.hosts else dict.fromkeys((*named, *inventory.variables)):
        host = HostValues(name, {**inputs, **inventory.variables.get(name, {}), "inventory_hostname": name})
        with suppress(InvalidInputError):
            call = probe.kind.probe(timedelta(seconds=_PATIENCE))
            host.filled((call.environment if call.on_controller else dict(call.args)) if call else {})
            return host
    raise InvalidInputError(
        f"the probe cannot be asked: no host of {probe.hosts or 'the inventory'} has what it names",
        hint="name variables that the inventory has, or say under `hosts` who is asked",
    )


def way_to(host: HostValues, directory: Path | None = None) -> list[str]:
    """The words before a command that is done on `host`; none where that is this machine.

    With files in `directory` one connection is used again and again, and nobody is asked for anything.
    """
    known = host.connection
    if known.get("connection") == "local":
        return []
    master = ["ControlMaster=auto", f"ControlPath={directory}/p-%C", "ControlPersist=30", "BatchMode=yes"]
    options = [*master, "ConnectTimeout=5"] if directory else []
    words = [str(known.get("ssh_executable", "ssh")), *(word for option in options for word in ("-o", option))]
    words += shlex.split(str(known.get("ssh_args", "")))
    if key := known.get("private_key_file"):
        words += ["-i", str(key)]
    words += ["-p", str(known["port"])] if "port" in known else []
    words += [word for name in _ARGUMENTS for word in shlex.split(str(known.get(name, "")))]
    address = str(known.get("address", host.name))
    return [*words, f"{known['user']}@{address}" if "user" in known else address]


def _json(text: str) -> Any:
    try:
        return json.loads(text) if text else {}
    except ValueError:
        return {}
