"""What stands behind the channels, as far as they use it: services that answer in memory, by what they publish."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from urllib.parse import parse_qs, urlsplit


def reply(status: int, content: Any) -> tuple[int, bytes]:
    return status, json.dumps(content).encode()


@dataclass
class SlackWorkspace:
    """The Web API of Slack with one channel, C0000001 or #deployments, and an incoming webhook at /hook.

    `errors` are what a method answers instead, once each: `{"chat.update": ["internal_error"]}`.
    """

    token: str = "xoxb-1"
    messages: list[dict[str, Any]] = field(default_factory=list)
    errors: dict[str, list[str]] = field(default_factory=dict)
    _times: Any = field(default_factory=lambda: count(1_772_334_010))

    def __call__(self, request: Any) -> tuple[int, bytes]:
        where = urlsplit(request.path)
        if where.path == "/hook":
            self._add(json.loads(request.body))
            return 200, b"ok"
        method = where.path.rpartition("/")[2]
        if request.headers.get("Authorization") != f"Bearer {self.token}":
            return reply(200, {"ok": False, "error": "invalid_auth"})
        if self.errors.get(method):
            return reply(200, {"ok": False, "error": self.errors[method].pop(0)})
        asked = {name: values[0] for name, values in parse_qs(where.query).items()} or json.loads(request.body)
        if asked["channel"] not in ("C0000001", "#deployments"):
            return reply(200, {"ok": False, "error": "channel_not_found"})
        return reply(200, {"ok": True, **self._methods[method](asked)})

    @property
    def _methods(self) -> dict[str, Any]:
        return {
            "chat.postMessage": self._post,
            "chat.update": self._update,
            "conversations.history": self._history,
            "conversations.replies": self._replies,
        }

    def _add(self, asked: dict[str, Any]) -> dict[str, Any]:
        message = {**asked, "ts": f"{next(self._times)}.000100"}
        self.messages.append(message)
        return message

    def _post(self, asked: dict[str, Any]) -> dict[str, Any]:
        return {"channel": "C0000001", "ts": self._add(asked)["ts"]}

    def _update(self, asked: dict[str, Any]) -> dict[str, Any]:
        [message] = [each for each in self.messages if each["ts"] == asked["ts"]]
        message |= {"text": asked["text"]}
        return {"ts": asked["ts"]}

    def _history(self, asked: dict[str, Any]) -> dict[str, Any]:
        since = float(asked["oldest"])
        return {"messages": [each for each in self.roots if float(each["ts"]) >= since]}

    def _replies(self, asked: dict[str, Any]) -> dict[str, Any]:
        return {"messages": [each for each in self.messages if asked["ts"] in (each["ts"], each.get("thread_ts"))]}

    @property
    def roots(self) -> list[dict[str, Any]]:
        return [each for each in self.messages if "thread_ts" not in each]

    @property
    def incidents(self) -> int:
        return len(self.roots)

    @property
    def texts(self) -> list[str]:
        """Every message; what stands in a thread is set in."""
        return ["  " * ("thread_ts" in each) + each["text"] for each in self.messages]


@dataclass
class PagerDutyAccount:
    """The Events API v2, and of the REST API the incidents of its alerts and their notes."""

    alerts: dict[str, str] = field(default_factory=dict)
    changes: list[str] = field(default_factory=list)
    log: dict[str, list[str]] = field(default_factory=dict)
    """The summaries of what opened each open alert, and of what was added to it."""
    notes: dict[str, list[str]] = field(default_factory=dict)
    more: dict[str, Any] = field(default_factory=dict)
    """What else is known of each incident."""

    def __call__(self, request: Any) -> tuple[int, bytes]:
        where = urlsplit(request.path)
        if where.path.startswith("/v2/"):
            return self._take(where.path, json.loads(request.body))
        if request.headers.get("Authorization") != "Token token=rest-1":
            return reply(401, {"error": {"message": "Unauthorized", "code": 2006}})
        asked = {name: values[0] for name, values in parse_qs(where.query).items()}
        if where.path == "/incidents":
            return reply(200, {"incidents": self._incidents(asked["incident_key"])})
        notes = self.notes.setdefault(where.path.split("/")[2], [])
        if request.method == "POST":
            notes.append(json.loads(request.body)["note"]["content"])
            return reply(200, {"note": {"content": notes[-1]}})
        return reply(200, {"notes": [{"content": each} for each in notes]})

    def _take(self, path: str, event: dict[str, Any]) -> tuple[int, bytes]:
        if path.endswith("/change/enqueue"):
            self.changes.append(event["payload"]["summary"])
            return reply(202, {"status": "success", "message": "Change event processed"})
        key = event["dedup_key"]
        if event["event_action"] == "trigger":
            before = self.log.get(key, []) if self.alerts.get(key) != "resolve" else []
            self.log[key] = [*before, event["payload"]["summary"]]
        if event["event_action"] != "trigger" or self.alerts.get(key) != "acknowledge":
            self.alerts[key] = event["event_action"]
        return reply(202, {"status": "success", "message": "Event processed", "dedup_key": event["dedup_key"]})

    def _incidents(self, key: str) -> list[dict[str, Any]]:
        states = {"trigger": "triggered", "acknowledge": "acknowledged", "resolve": "resolved"}
        return [{"id": "Q1", "status": states[self.alerts[key]], **self.more}] if key in self.alerts else []

    @property
    def incidents(self) -> int:
        return len(self.alerts)

    @property
    def all_notes(self) -> list[str]:
        return [each for notes in self.notes.values() for each in notes]


@dataclass
class WebhookReceiver:
    """A receiver that tells a repetition by the id of the CloudEvent."""

    ids: set[str] = field(default_factory=set)

    def __call__(self, request: Any) -> tuple[int, bytes]:
        self.ids.add(json.loads(request.body)["id"])
        return 204, b""

    @property
    def incidents(self) -> int:
        return len(self.ids)


@dataclass
class GitHubRepository:
    """The issues of team/ops; an issue is found by a label at once."""

    token: str = "ghp-1"
    issues: list[dict[str, Any]] = field(default_factory=list)

    def __call__(self, request: Any) -> tuple[int, bytes]:
        where = urlsplit(request.path)
        if request.headers.get("Authorization") != f"Bearer {self.token}" or "User-Agent" not in request.headers:
            return reply(401, {"message": "Bad credentials"})
        if where.path != "/repos/team/ops/issues":
            return reply(404, {"message": "Not Found"})
        if request.method == "GET":
            label = parse_qs(where.query)["labels"][0]
            return reply(200, [each for each in self.issues if label in each["labels"]])
        number = len(self.issues) + 7
        link = f"https://github.com/team/ops/issues/{number}"
        self.issues.append({"number": number, "html_url": link, **json.loads(request.body)})
        return reply(201, self.issues[-1])

    @property
    def incidents(self) -> int:
        return len(self.issues)


@dataclass
class JiraSite:
    """The project OPS of a Jira in the cloud, or of one that is not."""

    cloud: bool = True
    issues: list[dict[str, Any]] = field(default_factory=list)

    def __call__(self, request: Any) -> tuple[int, bytes]:
        where = urlsplit(request.path)
        known = "Basic b3BzQGV4YW1wbGUuY29tOmplLTE=" if self.cloud else "Bearer je-1"
        if request.headers.get("Authorization") != known:
            return reply(401, {"errorMessages": ["You are not authenticated."], "errors": {}})
        if where.path == "/rest/api/2/search" + "/jql" * self.cloud:
            jql = parse_qs(where.query)["jql"][0]
            found = [each for each in self.issues if f'labels = "{each["labels"][0]}"' in jql]
            return reply(200, {"issues": [{"key": each["key"]} for each in found]})
        if where.path != "/rest/api/2/issue":
            return reply(404, {})
        fields = json.loads(request.body)["fields"]
        if fields["project"]["key"] != "OPS":
            return reply(400, {"errorMessages": [], "errors": {"project": "valid project is required"}})
        self.issues.append({"key": f"OPS-{len(self.issues) + 7}", **fields})
        return reply(201, {"id": "10007", "key": self.issues[-1]["key"]})

    @property
    def incidents(self) -> int:
        return len(self.issues)
