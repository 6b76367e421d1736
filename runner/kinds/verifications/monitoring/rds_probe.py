"""`rds`: how an instance of Amazon RDS stands."""

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from runner.core.fields import Model
from runner.core.templates import Template
from runner.kinds.values import Condition
from runner.kinds.verifications.monitoring.probe_program import Address, AsksForValue


class RdsInstance(Model):
    """Which instance, where, and how it should stand."""

    instance: Template = Field(description="Its identifier")
    that: Condition = Field(
        default="status == 'available'",
        description="What must hold of `status`, or of `instance.engine`, `version`, `size`, `multi_az` or `storage`",
    )
    region: Template | None = Field(default=None, description="The region; that of the user's settings by default")
    profile: Template | None = Field(default=None, description="The profile of AWS' tools that is used")
    url: Address | None = Field(default=None, description="The address of the API, where it is not AWS' own")


class Rds(AsksForValue):
    """How an instance of Amazon RDS stands, asked on the machine where runbookctl runs.

    Who asks is found as AWS' own tools do: in the environment, in a profile, a web identity, a `credential_process`, or
    as the role of this machine.
    """

    key = "rds"
    seen = ("status", "instance")
    example = """\
- says: The database is available
  rds: {instance: shop, region: eu-central-1, that: status == 'available'}
  within: 10m
  every: 10s
"""

    rds: RdsInstance

    def program(self) -> str:
        """That of RDS."""
        return "rds"

    def question(self) -> Mapping[str, Any]:
        """The instance, and where it is."""
        return self.rds.model_dump(exclude={"that"})

    def describe(self) -> str:
        """The instance and the condition."""
        return f"{self.rds.that} (instance {self.rds.instance} of RDS)"
