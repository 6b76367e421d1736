"""Hosts that are this very machine and need no root: the demo's, with units, a replica, backups and who may do what."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from runner.lab.host_units import HostUnit, HostUnits
from runner.lab.hosts import Host
from runner.lab.interrupts import held
from runner.lab.lab_processes import LabCommand, run
from runner.lab.machines.image import STACK
from runner.lab.postgres import Postgres
from runner.lab.shop import Shop

_REPLICA = {"db2": "127.0.77.42"}
_UNIT = "postgresql"
_PROGRAMS = ("psql", "pg_dump", "pg_restore", "createdb", "dropdb", "pg_isready")
_SUPERUSER, _OWNER, _SERVICE = "postgres", "migrator", "app"
# What a session has in its environment counts first, and after it what it says in the words of its command.
_PROGRAM = """\
#!/bin/sh
export PGHOST="${{PGHOST:-{host}}}" PGPORT="${{PGPORT:-{port}}}" PGUSER="${{PGUSER:-{user}}}"
export PGPASSFILE="${{PGPASSFILE:-{passwords}}}"
exec '{program}' "$@"
"""
# The tables are those of a lab's machines, and so is who owns them; the demo has no use for either.
_TABLES = (STACK / "templates/shop.sql.j2").read_text(encoding="utf-8")
_SETUP = """\
\\set ON_ERROR_STOP 1
CREATE DATABASE postgres;
CREATE ROLE migrator LOGIN PASSWORD '{owner}';
ALTER DATABASE shop OWNER TO migrator;
GRANT CONNECT ON DATABASE shop TO app;
DROP TABLE orders;
SET ROLE migrator;
{tables}
RESET ROLE;
"""


@contextmanager
def embedded_hosts(directory: Path) -> Iterator[Mapping[str, Any]]:
    """The inventory of the hosts, all of whose files are in `directory`, until the block ends.

    Raises:
        InvalidInputError: PostgreSQL's wheel or OpenSSH's server is absent, or nobody can log in to this account.
        ExecutionError: something did not start.
    """

    def start(stack: ExitStack) -> Mapping[str, Any]:
        shop = stack.enter_context(Shop.over_ssh(directory, also=_REPLICA))
        _set_up(shop.database)
        replica = stack.enter_context(Postgres.following(shop.database, directory / "db2", listen=_REPLICA["db2"]))
        clusters = {"db1": shop.database, "db2": replica}
        units = {name: {_UNIT: _as_unit(cluster)} for name, cluster in clusters.items()}
        stack.enter_context(HostUnits.served({**shop.services, **units}, shop.hosts, directory / "units"))
        return _inventory(shop, clusters)

    with held(start) as inventory:
        yield inventory


def _as_unit(cluster: Postgres) -> HostUnit:
    assert cluster.server  # noqa: S101 - it runs
    return HostUnit(cluster.server.command, cluster.server, stopped=False)


def _set_up(database: Postgres) -> None:
    """Let the database have the tables, the owner and the other database that it has on the machines of a lab."""
    tables = _TABLES.partition(f"SET ROLE {_OWNER};\n")[2].partition("RESET ROLE;")[0]
    script = database.directory / "drills.sql"
    script.touch(mode=0o600)
    script.write_text(_SETUP.format(owner=database.passwords[_SERVICE], tables=tables), encoding="utf-8")
    _run("psql", [str(database.psql), "--no-psqlrc", "--quiet", f"--file={script}"], database)


def _run(name: str, argv: list[str], database: Postgres) -> None:
    log = database.directory / f"{name}.log"
    run(LabCommand(name, argv, log, environment=database.environment(_SUPERUSER)))


def _inventory(shop: Shop, clusters: Mapping[str, Postgres]) -> Mapping[str, Any]:
    """The inventory of the hosts, on which a session finds the programs of PostgreSQL."""
    inventory: dict[str, Any] = shop.inventory()
    passwords = shop.directory / "passwords"
    _write_passwords(passwords, shop.database)
    for name, host in shop.hosts.items():
        _furnish(host, clusters.get(name, shop.database), passwords)
    for group, name in (("db_primary", "db1"), ("db_replica", "db2")):
        hosts = inventory.setdefault(group, {"hosts": {}})["hosts"]
        hosts[name] = {**shop.hosts[name].variables(), **hosts.get(name, {}), **_database(shop, name, clusters[name])}
    for variables in inventory["app"]["hosts"].values():
        variables["app_password_file"] = shop.database.environment(_SERVICE)["PGPASSFILE"]
    return inventory


def _write_passwords(path: Path, database: Postgres) -> None:
    """What whoever is on one of the hosts may log in to the database with."""
    roles = {**database.passwords, _OWNER: database.passwords[_SERVICE]}
    path.touch(mode=0o600)
    path.write_text("".join(f"*:*:*:{role}:{word}\n" for role, word in roles.items()), encoding="ascii")


def _furnish(host: Host, cluster: Postgres, passwords: Path) -> None:
    for name in _PROGRAMS:
        known = {"host": cluster.host, "port": cluster.port, "user": _SUPERUSER, "passwords": passwords}
        text = _PROGRAM.format(program=cluster.binaries / name, **known)
        (host.programs / name).write_text(text, encoding="utf-8")
        (host.programs / name).chmod(0o755)


def _database(shop: Shop, name: str, cluster: Postgres) -> Mapping[str, Any]:
    """What a runbook must know about a host of the database, on which it has no need to become anybody."""
    assert cluster.server  # noqa: S101 - it runs
    backups = _backups(shop.hosts[name]) if name == "db1" else {}
    return {
        "runbook_environment": "lab",
        "runbook_psql": str(cluster.psql),
        "runbook_sql": cluster.environment("runbook"),
        "ansible_become": False,
        "database_service": _UNIT,
        "database_settings": str(cluster.data),
        "database_data": str(cluster.data),
        "database_programs": str(Path(cluster.server.command.argv[0]).parent),
        "database_logs": str(cluster.directory),
        **backups,
    }


def _backups(host: Host) -> Mapping[str, Any]:
    """The program that makes backups on `host`, and the first one."""
    place, program = host.directory / "backups", host.programs / "backup-shop"
    place.mkdir(mode=0o700)
    text = (STACK / "templates/backup-shop.j2").read_text(encoding="utf-8")
    program.write_text(text.replace("/var/backups/shop", str(place)), encoding="utf-8")
    program.chmod(0o755)
    path = f"{host.programs}:/usr/bin:/bin"
    run(LabCommand("the first backup", [program], host.directory / "backup.log", environment={"PATH": path}))
    return {"backup_command": str(program), "backup_directory": str(place)}
