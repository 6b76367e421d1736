"""The whole environment: a database, web shops on it, and the inventory through which a runbook reaches them."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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


@dataclass(frozen=True, slots=True)
class App:
    """One web shop: the host it is on, where it answers, and the directory with its `releases` and `current`."""

    name: str
    url: str
    release_root: Path

    def is_healthy(self) -> bool:
        """Whether /health answers 200."""
        return get(f"{self.url}/health").healthy

    def variables(self) -> dict[str, Any]:
        """The Ansible host variables that tell a runbook about it."""
        return {"app_url": self.url, "release_root": str(self.release_root)}


@dataclass(frozen=True, slots=True)
class Shop:
    """A shop that is open for business: `break_it` closes it, a runbook opens it again."""

    directory: Path
    database: Postgres
    apps: tuple[App, ...]
    hosts: Mapping[str, Host]
    _stack: ExitStack

    @classmethod
    @contextmanager
    def local(cls, directory: Path) -> Iterator[Shop]:
        """Everything on 127.0.0.1, for `ansible_connection: local`, with all its files under `directory`.

        Raises:
            InvalidInputError: PostgreSQL's wheel is absent, or nobody cannot reach `directory`.
            ExecutionError: something did not start.
        """
        with held(lambda stack: _open(stack, directory, {"app1": _LOOPBACK}, hosts={})) as shop:
            yield shop

    @classmethod
    @contextmanager
    def over_ssh(cls, directory: Path) -> Iterator[Shop]:
        """A database host and two application hosts, each a real sshd on its own loopback address, host keys checked.

        Raises:
            InvalidInputError: PostgreSQL's wheel or OpenSSH's server is absent, or nobody can log in to this account.
            ExecutionError: something did not start.
        """

        def start(stack: ExitStack) -> Shop:
            up = stack.enter_context(ssh_hosts(directory / "hosts", _DATABASE_HOST | _APP_HOSTS))
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

    def inventory(self, *, role: str = "runbook") -> dict[str, Any]:
        """The Ansible inventory that leads here, with `role` as the one that SQL steps are done by."""
        # Host variables: they count more than the group_vars of the inventory that this one is laid over.
        database = {"runbook_psql": str(self.database.psql), "runbook_sql": self.database.environment(role)}
        return {
            "db_primary": {"hosts": {"db1": self._way_to("db1") | database}},
            "app": {"hosts": {app.name: self._way_to(app.name) | app.variables() for app in self.apps}},
        }

    def _way_to(self, name: str) -> dict[str, Any]:
        if name in self.hosts:
            return self.hosts[name].variables()
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
        root = (hosts[name].directory if name in hosts else directory) / "shop"
        write_releases(root)
        app = App(name, f"http://{address}:{free_port(address)}", root)
        started.append((app, stack.enter_context(running(_serving(app, environment)))))
    for app, process in started:
        process.wait_until(app.is_healthy)
    return Shop(directory, database, tuple(app for app, _ in started), hosts, stack)


def _serving(app: App, environment: Mapping[str, str]) -> LabCommand:
    address, _, port = app.url.removeprefix("http://").partition(":")
    options: list[str | Path] = ["--listen", address, "--port", port, "--release-root", app.release_root]
    log = app.release_root / "app.log"
    return LabCommand(f"the web shop on {app.name}", [*_module("app"), *options], log, environment=environment)


def write_releases(root: Path) -> None:
    """Put the releases under `root`/releases, and make `CURRENT` the current one."""
    for version in RELEASES:
        release = root / "releases" / version
        release.mkdir(parents=True)
        (release / "VERSION").write_text(f"{version}\n", encoding="utf-8")
    (root / "releases" / BAD / "BROKEN").touch()
    (root / "current").symlink_to(f"releases/{CURRENT}")


def _module(name: str) -> list[str]:
    return [sys.executable, "-m", f"runner.lab.{name}"]
