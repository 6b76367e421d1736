"""The nightly report, which forgets to end its transactions: it takes every connection there is and keeps it.

`python -m runner.lab.programs.leak`; the libpq environment names the database. Once nobody else gets a connection any
more it prints how many it holds, and does nothing until it is killed: sessions that somebody ends it does not open
again.
"""

from __future__ import annotations

import signal
import sys
import time

import psycopg

_DATABASE = "connect_timeout=2 application_name=nightly-report"
# Leaves the slots that are kept for the superuser and for operators, so that there is still a way in to mend it. Before
# PostgreSQL 16 none can be kept for operators: there the role itself may have a limit.
_SLOTS = """
SELECT least(
  current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
    - coalesce(current_setting('reserved_connections', true), '0')::int,
  CASE WHEN rolconnlimit >= 0 THEN rolconnlimit END
) FROM pg_roles WHERE rolname = current_user
"""


def leak() -> list[psycopg.Connection]:
    """Every connection that an ordinary role can get, each idle in a transaction.

    A slot that somebody else has for the moment is waited for: the pool is not exhausted before the last one is gone.
    """
    connections = [psycopg.connect(_DATABASE)]
    row = connections[0].execute(_SLOTS).fetchone()
    slots = int(row[0]) if row else 0
    while len(connections) < slots:
        try:
            connection = psycopg.connect(_DATABASE)
        except psycopg.OperationalError:
            time.sleep(0.01)
        else:
            connection.execute("SELECT count(*) FROM orders")
            connections.append(connection)
    return connections


def main() -> None:
    """Leak, say how many, and stay."""
    connections = leak()
    sys.stdout.write(f"{len(connections)}\n")
    sys.stdout.flush()
    signal.pause()


if __name__ == "__main__":
    main()
