"""`pipeline`: a pipeline of GitHub Actions, GitLab or another service has succeeded."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Self

from pydantic import Field, model_validator

from runner.core.templates import Template
from runner.kinds.invocation import Invocation, uri
from runner.kinds.pipelines import ENDED, GOOD, PipelineService
from runner.kinds.values import Expression
from runner.kinds.verifications.base import VerificationKind


class PipelineQuery(PipelineService):
    """Which one is asked about."""

    run: Template | None = Field(default=None, description="Its id: the {{ name }} that the step has captured")
    conclusion: Expression | None = Field(
        default=None, description="Where the answer to `http` says how it stands, like json.state"
    )

    @model_validator(mode="after")
    def _is_named(self) -> Self:
        if self.http and not self.conclusion:
            raise ValueError("needs `conclusion`, where the answer says how it stands, like json.state")
        if not self.http and not self.run:
            raise ValueError("needs `run`, the id of the pipeline: the {{ name }} that its step has captured")
        if (self.http and self.run) or (not self.http and self.conclusion):
            raise ValueError(f"`{'run' if self.http else 'conclusion'}` does not go with that service")
        return self


class PipelineProbe(VerificationKind):
    """Asked from the machine where runbookctl runs. `conclusion` is how it has ended, or how far it is.

    With `within` it waits for the end, and no longer once that is there: failed, cancelled and timed out end the wait.
    """

    key = "pipeline"
    example = '- {says: The build has succeeded, pipeline: {gitlab: team/shop, run: "47", token: "{{ token }}"}}'
    has_status = True

    pipeline: PipelineQuery

    def probe(self, timeout: timedelta) -> Invocation:
        """One request for how it stands."""
        query = self.pipeline
        request = {"url": query.of(query.run or ""), "method": "GET", "headers": query.headers}
        call = uri(query.http.options() if query.http else request, timeout=timeout)
        state = "json.conclusion or json.status" if query.github else query.conclusion or "json.status"
        names = {**call.names, "conclusion": f"({state}) | string | lower"}
        settled = f"conclusion in {list(ENDED)}"
        return replace(call, names=names, settled=settled, on_controller=True)

    def default_conditions(self) -> Sequence[str]:
        """A good end."""
        return ("status == 200", f"conclusion in {list(GOOD)}")

    def describe(self) -> str:
        """In words."""
        query = self.pipeline
        return (
            f"The pipeline {query.run or query.http} of {query.github or query.gitlab or 'the service'} has succeeded"
        )
