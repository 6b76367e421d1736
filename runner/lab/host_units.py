"""The services of hosts that have no systemd: `systemctl`, as runbooks use it, for processes that end with this one."""

from __future__ import annotations

import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import field
from itertools import pairwise
from pathlib import Path

from runner.core.deferred import dataclass
from runner.lab.hosts import Host
from runner.lab.interrupts import held
from runner.lab.lab_processes import LabCommand, Running, running

_LONGEST = 65_536
_TOLD = 20_000
# Become whoever you are already: the host's account may do everything that its services need.
_SUDO = """\
#!/bin/sh
while [ $# -gt 0 ]; do
  case "$1" in -u|-g|-p|-U|-C) shift 2 ;; --) shift; break ;; -*) shift ;; *) break ;; esac
done
exec "$@"
"""
_SYSTEMCTL = """\
#!{python} -IS
import json, socket, sys
with socket.socket(socket.AF_UNIX) as asked:
    asked.connect({address!r})
    asked.sendall(json.dumps([{host!r}, sys.argv[0].rpartition("/")[2], *sys.argv[1:]]).encode() + b"\\n")
    code, text = json.loads(asked.makefile().readline())
print(text, end="", file=sys.stderr if code in (1, 5) else sys.stdout)
sys.exit(code)
"""


@dataclass(slots=True)
class HostUnit:
    """One service: what it runs, its process once it was started, and whether it was ended in order."""

    command: LabCommand
    process: Running | None = None
    stopped: bool = True

    @property
    def state(self) -> str:
        """`active`, `inactive` or `failed`."""
        code = self.process.process.poll() if self.process else None
        if self.process and code is None:
            return "active"
        return "inactive" if self.stopped or code == 0 else "failed"

    @property
    def pid(self) -> int:
        """The process id of the service itself; 0 where it does not run."""
        keeper = self.process.process.pid if self.process and self.state == "active" else 0
        if not keeper:
            return 0
        with suppress(OSError, ValueError):
            children = Path(f"/proc/{keeper}/task/{keeper}/children").read_text(encoding="ascii")
            return int(children.split()[0]) if children.split() else 0
        return 0


@dataclass(slots=True)
class HostUnits:
    """The units of each host, by the name of the host; asked one at a time."""

    units: Mapping[str, dict[str, HostUnit]]
    hosts: Mapping[str, Host] = field(default_factory=dict)
    _stack: ExitStack = field(default_factory=ExitStack)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    @contextmanager
    def served(
        cls, units: Mapping[str, Mapping[str, HostUnit]], hosts: Mapping[str, Host], path: Path
    ) -> Iterator[HostUnits]:
        """The `units`, which sessions on the `hosts` reach by `systemctl`, over a socket at `path`."""

        def start(stack: ExitStack) -> HostUnits:
            own = {name: dict(units.get(name, {})) for name in {*units, *hosts}}
            made = cls(own, hosts, stack.enter_context(ExitStack()))
            server = stack.enter_context(socket.socket(socket.AF_UNIX))
            server.bind(str(path))
            server.listen()
            thread = threading.Thread(target=made._serve, args=(server,), name="units", daemon=True)
            thread.start()
            stack.callback(thread.join)
            stack.callback(server.shutdown, socket.SHUT_RDWR)
            for host in hosts.values():
                _furnish(host, path)
            return made

        with held(start) as served:
            yield served

    def systemctl(self, host: str, words: Sequence[str]) -> tuple[int, str]:
        """What `systemctl` with these `words` does on `host`: its exit code, and what it prints."""
        options = [word for word in words if word.startswith("-") and word != "--"]
        if "-p" in words:  # the short form has its value beside it
            place = [*words].index("-p")
            return self.systemctl(host, [*words[:place], f"--property={words[place + 1]}", *words[place + 2 :]])
        verb, *names = [word for word in words if not word.startswith("-")] or [""]
        if verb in {"daemon-reload", "reset-failed"}:
            return 0, ""
        answers = [self._one(host, verb, name.removesuffix(".service"), options) for name in names]
        return max((code for code, _ in answers), default=1), "".join(text for _, text in answers)

    def systemd_run(self, host: str, words: Sequence[str]) -> tuple[int, str]:
        """Start a command as a unit of its own, in the environment that `words` give it; whose it is stays the same."""
        count = next((number for number, word in enumerate(words) if not word.startswith("--")), len(words))
        name = next(word.partition("=")[2] for word in words[:count] if word.startswith("--unit="))
        there, given = self.hosts[host], "--property=Environment="
        environment = {"PATH": f"{there.programs}:{os.environ.get('PATH', os.defpath)}", "HOME": str(there.home)}
        environment |= dict(word[len(given) :].split("=", 1) for word in words[:count] if word.startswith(given))
        command = LabCommand(name, words[count:], there.directory / f"{name}.log", environment=environment)
        self.units[host][name] = HostUnit(command)
        return self.systemctl(host, ["start", name])

    def journalctl(self, host: str, words: Sequence[str]) -> tuple[int, str]:
        """What the unit that `words` name has said on `host`, of late."""
        names = [word.partition("=")[2] for word in words if word.startswith("--unit=")]
        names += [name for option, name in pairwise(words) if option == "-u"]
        units = [self.units.get(host, {}).get(name.removesuffix(".service")) for name in names]
        logs = [unit.command.log for unit in units if unit and unit.command.log.exists()]
        return 0, "".join(log.read_text(encoding="utf-8", errors="replace")[-_TOLD:] for log in logs)

    def _one(self, host: str, verb: str, name: str, options: Sequence[str]) -> tuple[int, str]:
        unit = self.units.get(host, {}).get(name)
        if verb == "show":
            return 0, _shown(unit, name, options)
        if unit is None:
            return (4, "inactive\n") if verb == "is-active" else (5, f"Unit {name}.service not found.\n")
        match verb:
            case "start" | "restart" | "try-restart" | "reload":
                if verb != "start" or unit.state != "active":
                    self._stop(unit)
                    unit.process, unit.stopped = self._stack.enter_context(running(unit.command)), False
                    unit.process.wait_until(lambda: unit.pid > 0 or unit.state != "active")
            case "stop":
                self._stop(unit)
            case "kill":
                _signal(unit, options)
            case "is-active":
                return (0 if unit.state == "active" else 3), f"{unit.state}\n"
            case "status":
                argv = shlex.join(map(str, unit.command.argv))
                told = f"* {name}.service\n     Loaded: loaded ({argv})\n     Active: {unit.state}\n"
                return (0 if unit.state == "active" else 3), told
            case _:
                return 1, f"Unknown command verb {verb}.\n"
        return 0, ""

    def _stop(self, unit: HostUnit) -> None:
        unit.stopped = True
        if unit.process:
            with suppress(ProcessLookupError):
                os.kill(unit.pid, signal.SIGCONT) if unit.pid else None
            unit.process.process.terminate()
            unit.process.process.wait()

    def _serve(self, server: socket.socket) -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:  # it is shut down
                return
            with connection, suppress(OSError, ValueError), self._lock:
                host, program, *words = json.loads(connection.makefile().readline(_LONGEST))
                answer = getattr(self, program.replace("-", "_"))(host, words)
                connection.sendall(json.dumps(answer).encode() + b"\n")


def _signal(unit: HostUnit, options: Sequence[str]) -> None:
    words = [option.partition("=")[2] for option in options if option.startswith(("--signal=", "-s="))]
    if pid := unit.pid:
        os.kill(pid, signal.Signals[f"SIG{(words or ['TERM'])[0].removeprefix('SIG')}"])
        if unit.process and words not in (["STOP"], ["SIGSTOP"]):
            with suppress(subprocess.TimeoutExpired):
                unit.process.process.wait(timeout=5)


def _shown(unit: HostUnit | None, name: str, options: Sequence[str]) -> str:
    """The properties of `unit` that the `options` ask for, or all; with --value without their names."""
    state = unit.state if unit else "inactive"
    sub = {"active": "running", "failed": "failed"}.get(state, "dead")
    properties = {
        "Names": f"{name}.service",
        "LoadState": "loaded" if unit else "not-found",
        "ActiveState": state,
        "SubState": sub,
        "Result": "signal" if state == "failed" else "success",
        "MainPID": str(unit.pid if unit else 0),
        "ExecMainStatus": "9" if state == "failed" else "0",
        "NRestarts": "0",
        "UnitFileState": "enabled" if unit else "",
    }
    asked = [name for option in options for name in option.partition("=")[2].split(",") if "property" in option]
    wanted = {key: value for key, value in properties.items() if key in asked or not asked}
    return "".join(f"{value}\n" if "--value" in options else f"{key}={value}\n" for key, value in wanted.items())


def _furnish(host: Host, path: Path) -> None:
    """Put `systemctl` and `sudo` where a session on `host` finds them first."""
    host.programs.mkdir(exist_ok=True)
    asking = _SYSTEMCTL.format(python=sys.executable, address=str(path), host=host.name)
    texts = {"sudo": _SUDO, **dict.fromkeys(("systemctl", "journalctl", "systemd-run"), asking)}
    for name, text in texts.items():
        (host.programs / name).write_text(text, encoding="utf-8")
        (host.programs / name).chmod(0o755)
