"""The faults that a drill can begin with: how each breaks a host, and how exactly that is taken back."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_PLACE = re.compile(r"@(\w+)@")


@dataclass(frozen=True, slots=True)
class Fault:
    """A way to break a host: `inject` and `undo` are each a step of a drill, as one is written in a RUN- file.

    In them `@name@` stands for a value that is asked for; `needs` says what each of these is. `words` in the title, the
    scope or the trigger of a runbook say that it may be for this fault. The host must be able to do the undo alone.
    """

    key: str
    title: str
    inject: Mapping[str, Any]
    undo: Mapping[str, Any]
    needs: Mapping[str, str] = field(default_factory=dict)
    words: tuple[str, ...] = ()

    def steps(self, values: Mapping[str, str]) -> dict[str, Any]:
        """Both steps with the `values` in their places.

        Raises:
            KeyError: one is missing.
        """
        return {"inject": _filled(self.inject, values), "undo": _filled(self.undo, values)}


def _filled(item: Any, values: Mapping[str, str]) -> Any:
    if isinstance(item, Mapping):
        return {key: _filled(each, values) for key, each in item.items()}
    return _PLACE.sub(lambda match: values[match[1]], item) if isinstance(item, str) else item


def fault_key(fault: Any) -> str:
    """What `fault` is called.

    Raises:
        TypeError: it is none.
    """
    if not isinstance(fault, Fault):
        raise TypeError("it is no Fault")
    return fault.key


_ENDS_SESSION = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'held-by-drill'"
_SERVICE = {"service": "the unit of systemd, like nginx"}

KNOWN = (
    Fault(
        "stop-service",
        "Stop a service",
        inject={"name": "The service is stopped", "command": "systemctl stop @service@", "become": True},
        undo={"name": "The service runs", "command": "systemctl start @service@", "become": True},
        needs=_SERVICE,
        words=("service", "down", "unavailable", "answers"),
    ),
    Fault(
        "kill-process",
        "Kill a process",
        inject={
            "name": "The process is killed",
            "command": "systemctl kill --signal=SIGKILL @service@",
            "become": True,
        },
        undo={"name": "The service runs", "command": "systemctl start @service@", "become": True},
        needs=_SERVICE,
        words=("process", "crash", "memory", "killed"),
    ),
    Fault(
        "fill-disk",
        "Fill a disk",
        inject={
            "name": "The volume is full",
            "shell": 'left=$(df --output=avail --block-size=1 "$AT" | tail --lines=1)\n'
            'fallocate --length="$left" "$AT/filled-by-drill"\n',
            "env": {"AT": "@directory@"},
            "become": True,
        },
        undo={"name": "There is room again", "command": "rm --force @directory@/filled-by-drill", "become": True},
        needs={"directory": "a directory of the volume that is filled, like /var/log/shop"},
        words=("disk", "space", "volume", "log"),
    ),
    Fault(
        "hold-lock",
        "Hold a lock in PostgreSQL",
        inject={
            "name": "Somebody locks a table and forgets it",
            "shell": "export PGAPPNAME=held-by-drill\n"
            "setsid psql --no-psqlrc --dbname=@database@ --single-transaction \\\n"
            '  --command="LOCK TABLE @table@ IN ACCESS EXCLUSIVE MODE" --command="SELECT pg_sleep(3600)" \\\n'
            "  </dev/null >/dev/null 2>&1 &\n",
            "become": True,
            "become_user": "postgres",
        },
        undo={
            "name": "Nobody holds the lock",
            "command": [
                *("psql", "--no-psqlrc", "--dbname=@database@"),
                f"--command={_ENDS_SESSION}",
            ],
            "become": True,
            "become_user": "postgres",
        },
        needs={"database": "the database, like shop", "table": "the table that is locked, like orders"},
        words=("lock", "slow", "performance", "timeout", "database"),
    ),
    Fault(
        "drop-packets",
        "Drop the packets to a port",
        inject={
            "name": "A firewall drops what comes to the port",
            "shell": "nft --file - <<'RULES'\n"
            "table inet drill {\n"
            "  chain input { type filter hook input priority 0; policy accept; tcp dport @port@ counter drop; }\n"
            "}\n"
            "RULES\n",
            "become": True,
        },
        undo={"name": "The firewall lets it in", "shell": "nft delete table inet drill || true\n", "become": True},
        needs={"port": "the port whose packets are dropped, like 5432; never that of ssh"},
        words=("network", "connect", "firewall", "packet", "unreachable"),
    ),
    Fault(
        "expire-certificate",
        "Expire a certificate",
        inject={
            "name": "The certificate has expired",
            "shell": 'cp --preserve "$CERTIFICATE" "$CERTIFICATE.before-drill"\n'
            'openssl x509 -in "$CERTIFICATE.before-drill" -signkey "$KEY" -days -1 -out "$CERTIFICATE"\n'
            "systemctl reload @service@\n",
            "env": {"CERTIFICATE": "@certificate@", "KEY": "@key@"},
            "become": True,
        },
        undo={
            "name": "The certificate is the one from before",
            "shell": 'test ! -e "$CERTIFICATE.before-drill" || mv --force "$CERTIFICATE.before-drill" "$CERTIFICATE"\n'
            "systemctl reload @service@\n",
            "env": {"CERTIFICATE": "@certificate@"},
            "become": True,
        },
        needs={
            "certificate": "the file of the certificate",
            "key": "the file of its key",
            "service": "the unit of systemd that is reloaded, like nginx",
        },
        words=("certificate", "tls", "ssl", "expire"),
    ),
    Fault(
        "break-dns",
        "Break a name",
        inject={
            "name": "A name leads nowhere",
            "shell": "echo '192.0.2.1 @name@ # by the drill' >>/etc/hosts\n",
            "become": True,
        },
        undo={
            "name": "The name is asked for again",
            "command": "sed --in-place '/ # by the drill$/d' /etc/hosts",
            "become": True,
        },
        needs={"name": "the name that leads nowhere, like db1.example.com"},
        words=("dns", "resolve", "name"),
    ),
)
"""Our own."""
