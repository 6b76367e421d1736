"""The services that run pipelines: how each is asked to begin one, to find it again, and how it stands."""

import hashlib
import json
from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, model_validator

from runner.core.fields import Keywords, Model
from runner.core.identifiers import Spelling
from runner.core.templates import Template
from runner.kinds.values import Expression
from runner.kinds.verifications.http_probe import RequestOrUrl

FOUND, LOCATED = "runbook_found", "runbook_located"
"""The results of looking for the pipeline of this run: before one is begun, and after that."""
MARKER, KNOWN = "runbook_marker", "runbook_known"
"""The variables that have its marker, and its id where it was begun before."""

GOOD = ("success", "succeeded", "passed")
ENDED = (
    *("failure", "failed", "error", "startup_failure", "cancelled", "canceled", "aborted", "timed_out", "timeout"),
    *("skipped", "neutral", "stale", "action_required", "manual"),
)
"""How a pipeline may stand that will not succeed any more by itself, in the words of the services.

https://docs.github.com/en/rest/actions/workflow-runs and https://docs.gitlab.com/api/pipelines
"""


def _address(url: str) -> str:
    if not url.startswith(("https://", "http://127.0.0.1:", "http://localhost:", "{{")):
        raise ValueError("must begin with https://: a token is sent there")
    return url.rstrip("/")


Address = Annotated[Template, AfterValidator(_address), Keywords(pattern=r"^(?:https?://|\{\{)")]
Repository = Annotated[
    str, Spelling(r"^[A-Za-z0-9][\w.-]*(?:/[\w.-]+)+$", "a repository with its owner, like team/shop", longest=300)
]


class PipelineService(Model):
    """Where pipelines run: in the `github` or the `gitlab` repository, or behind any API that speaks `http`."""

    github: Repository | None = Field(default=None, description="The repository at GitHub, for GitHub Actions")
    gitlab: Repository | None = Field(default=None, description="The project at GitLab, with its groups")
    http: RequestOrUrl | None = Field(default=None, description="A request to any other service, in place of both")
    url: Address | None = Field(default=None, description="The API of your own GitHub or GitLab server")
    token: Template | None = Field(default=None, description="The token: the {{ input }} of a secret")

    @model_validator(mode="after")
    def _one_service(self) -> Self:
        named = [key for key in ("github", "gitlab", "http") if getattr(self, key) is not None]
        if len(named) != 1:
            raise ValueError("needs one of `github`, `gitlab` and `http`")
        if self.http and (self.url or self.token):
            raise ValueError("`url` and `token` go with github and gitlab; write them into the request itself")
        if not self.http and not self.token:
            raise ValueError("needs a `token`: the {{ input }} of a secret")
        return self

    @property
    def api(self) -> str:
        """What the address of each request begins with."""
        if self.github:
            return f"{self.url or 'https://api.github.com'}/repos/{self.github}/actions"
        return f"{self.url or 'https://gitlab.com'}/api/v4/projects/{(self.gitlab or '').replace('/', '%2F')}"

    @property
    def headers(self) -> dict[str, str]:
        """The headers of each request."""
        if self.github:
            version = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
            return {"Authorization": f"Bearer {self.token}", **version}
        return {"PRIVATE-TOKEN": str(self.token)}

    def of(self, identity: str) -> str:
        """The address of the pipeline with that id."""
        return f"{self.api}/{'runs' if self.github else 'pipelines'}/{identity}"


class PipelineStart(PipelineService):
    """What is begun."""

    workflow: Annotated[str, Spelling(r"^[\w.-]+$", "the file of a workflow, like release.yml")] | None = Field(
        default=None, description="The file of the workflow in .github/workflows"
    )
    ref: Template | None = Field(default=None, description="The branch or tag that it runs on")
    inputs: dict[Annotated[str, Spelling(r"^[A-Za-z_][\w-]*$", "a name, like version")], Template] = Field(
        default={}, description="The inputs of the workflow, or the variables of the pipeline"
    )
    marker: Annotated[str, Spelling(r"^[A-Za-z_][\w-]*$", "a name, like runbook")] = Field(
        default="runbook", description="The input, or variable, that says for which run it is; its name must show it"
    )
    id: Expression | None = Field(default=None, description="Where the answer to `http` has the id, like json.build.id")
    link: Expression | None = Field(default=None, description="Where it has the address of a page for people")

    @model_validator(mode="after")
    def _goes_together(self) -> Self:
        needed = {"github": ["workflow", "ref"], "gitlab": ["ref"], "http": ["id"]}
        service = next(key for key in needed if getattr(self, key) is not None)
        if missing := [key for key in needed[service] if getattr(self, key) is None]:
            raise ValueError(f"needs `{missing[0]}` with {service}")
        all_keys = {"workflow", "ref", "id", "link"}
        taken = {"github": {"workflow", "ref"}, "gitlab": {"ref"}, "http": {"id", "link"}}[service]
        if strange := [key for key in sorted(all_keys - taken) if getattr(self, key) is not None]:
            raise ValueError(f"`{strange[0]}` does not go with {service}")
        if self.http and self.inputs:
            raise ValueError("`inputs` go with github and gitlab; write a `body` into the request")
        return self

    @property
    def fact(self) -> str:
        """The fact that holds the id of the last pipeline that a run has begun so."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True)
        return f"runbook_pipeline_{hashlib.sha256(text.encode()).hexdigest()[:8]}"

    @property
    def mark(self) -> str:
        """An expression for what no other pipeline is called: of this run, and of no earlier one that it has begun.

        Plain Ansible, which knows no runs, takes the newest pipeline that was there before.
        """
        own = f"runbook_run_id ~ '-{self.fact[-8:]}' ~ ('-' ~ {self.fact} if {self.fact} is defined else '')"
        own += " ~ ('-' ~ item_number if item_number is defined else '') ~ '_'"
        by_hand = f"'by-hand-' ~ ({self._listed(FOUND)} | map(attribute='id') | max | default(0)) ~ '_'"
        return f"({own}) if runbook_run_id is defined else ({by_hand})"

    def _listed(self, result: str) -> str:
        """An expression for the pipelines that `result` lists."""
        return f"({result}.json.workflow_runs | default([]))" if self.github else f"({result}.json | default([]))"

    def _marked(self, result: str) -> str:
        """An expression for those of them that show the marker."""
        name = "display_title" if self.github else "name"
        shown = f"selectattr('{name}') | selectattr('{name}', 'search', {MARKER})"
        return f"({self._listed(result)} | {shown} | list)"

    @property
    def variables_as_expressions(self) -> dict[str, str]:
        """What the tasks speak of: the marker, and the id of the pipeline that this run has begun before, or ''."""
        mine = f"({self._marked(FOUND)} | map(attribute='id') | first | default(''))"
        return {MARKER: self.mark, KNOWN: f"{mine} if runbook_run_id is defined and {FOUND} is defined else ''"}

    @property
    def variables(self) -> dict[str, str]:
        """The same as templates."""
        return {name: f"{{{{ {expression} }}}}" for name, expression in self.variables_as_expressions.items()}

    @property
    def names(self) -> dict[str, str]:
        """Expressions for the id and the page of what was begun, by the answer or by what was located after it."""
        answer = "(REGISTER.json | default({}))"
        if self.gitlab:
            return {"pipeline": f"{answer}.id", "link": f"{answer}.web_url"}
        located = f"({self._marked(LOCATED)} | first | default({{}}))"
        identity = f"{answer}.workflow_run_id | default({answer}.id) | default({located}.id)"
        return {"pipeline": identity, "link": f"{answer}.html_url | default({located}.html_url)"}

    def is_no_list(self, result: str) -> str:
        """A condition for an answer that lists no pipelines, be it none or something else."""
        listed = f"{result}.json.workflow_runs" if self.github else f"{result}.json"
        strange = f"{listed} is not defined or {listed} is mapping or {listed} is string"
        return f"{result}.status | default(-1) != 200 or {strange}"

    @property
    def is_unknown(self) -> str:
        """A condition for an answer that does not say what was begun, as that of older servers."""
        return "result.status | default(-1) == 204"

    @property
    def is_located(self) -> str:
        """A condition for having found it then."""
        return f"{self._marked(LOCATED)} | length > 0"

    @property
    def list_url(self) -> str:
        """The address of the newest pipelines that were begun so."""
        if self.github:
            return f"{self.api}/workflows/{self.workflow}/runs?event=workflow_dispatch&per_page=100"
        return f"{self.api}/pipelines?source=api&order_by=id&sort=desc&per_page=100"

    @property
    def begin_url(self) -> str:
        """The address by which one is begun."""
        return f"{self.api}/workflows/{self.workflow}/dispatches" if self.github else f"{self.api}/pipeline"

    @property
    def body(self) -> Mapping[str, Any]:
        """What begins one."""
        given = {**self.inputs, self.marker: f"{{{{ {MARKER} }}}}"}
        if self.github:
            return {"ref": self.ref, "inputs": given, "return_run_details": True}
        return {"ref": self.ref, "variables": [{"key": key, "value": value} for key, value in given.items()]}
