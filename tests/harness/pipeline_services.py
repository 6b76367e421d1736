"""GitHub Actions and GitLab as far as pipelines need them: they answer in memory, and refuse what they would not take."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from openapi_core import OpenAPI
from openapi_core.testing import MockRequest, MockResponse
from werkzeug.datastructures import MultiDict

from harness import TESTS
from harness.receivers import reply


@cache
def _contract(name: str) -> OpenAPI:
    return OpenAPI.from_dict(json.loads((TESTS / f"kinds/steps/delivery/{name}.openapi.json").read_text()))


@dataclass
class Pipelines:
    """What has been begun, newest last, and `ends`, which says how the next ones end: the last one holds for all.

    `faults` are what was not as the contract has it, in a request or in an answer of ours. `hides` is for how many
    lists a pipeline is not shown yet after it was begun.
    """

    token: str = "t0ken"
    ends: list[Any] = field(default_factory=lambda: ["success"])
    begun: list[dict[str, Any]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    hides: int = 0
    looks: int = 2
    """How often it is asked about before it has ended."""

    name = ""
    server = ""

    def __call__(self, request: Any) -> tuple[int, bytes]:
        where = urlsplit(request.path)
        asked = MockRequest(
            self.server,
            request.method.lower(),
            where.path,
            args=MultiDict(parse_qsl(where.query)),
            headers=request.headers,
            data=request.body or None,
            content_type=request.headers.get("Content-Type", ""),
        )
        self.faults += [f"{request.method} {request.path}: {each}" for each in self._errors(asked)]
        status, body = self.answer(request, where.path, json.loads(request.body or b"null"))
        errors = _contract(self.name).iter_response_errors(asked, MockResponse(body, status))
        self.faults += [f"answer {status} to {request.path}: {each}" for each in errors]
        return status, body

    def _errors(self, asked: Any) -> list[str]:
        return [
            f"{each} {getattr(each.__cause__, 'schema_errors', '')}"
            for each in _contract(self.name).iter_request_errors(asked)
        ]

    def answer(self, request: Any, path: str, body: Any) -> tuple[int, bytes]:
        raise NotImplementedError

    def add(self, **keys: Any) -> dict[str, Any]:
        number = len(self.begun) + 1
        end = self.ends[min(number, len(self.ends)) - 1]
        self.begun.append({"id": 1000 + number, "end": end, "asked": 0, "hidden": self.hides, **keys})
        return self.begun[-1]

    def find(self, path: str) -> dict[str, Any] | None:
        return next((each for each in self.begun if path.endswith(f"/{each['id']}")), None)

    def shown(self) -> list[dict[str, Any]]:
        """What a list shows, newest first."""
        there = [each for each in self.begun if each["hidden"] <= 0]
        for each in self.begun:
            each["hidden"] -= 1
        return there[::-1]

    def has_ended(self, each: dict[str, Any]) -> bool:
        each["asked"] += 1
        return each["end"] is not None and each["asked"] > self.looks


@dataclass
class GitHubActions(Pipelines):
    """`tells` says whether a dispatch is answered with the id of the run, as since February 2026."""

    tells: bool = True
    name = "github"
    server = "https://api.github.com"

    def answer(self, request: Any, path: str, body: Any) -> tuple[int, bytes]:
        if request.headers.get("Authorization") != f"Bearer {self.token}":
            return reply(401, {"message": "Bad credentials"})
        if path.endswith("/dispatches"):
            if body["ref"] != "main":
                return reply(422, {"message": f"No ref found for: {body['ref']}"})
            run = self.add(title=f"Release {body['inputs'].get('runbook', '')}", inputs=body["inputs"])
            told = {"workflow_run_id": run["id"], "run_url": self._url(run), "html_url": self._url(run)}
            return reply(200, told) if self.tells and body.get("return_run_details") else (204, b"")
        if path.endswith("/runs"):
            runs = [self._run(each, ended=False) for each in self.shown()]
            return reply(200, {"total_count": len(runs), "workflow_runs": runs})
        run = self.find(path)
        return reply(200, self._run(run, ended=self.has_ended(run))) if run else reply(404, {"message": "Not Found"})

    def _url(self, run: dict[str, Any]) -> str:
        return f"https://github.com/team/shop/actions/runs/{run['id']}"

    def _run(self, run: dict[str, Any], *, ended: bool) -> dict[str, Any]:
        status = {"status": "completed" if ended else "in_progress", "conclusion": run["end"] if ended else None}
        shown = {"id": run["id"], "name": "Release", "display_title": run["title"], "event": "workflow_dispatch"}
        return {**shown, **status, "html_url": self._url(run), "head_branch": "main"}


@dataclass
class GitLab(Pipelines):
    """Its pipelines have the name that `workflow:name` makes of the variable RUNBOOK."""

    name = "gitlab"
    server = "https://gitlab.com"

    def answer(self, request: Any, path: str, body: Any) -> tuple[int, bytes]:
        if request.headers.get("Private-Token") != self.token:
            return reply(401, {"message": "401 Unauthorized"})
        if path.endswith("/pipeline"):
            variables = {each["key"]: each["value"] for each in body["variables"]}
            return reply(201, self._shown(self.add(title=f"Release {variables['RUNBOOK']}", inputs=variables)))
        if path.endswith("/pipelines"):
            return reply(200, [self._shown(each) for each in self.shown()])
        found = self.find(path)
        if found is None:
            return reply(404, {"message": "404 Not found"})
        return reply(200, self._shown(found, ended=self.has_ended(found)))

    def _shown(self, each: dict[str, Any], *, ended: bool = False) -> dict[str, Any]:
        url = f"https://gitlab.com/team/shop/-/pipelines/{each['id']}"
        status = each["end"] if ended else "running"
        return {"id": each["id"], "status": status, "ref": "main", "web_url": url, "name": each["title"]}
