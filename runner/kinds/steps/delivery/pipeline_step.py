"""`pipeline`: begins a pipeline of GitHub Actions, GitLab or another service; a verification waits for it."""

import re
from dataclasses import replace
from datetime import timedelta

from runner.kinds.base import ReadFile
from runner.kinds.invocation import Invocation, SideCall, uri
from runner.kinds.pipelines import FOUND, KNOWN, LOCATED, PipelineStart
from runner.kinds.steps.base import StepKind
from runner.kinds.values import moving


class PipelineStep(StepKind):
    """`pipeline` is the id of what was begun, `link` its page; what was interrupted is found again, and begun once.

    The id is in the record before anything waits for it, so capture it. The name of the pipeline must show the `marker`
    (`run-name` at GitHub, `workflow:name` at GitLab). An `http` request has the marker as `Idempotency-Key`.
    """

    key = "pipeline"
    example = """\
- id: build
  name: Build the release
  pipeline: {github: team/shop, workflow: release.yml, ref: main, token: "{{ token }}"}
  capture: {build: pipeline, build_page: link}
  verify:
    - {says: The pipeline succeeds, pipeline: {github: team/shop, run: "{{ build }}", token: "{{ token }}"}, within: 30m, every: 10s}
"""  # noqa: E501 - as it is written on one line
    text = "content"
    has_status = True
    fixed_by = "give the commit as a `commit` in `inputs`, and let the pipeline check that out"

    pipeline: PipelineStart

    @property
    def resumable(self) -> bool:
        """Whether the service can be asked for it."""
        return self.pipeline.http is None

    def invocation(self, timeout: timedelta, read_file: ReadFile) -> Invocation:
        """The request that begins it, or asks for the one that this run has begun before."""
        call = self._begun_by_request(timeout) if self.pipeline.http else self._found_or_begun(timeout)
        keeps = {self.pipeline.fact: "pipeline"}
        return replace(call, keeps=keeps, on_controller=True)

    def _begun_by_request(self, timeout: timedelta) -> Invocation:
        start = self.pipeline
        assert start.http  # noqa: S101 - the caller has seen that
        method = start.http.method if "method" in start.http.model_fields_set else "POST"
        headers = {**start.http.headers, "Idempotency-Key": f"{{{{ {start.mark} }}}}"}
        request = {**start.http.options(), "method": method, "headers": headers}
        call = uri(request, timeout=timeout, accept=(200, 201, 202))
        names = {"pipeline": start.id or "", **({"link": start.link} if start.link else {})}
        return replace(call, names={**call.names, **names})

    def _found_or_begun(self, timeout: timedelta) -> Invocation:
        start = self.pipeline
        request = {
            "url": f"{{{{ ('{start.of('')}' ~ {KNOWN}) if {KNOWN} else '{start.begin_url}' }}}}",
            "method": f"{{{{ 'GET' if {KNOWN} else 'POST' }}}}",
            "headers": start.headers,
            "body": f"{{{{ omit if {KNOWN} else runbook_request }}}}",
            "body_format": "json",
        }
        call = uri(request, timeout=timeout, accept=(200, 201, 204))
        variables = {**start.variables, "runbook_request": start.body}
        names = {**call.names, **start.variables_as_expressions, **start.names}
        looks = replace(self._lists(timeout), variables=start.variables)
        found = {"register": FOUND, "failed_when": start.is_no_list(FOUND)}
        before = (SideCall("find", "Look whether this run has begun it already", self._lists(timeout), found),)
        located = {"register": LOCATED, "when": start.is_unknown, "until": start.is_located, "retries": 20, "delay": 3}
        after = (SideCall("locate", "Find out which one was begun", looks, located),) if start.github else ()
        return replace(call, names=names, variables=variables, before=before, after=after)

    def _lists(self, timeout: timedelta) -> Invocation:
        """The request for the newest pipelines."""
        address = {"url": self.pipeline.list_url, "method": "GET", "headers": self.pipeline.headers}
        return replace(uri(address, timeout=timeout, accept=(200,)), on_controller=True)

    @property
    def moving_name(self) -> str:
        """The branch or the tag, where nothing that it is given says which commit of it is meant."""
        says = any(re.search("commit|sha|revision", name, re.IGNORECASE) for name in self.pipeline.inputs)
        return "" if says else moving(self.pipeline.ref or "{{ }}")

    @property
    def canonical(self) -> str:
        """What is begun, with all that belongs to it."""
        return f"pipeline {self.pipeline.model_dump(exclude_none=True)}"

    def details(self) -> list[str]:
        """What it is given."""
        return [f"input {name}={value}" for name, value in self.pipeline.inputs.items()]

    def changes(self, read_file: ReadFile) -> str:
        """It always does."""
        return "begin a pipeline"

    def describe(self) -> str:
        """What is begun, and where."""
        start = self.pipeline
        if start.http:
            return f"begin a pipeline: {start.http.url}"
        what = f"{start.workflow} in {start.github}" if start.github else f"of {start.gitlab}"
        return f"begin the pipeline {what} on {start.ref}"
