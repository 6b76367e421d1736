"""`port`: whether a TCP port is open, closed or filtered, from this host or from another one."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from runner.core.fields import Keywords, Model
from runner.core.identifiers import OneHost
from runner.core.templates import Template, literal
from runner.kinds.invocation import Invocation
from runner.kinds.verifications.base import VerificationKind
from runner.kinds.verifications.host.look import LOOK_FROM, limit, look


def _port(number: int) -> int:
    if not 0 < number < 2**16:
        raise ValueError(f"a port is a number from 1 to 65535, not {number}")
    return number


Port = Annotated[int, AfterValidator(_port), Keywords(minimum=1, maximum=65535)] | Template
_ITSELF = "127.0.0.1"
_BY_OTHERS = "{{ hostvars[inventory_hostname].ansible_host | default(inventory_hostname) }}"


class PortQuery(Model):
    """A port, how it must answer, and from where."""

    open: Port | None = Field(default=None, description="A port that takes connections")
    closed: Port | None = Field(default=None, description="A port that refuses connections")
    filtered: Port | None = Field(default=None, description="A port behind a firewall that lets nobody know")
    address: Template | None = Field(
        default=None, description="Where: 127.0.0.1 by default; seen from another machine, the host of the runbook"
    )
    from_: OneHost | None = Field(default=None, alias="from", description=LOOK_FROM)

    @model_validator(mode="after")
    def _one(self) -> Self:
        if sum(port is not None for port in (self.open, self.closed, self.filtered)) != 1:
            raise ValueError("needs one of `open`, `closed` and `filtered`, each with a port")
        return self

    @property
    def wanted(self) -> tuple[str, Port]:
        """How it must answer, and which it is."""
        states = {"open": self.open, "closed": self.closed, "filtered": self.filtered}
        return next((state, port) for state, port in states.items() if port is not None)


class PortCheck(VerificationKind):
    """A connection is tried. `filtered` says that nobody answers; an unknown name or no route is none of the three."""

    key = "port"
    example = "- {port: {open: 5432, from: app}, within: 30s}"

    port: PortQuery

    def probe(self, timeout: timedelta) -> Invocation:
        """The attempt."""
        _, port = self.port.wanted
        address = self.port.address or (_BY_OTHERS if self.port.from_ else _ITSELF)
        values = {"address": address, "port": str(port), "limit": limit(timeout)}
        return look("look_at_port", values, timeout=timeout, machine=self.port.from_)

    def conditions(self, text: str | None) -> Sequence[str]:
        """How it answers."""
        return (f"facts.state == {literal(self.port.wanted[0])}",)

    def describe(self) -> str:
        """In words."""
        state, port = self.port.wanted
        where = f" of {self.port.address}" if self.port.address else ""
        return f"Port {port}{where} is {state}" + (f", seen from {self.port.from_}" if self.port.from_ else "")
