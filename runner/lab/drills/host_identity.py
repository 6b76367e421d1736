"""What a host is, whatever it is called: its addresses, its keys, and what the machine and its database say."""

import hashlib
import shlex
import socket
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from runner.core.deferred import dataclass, regex
from runner.core.errors import InvalidInputError
from runner.core.identifiers import is_loopback
from runner.executor.host_check import NotCheckedError
from runner.executor.inventory.connection_facts import ConnectionFacts
from runner.executor.ssh.host_keys import fingerprint, known_hosts_of
from runner.executor.ssh.ssh_settings import Settings, own_file, settings_of
from runner.kinds import plugins
from runner.lab.drills.drill_question import AskedSystem, way_to
from runner.lab.drills.inventory_values import HostValues
from runner.lab.drills.plain_ansible import Inventory
from runner.model.verification import Verification

_AT_ONCE = 16
"""How many hosts are asked at the same time."""

_JUMP = regex(r"(?:ssh://)?(?:[^@]*@)?\[?([^\[\]/]+?)\]?(?::([0-9]+))?")
"""A jump host as ssh names it, or a word of a proxy's command that may be one."""

# What every copy of an image has alike (`nocloud`, `iid-datasource-none`) says nothing of a machine.
WHO = r"""
cat /etc/machine-id 2>/dev/null | sed -n 's/^\([0-9a-f]\{32\}\)$/machine id \1/p'
cat /sys/class/dmi/id/board_asset_tag 2>/dev/null | sed -n 's/^\(i-[0-9a-f]*\)$/cloud instance id \1/p'
cd /var/lib/cloud/data 2>/dev/null &&
  sed -n '/^nocloud$/d; /^iid-datasource-none$/d; s/^\(..*\)$/cloud instance id \1/p' instance-id 2>/dev/null
cat /etc/ssh/ssh_host_*_key.pub 2>/dev/null | sed -n 's/^[a-z0-9@.-]* \([A-Za-z0-9+\/=]*\).*$/ssh host key \1/p'
true
"""
"""The shell code that prints who the machine is on which it is run; it only reads."""

_IDENTIFIER = "SELECT system_identifier::text AS identifier FROM pg_control_system()"


class IdentityMark(StrEnum):
    """By what two names are known to be one machine."""

    ADDRESS = "address"
    HOST_KEY = "ssh host key"
    MACHINE = "machine id"
    INSTANCE = "cloud instance id"
    DATABASE = "database system identifier"


@dataclass(frozen=True, slots=True)
class HostIdentity:
    """What is known of `host`: its `marks`, and where its connections lead besides.

    `through` are the addresses of the machines that a connection to it goes through, by how these are called;
    `database` those of the database that the inventory names for it. `says` is what it prints of itself. With an
    `unknown` it could not be asked for all.
    """

    host: str
    marks: frozenset[tuple[IdentityMark, str]] = frozenset()
    through: Mapping[str, frozenset[str]] = field(default_factory=dict)
    database: frozenset[str] = frozenset()
    says: str = ""
    unknown: str = ""

    @property
    def addresses(self) -> frozenset[str]:
        """Its addresses and names."""
        return frozenset(value for mark, value in self.marks if mark is IdentityMark.ADDRESS)

    @property
    def digest(self) -> str:
        """The hash of what it says, by which it is known again."""
        return hashlib.sha256(self.says.encode()).hexdigest()


def resolved(inventory: Inventory, environ: Mapping[str, str]) -> tuple[HostIdentity, ...]:
    """What the files of this machine and its name server say of the hosts of `inventory`; none of them is asked.

    Raises:
        InvalidInputError: nobody can say where the connection to one of them leads.
    """
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return tuple(pool.map(lambda name: _resolved(name, values_of(inventory, name), environ), inventory.variables))


def asked(known: Sequence[HostIdentity], inventory: Inventory, directory: Path) -> tuple[HostIdentity, ...]:
    """The same hosts with what they and their databases say themselves; that only reads, with files in `directory`."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return tuple(pool.map(lambda each: _asked(each, values_of(inventory, each.host), directory), known))


def values_of(inventory: Inventory, name: str, inputs: Mapping[str, Any] | None = None) -> HostValues:
    """The variables of the host `name`, with the `inputs` of a runbook below them."""
    return HostValues(name, {**(inputs or {}), **inventory.variables.get(name, {}), "inventory_hostname": name})


def _resolved(name: str, values: HostValues, environ: Mapping[str, str]) -> HostIdentity:
    facts = ConnectionFacts.read(name, values.connection)
    marks = {(IdentityMark.INSTANCE, str(values.values["instance_id"]))} if values.values.get("instance_id") else set()
    connection = values.filled(values.values.get("runbook_sql", {}), missing="")
    named = connection if isinstance(connection, Mapping) else {}
    database = [str(named[key]) for key in ("PGHOST", "PGHOSTADDR") if named.get(key)]
    leads = frozenset(address for each in database for address in _addresses(each, 0))
    if not facts.over_ssh:
        here = {(IdentityMark.ADDRESS, "this machine" if facts.local else facts.address or name)}
        return HostIdentity(name, frozenset(marks | here), database=leads)
    try:
        settings = settings_of(facts, environ)
        plain = [each.key for each in known_hosts_of(settings, environ) if not each.marker]
    except NotCheckedError as error:
        raise InvalidInputError(f"nobody can say which machine {name} is: {error}") from None
    marks |= {(IdentityMark.ADDRESS, each) for each in _addresses(settings.address, settings.port)}
    marks |= {(IdentityMark.HOST_KEY, fingerprint(key)) for key in plain}
    return HostIdentity(name, frozenset(marks), _through(settings, environ), leads)


def _through(settings: Settings, environ: Mapping[str, str], before: tuple[str, ...] = ()) -> dict[str, frozenset[str]]:
    """The addresses of the jump hosts, and what a proxy's command names, by how each is written; theirs as well."""
    jumps = [each for each in settings.first("proxyjump", "none").split(",") if each != "none"]
    words = [] if jumps else settings.first("proxycommand", "none").replace("%h", "").split()
    found: dict[str, frozenset[str]] = {}
    for each in jumps or [word for word in words if word != "none"]:
        parts = _JUMP.fullmatch(each)
        if parts is None or each in before:
            continue
        port, own = int(parts[2]) if parts[2] else None, shlex.join(own_file(settings.facts))
        with suppress(NotCheckedError):
            jump = settings_of(ConnectionFacts(parts[1], port=port, ssh_common_args=own), environ)
            found[each] = _addresses(jump.address, jump.port)
            found |= _through(jump, environ, (*before, each))
    return found


def _addresses(name: str, port: int) -> frozenset[str]:
    """The name in lower case and what it resolves to; on this very machine with the port, which may lead elsewhere."""
    found = {name.lower()}
    with suppress(OSError, UnicodeError):
        found |= {str(each[4][0]) for each in socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)}
    return frozenset(f"{each}:{port}" if is_loopback(each) else each for each in found)


def _asked(known: HostIdentity, values: HostValues, directory: Path) -> HostIdentity:
    over = way_to(values, directory)
    seen = AskedSystem(_look("command", ["sh", "-c", WHO]), values, known.host, over=over).seen()
    if seen["rc"] != 0:
        why = str(seen["stderr"]).strip().rpartition("\n")[2]
        return replace(known, unknown=why or f"exit code {seen['rc']}")
    marks, says = set(known.marks), str(seen["stdout"])
    for line in says.splitlines():
        mark = next((each for each in IdentityMark if line.startswith(f"{each} ")), None)
        if mark:
            value = line.removeprefix(f"{mark} ")
            marks.add((mark, fingerprint(value) if mark is IdentityMark.HOST_KEY else value))
    if values.values.get("runbook_sql"):
        row = AskedSystem(_look("sql", _IDENTIFIER), values, known.host, over=over).seen()["row"]
        marks |= {(IdentityMark.DATABASE, str(row["identifier"]))} if row.get("identifier") else set()
    return replace(known, marks=frozenset(marks), says=says)


def _look(kind: str, question: Any) -> Verification:
    value = tuple(question) if isinstance(question, list) else question
    made = plugins.verifications()[kind].model_validate({kind: value})
    return Verification(says="Who it is", kinds=(made,))
