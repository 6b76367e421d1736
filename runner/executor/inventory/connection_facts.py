"""How Ansible would reach one host, and what the host's inventory says about runs against it."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Self

from runner.core.deferred import dataclass

PORTS = range(1, 65536)


@dataclass(frozen=True, slots=True)
class ConnectionFacts:
    """The inventory's variables of one host, as Ansible reads them; None is one that is not set.

    Of secrets it is only known that they are there: `password`, `become_password`, and `inline_key` for a key that
    stands in the inventory itself. `socket` is the name of that of the connection which Ansible keeps open, where the
    inventory does not say where it is. `pythons` are what Ansible looks for where `python` names none. `policy` is not
    judged yet; `protected` says why the host is.
    """

    host: str
    connection: str = "ssh"
    address: str | None = None
    port: int | None = None
    user: str | None = None
    private_key_file: str | None = None
    ssh_executable: str | None = None
    ssh_args: str | None = None
    ssh_common_args: str | None = None
    ssh_extra_args: str | None = None
    host_key_checking: bool = True
    timeout: int = 10
    socket: str | None = None
    shell_type: str | None = None
    python: str | None = None
    pythons: tuple[str, ...] = ()
    become: bool | None = None
    become_user: str | None = None
    become_method: str = "sudo"
    become_exe: str | None = None
    become_flags: str | None = None
    password: bool = False
    become_password: bool = False
    inline_key: bool = False
    policy: Any = None
    protected: str = ""
    strange: tuple[str, ...] = ()
    """What is set to something that cannot be understood here."""

    @classmethod
    def read(cls, host: str, variables: Mapping[str, Any]) -> Self:
        """What the callback plugin has told about `host`, with the values that Ansible would make of it."""
        values: dict[str, Any] = {}
        strange = []
        for name in (each.name for each in fields(cls) if each.name in variables):
            try:
                values[name] = _READ.get(name, _text)(variables[name])
            except ValueError:
                strange.append(name)
        return cls(host, **values, strange=tuple(strange))

    @property
    def over_ssh(self) -> bool:
        """Whether it is reached through OpenSSH's client."""
        return self.connection.rpartition(".")[2] in {"ssh", "smart"}

    @property
    def local(self) -> bool:
        """Whether it is this machine, without any connection."""
        return self.connection.rpartition(".")[2] == "local"


def _text(value: Any) -> str:
    text = str(value)
    if "{{" in text:
        raise ValueError("a template that could not be filled in")
    return text


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(map(_text, value))


def _number(value: Any) -> int:
    return int(_text(value))


def _port(value: Any) -> int:
    if (number := _number(value)) not in PORTS:
        raise ValueError("no port")
    return number


def _truth(value: Any) -> bool:
    words = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
    if (word := _text(value).lower()) not in words:
        raise ValueError("neither true nor false")
    return words[word]


def _protection(value: Any) -> str:
    """Why it is protected; what is neither a clear no nor a reason protects as well."""
    try:
        return "it is protected" if _truth(value) else ""
    except ValueError:
        return str(value)


_READ: Mapping[str, Any] = {
    "port": _port,
    "timeout": _number,
    "pythons": _texts,
    "host_key_checking": _truth,
    "become": _truth,
    "password": bool,
    "become_password": bool,
    "inline_key": bool,
    "policy": lambda value: value,
    "protected": _protection,
}
