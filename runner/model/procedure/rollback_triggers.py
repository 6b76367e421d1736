"""What makes a deployment go back: a condition that is looked at while it runs, and the runbook that rolls back."""

from datetime import timedelta
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, InstanceOf, model_validator

from runner.core import duration
from runner.core.fields import Limit, Model, Prose
from runner.core.identifiers import ReferenceId, RunbookId
from runner.kinds.values import InputValue, OtherRunbook
from runner.model.names import Name
from runner.model.step import Step

SHORTEST = timedelta(seconds=5)
"""Between two looks at a trigger: each starts Ansible, which takes one to two seconds of a processor."""


def _apart(every: timedelta) -> timedelta:
    if every < SHORTEST:
        raise ValueError(f"is less than {duration.show(SHORTEST)}, and each look starts Ansible")
    return every


Every = Annotated[Limit, AfterValidator(_apart)]


class Rollback(Model):
    """When a deployment is rolled back, and by which runbook.

    `condition` is looked at `every` so often while a runbook that names the entry in `watch` runs. When it holds,
    people are asked whether `runbook` shall begin, with these `inputs`; with `auto` it begins by itself.
    """

    trigger: Prose = Field(description="What makes somebody roll back")
    runbook: RunbookId | None = Field(default=None, description="The runbook that rolls back")
    condition: dict[str, Any] | None = Field(
        default=None, description="What is looked at, as a verification has it; `hosts` says where: the first of them"
    )
    every: Every = Field(default=timedelta(seconds=30), description="How often it is looked at; 30s by default")
    auto: bool = Field(default=False, description="Whether the runbook begins without asking anybody")
    inputs: dict[Name, InputValue] = Field(
        default={}, description="Inputs of the runbook: each a value, or the {{ name }} of something known"
    )

    @property
    def to(self) -> OtherRunbook | None:
        """The runbook that rolls back, with its inputs."""
        return OtherRunbook(run=self.runbook, inputs=self.inputs) if self.runbook else None


class RollbackTrigger(Model):
    """A trigger that a runbook watches: the entry `id`, and the `step` that passes where its condition holds."""

    id: ReferenceId
    says: Prose
    step: InstanceOf[Step]
    every: Every
    auto: bool
    to: InstanceOf[OtherRunbook]

    @model_validator(mode="after")
    def _is_one_look(self) -> Self:
        if self.step.confirmations or any(each.within or each.held for each in self.step.verify):
            raise ValueError("its condition is one look, so leave confirm, within and hold_for out")
        return self

    @property
    def in_words(self) -> str:
        """When it is looked at, and what follows, in one line."""
        follows = f"{self.to.run} begins" if self.auto else f"you are asked whether {self.to.run} shall begin"
        return f"{self.id} {self.says}: looked at every {duration.show(self.every)}; when it holds, {follows}"


def step_id(entry: str) -> str:
    """The id of the step that looks at the trigger of `entry`."""
    return f"trigger-{entry.lower()}"
