"""The faults that a drill can begin with: how each breaks a host, and how exactly that is taken back."""

from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Any

from runner.core.deferred import dataclass, regex

_PLACE = regex(r"@(\w+)@")


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
    if isinstance(item, list | tuple):
        return [_filled(each, values) for each in item]
    return _PLACE.sub(lambda match: values[match[1]], item) if isinstance(item, str) else item


def fault_key(fault: Any) -> str:
    """What `fault` is called.

    Raises:
        TypeError: it is none.
    """
    if not isinstance(fault, Fault):
        raise TypeError("it is no Fault")
    return fault.key


_UNIT = "the unit of systemd, like nginx"
_HOLDS_LOCK = r"""
setsid psql --no-psqlrc --dbname="dbname=$DATABASE application_name=held-by-drill" --single-transaction \
  --command="LOCK TABLE $TABLE IN ACCESS EXCLUSIVE MODE" --command="SELECT pg_sleep(3600)" </dev/null >/dev/null 2>&1 &
holds="SELECT wait_event FROM pg_stat_activity WHERE application_name = 'held-by-drill'"
until psql --no-psqlrc --dbname="$DATABASE" --tuples-only --command="$holds" | grep --quiet PgSleep; do
  kill -0 $! # it has ended where there is no such table
  sleep 0.1
done
""".lstrip()
_ENDS_HOLDER = r"""
pkill --full 'application_name=[h]eld-by-drill' || true # also one that does not hold it yet
ends="SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'held-by-drill'"
psql --no-psqlrc --dbname="$DATABASE" --command="$ends"
""".lstrip()
_EXPIRES = r"""
place=$(readlink --canonicalize "$CERTIFICATE")
test ! -e "$CERTIFICATE.before-drill"
cp --preserve "$CERTIFICATE" "$CERTIFICATE.new"
mv "$CERTIFICATE.new" "$CERTIFICATE.before-drill" # whole, or not there
cp --preserve "$CERTIFICATE" "$CERTIFICATE.by-drill"
openssl x509 -in "$CERTIFICATE.before-drill" -signkey "$KEY" -days -1 -out "$CERTIFICATE.by-drill"
cp --preserve "$CERTIFICATE.by-drill" "$CERTIFICATE.new"
mv "$CERTIFICATE.new" "$place"
systemctl reload-or-restart "$SERVICE"
""".lstrip()
_RENEWS = r"""
if cmp --quiet "$CERTIFICATE" "$CERTIFICATE.by-drill"; then # else somebody has renewed it, perhaps with another key
  cp --preserve "$CERTIFICATE.before-drill" "$CERTIFICATE.new"
  mv "$CERTIFICATE.new" "$(readlink --canonicalize "$CERTIFICATE")"
  systemctl reload-or-restart "$SERVICE"
fi
rm --force "$CERTIFICATE.before-drill" "$CERTIFICATE.by-drill" "$CERTIFICATE.new"
""".lstrip()
_MARK = "# by the drill"
"""How the line of `/etc/hosts` ends that a drill has written."""
_RENAMED = ".broken-by-drill"
"""What a drill has put behind a name in `/etc/hosts`, which so is another name."""


def _of_service(key: str, title: str, name: str, words: Sequence[str], *, needs: str, suggests: Sequence[str]) -> Fault:
    """The fault in which `words` end a service, of which the unit follows; `needs` says which one that may be."""
    return Fault(
        key,
        title,
        inject={"name": name, "command": [*words, "@service@"], "become": True},
        undo={"name": "The service runs", "command": ["systemctl", "start", "@service@"], "become": True},
        needs={"service": needs},
        words=tuple(suggests),
    )


KNOWN = (
    _of_service(
        "stop-service",
        "Stop a service",
        "The service is stopped",
        ("systemctl", "stop"),
        needs=_UNIT,
        suggests=("service", "down", "unavailable", "answer"),
    ),
    _of_service(
        "kill-process",
        "Kill a process",
        "The process is killed",
        ("systemctl", "kill", "--signal=SIGKILL"),
        needs=f"{_UNIT}, which systemd does not start again by itself",
        suggests=("process", "crash", "memory", "killed", "ended"),
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
        undo={
            "name": "There is room again",
            "command": ["rm", "--force", "@directory@/filled-by-drill"],
            "become": True,
        },
        needs={"directory": "a directory of the volume that is filled, like /var/log/shop"},
        words=("disk", "space", "volume", "log"),
    ),
    Fault(
        "hold-lock",
        "Hold a lock in PostgreSQL",
        inject={
            "name": "Somebody locks a table and forgets it",
            "shell": _HOLDS_LOCK,
            "env": {"DATABASE": "@database@", "TABLE": "@table@"},
            "become": True,
            "become_user": "postgres",
        },
        undo={
            "name": "Nobody holds the lock",
            "shell": _ENDS_HOLDER,
            "env": {"DATABASE": "@database@"},
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
            "shell": "nft --file - <<RULES\n"
            "table inet drill {\n"
            "  chain input { type filter hook input priority 0; policy accept; tcp dport $PORT counter drop; }\n"
            "}\n"
            "RULES\n",
            "env": {"PORT": "@port@"},
            "become": True,
        },
        undo={
            "name": "The firewall lets it in",
            "shell": "! nft list table inet drill >/dev/null 2>&1 || nft delete table inet drill\n",
            "become": True,
        },
        needs={"port": "the port whose packets are dropped, like 5432; never that of ssh"},
        words=("network", "connect", "firewall", "packet", "unreachable"),
    ),
    Fault(
        "expire-certificate",
        "Expire a certificate",
        inject={
            "name": "The certificate has expired",
            "shell": _EXPIRES,
            "env": {"CERTIFICATE": "@certificate@", "KEY": "@key@", "SERVICE": "@service@"},
            "become": True,
        },
        undo={
            "name": "The certificate is the one from before, or a new one",
            "shell": _RENEWS,
            "env": {"CERTIFICATE": "@certificate@", "SERVICE": "@service@"},
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
            "shell": "sed --in-place --follow-symlinks --regexp-extended \\\n"
            f'  --expression="s/([[:space:]])$NAME([[:space:]]|\\$)/\\1$NAME{_RENAMED}\\2/g" \\\n'
            f'  --expression="1i 192.0.2.1 $NAME {_MARK}" /etc/hosts\n',
            "env": {"NAME": "@name@"},
            "become": True,
        },
        undo={
            "name": "The name is asked for again",
            "shell": "sed --in-place --follow-symlinks \\\n"
            f"  --expression='/ {_MARK}$/d' --expression='s/{_RENAMED.replace('.', '[.]')}//g' /etc/hosts\n",
            "become": True,
        },
        needs={"name": "the name that leads nowhere, like db1.example.com"},
        words=("dns", "resolve", "name"),
    ),
)
"""Our own."""
