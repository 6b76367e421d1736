"""`look`: what a verification asks, as a step, so that later steps can have what it finds."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator, InstanceOf, ValidationError, WithJsonSchema

from runner.core.shell.shell_code import Code
from runner.kinds.base import ReadFile
from runner.kinds.invocation import Invocation
from runner.kinds.steps.base import StepKind
from runner.kinds.verifications.base import VerificationKind


def _read(written: Any) -> Any:
    """The one kind that `written` names, which looks for itself."""
    from runner.kinds import plugins  # noqa: PLC0415 - the table of kinds has this one

    if not isinstance(written, dict):
        return written
    present = [kind for key, kind in plugins.verifications().items() if key in written]
    if len(present) != 1:
        raise ValueError(f"asks by {len(present)} of the verifications; write one that looks for itself, like sql")
    try:
        kind = present[0].model_validate(written)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise ValueError(f"{place}: {first['msg'].removeprefix('Value error, ')}") from None
    call = kind.probe(timedelta(seconds=1))
    if call is None or call.machine:
        why = "looks at the result of a step" if call is None else "looks from another machine"
        raise ValueError(f"{kind.key} {why}; verify it instead")
    return kind


_SCHEMA = {"type": "object", "minProperties": 1, "description": "A verification that looks for itself: {sql: ...}"}


class LookStep(StepKind):
    """It changes nothing. What it finds is called as in the verification, and is there for conditions and captures."""

    key = "look"
    example = """\
- id: certificate
  name: When does the certificate expire?
  look: {certificate: {address: shop.example:443}}
  capture: {expires: facts.expires}
  verify: [{that: facts.days_left > 0}]
"""
    touches_nothing = True
    nested = "look"

    look: Annotated[InstanceOf[VerificationKind], BeforeValidator(_read), WithJsonSchema(_SCHEMA)]

    def invocation(self, timeout: timedelta, read_file: ReadFile) -> Invocation:
        """The look, which fails where there is no answer."""
        call = self.look.call(timeout, read_file)
        assert call is not None  # noqa: S101 - it was read so
        return call

    @property
    def companions(self) -> Mapping[str, str]:
        """Those of the verification."""
        return self.look.companions

    def shell_code(self, read_file: ReadFile) -> Code | None:
        """That of the verification."""
        return self.look.shell_code(read_file)

    @property
    def sql_statement(self) -> str:
        """The same."""
        return self.look.sql_statement

    def destroys(self, read_file: ReadFile) -> str:
        """The same."""
        return self.look.destroys(read_file)

    def changes(self, read_file: ReadFile) -> str:
        """The same."""
        return self.look.changes(read_file)

    def details(self) -> list[str]:
        """The same."""
        return self.look.details()

    def describe(self) -> str:
        """What is asked."""
        return f"{self.look.key}: {self.look.describe()}"
