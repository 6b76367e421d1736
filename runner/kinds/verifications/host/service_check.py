"""`service`: the state of a unit of systemd, and whether it is started at boot."""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from runner.core.deferred import regex
from runner.core.fields import Model
from runner.core.templates import Template, has_template, literal, only_expression
from runner.kinds.invocation import Invocation, bounded
from runner.kinds.verifications.base import VerificationKind

_TYPES = "service|socket|timer|mount|automount|swap|target|path|slice|scope|device"
_PROPERTIES = "Names,LoadState,ActiveState,SubState,UnitFileState,Result"
_NAME = regex(r"[A-Za-z0-9:_.\\@-]{1,250}")
"""https://www.freedesktop.org/software/systemd/man/latest/systemd.unit.html#Description"""


def _unit(name: str) -> str:
    if has_template(name) and only_expression(name) is None:
        raise ValueError("must be a name, or one {{ template }} that is all of it")
    if not (has_template(name) or _NAME.fullmatch(name)):
        raise ValueError(f"must be a unit of systemd, like nginx or backup.timer, not {name[:64]!r}")
    return name


class UnitQuery(Model):
    """A unit of systemd, and how it must be."""

    name: Annotated[Template, AfterValidator(_unit)] = Field(
        description="The unit: nginx, or with another type than service backup.timer"
    )
    state: Literal["active", "inactive", "failed"] = Field(
        default="active", description="Its state; `activating` is none of these. A masked unit may be inactive"
    )
    enabled: bool | None = Field(default=None, description="Whether it is started at boot; not looked at by default")

    @property
    def full_name(self) -> str:
        """An expression for the name with its type, without which systemctl takes a number for a job."""
        name = only_expression(self.name)
        if name is None:
            return literal(self.name if re.search(rf"\.({_TYPES})$", self.name) else f"{self.name}.service")
        return f"({name}) ~ ('' if ({name}) is search('[.]({_TYPES})$') else '.service')"


class Service(VerificationKind):
    """Its properties, as `systemctl show` has them, are there as `facts` to judge: `facts.SubState`."""

    key = "service"
    visible = ("service",)
    example = "- {service: {name: nginx, state: active, enabled: true}, within: 30s}"

    service: UnitQuery

    def probe(self, timeout: timedelta) -> Invocation:
        """The properties of that unit; of one that is not there they say so."""
        unit = self.service.full_name
        unit = f"{{{{ {unit} }}}}" if has_template(self.service.name) else unit[1:-1]
        call = bounded(["systemctl", "show", f"--property={_PROPERTIES}", "--", unit], timeout=timeout)
        return replace(call, names={"facts": "dict(REGISTER.stdout.splitlines() | map('split', '=', 1))"})

    def conditions(self, text: str | None) -> Sequence[str]:
        """That there is one unit of that name, of which a pattern has none, and how it is."""
        unit = self.service
        loads = "['loaded', 'masked']" if unit.state == "inactive" else "['loaded']"
        boots = {None: [], True: ["enabled"], False: ["disabled", "masked"]}[unit.enabled]
        return (
            f"facts.LoadState in {loads}",
            f"{unit.full_name} in facts.Names.split()",
            f"facts.ActiveState == {literal(unit.state)}",
            *([f"facts.UnitFileState in {boots}"] if boots else []),
        )

    def describe(self) -> str:
        """In words."""
        boots = {None: "", True: " and enabled", False: " and not enabled"}[self.service.enabled]
        return f"{self.service.name} is {self.service.state}{boots}"
