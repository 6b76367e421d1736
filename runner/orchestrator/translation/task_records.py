"""The tasks of a role or a file, which have no marker: each is recorded as part of the step that imports it."""

from collections.abc import Iterator, Mapping
from dataclasses import field, replace
from typing import Any

from runner.compiler.command_preview import in_words
from runner.core.deferred import dataclass
from runner.core.events import Event, EventType, Outcome

_PART = "task"


@dataclass
class ImportedTasks:
    """Those of one run: which steps have begun one on which hosts, and what failed there last."""

    run: str
    _begun: set[tuple[str, str]] = field(default_factory=set)
    _idle: set[tuple[str, str]] = field(default_factory=set)
    _failed: dict[tuple[str, str], Mapping[str, Any]] = field(default_factory=dict)

    def begun(self, step: str, message: Mapping[str, Any]) -> Iterator[Event]:
        """A task of `step` is about to begin; with the first one the step begins."""
        host, attempt = message["host"], {"attempt": message["attempt"]} if message.get("attempt") else {}
        if (step, host) not in self._begun:
            self._begun.add((step, host))
            self._failed.pop((step, host), None)
            self._idle.add((step, host))
            on = {"on": message["on"]} if message.get("on") else {}
            yield Event(EventType.STEP_INTENDED, self.run, step, host, attempt | on)
        command = {"command": in_words(message["does"])} if message.get("does") else {}
        yield Event(EventType.TASK_INTENDED, self.run, step, host, _which(message) | command)

    def ended(self, step: str, message: Mapping[str, Any], outcome: Outcome, reason: str) -> Iterator[Event]:
        """A task of `step` has ended; one that failed has not failed the step yet, as its role may take care of it."""
        host, key = message["host"], (step, message["host"])
        self._idle -= {key} if outcome is not Outcome.SKIPPED else set()
        data = {"part": _PART, "outcome": outcome} | ({"reason": reason} if outcome is not Outcome.PASSED else {})
        yield Event(
            EventType.TASK_FINISHED, self.run, step, host, data | _which(message) | {"result": message["result"]}
        )
        if outcome in {Outcome.FAILED, Outcome.UNKNOWN}:
            said = f"{message['task']} ({message['place']}): {reason}"
            self._failed[key] = {"outcome": outcome, "reason": said}
        elif outcome is Outcome.UNREACHABLE:  # Ansible does nothing more there, not even what says that it failed
            self._begun.discard(key)
            data = {"part": "action", "outcome": outcome, "reason": f"{message['task']}: {reason}"}
            yield Event(EventType.ACTION_FINISHED, self.run, step, host, data | {"result": message["result"]})

    def has_begun(self, step: str, host: str) -> bool:
        """Whether one of the tasks of `step` has."""
        return (step, host) in self._begun

    def verdict(self, event: Event) -> Event:
        """The end of an action in `event`, with which task failed it and where that stands, if one did.

        Of one that has passed it says so where every task was skipped, as nothing was done then.
        """
        key = (event.step or "", event.host or "")
        self._begun.discard(key)
        if key in self._idle and event.data["outcome"] is Outcome.PASSED:
            return replace(event, data={**event.data, "reason": "nothing was done: each of its tasks was skipped"})
        failed = self._failed.pop(key, None)
        if failed and event.data["outcome"] is Outcome.FAILED:
            return replace(event, data={**event.data, **failed})
        return event


def _which(message: Mapping[str, Any]) -> dict[str, Any]:
    return {"task": message["task"], "place": message.get("place", "")}
