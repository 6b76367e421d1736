"""From what the callback plugin says to events: the marker in a task's name ties them to a step."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from runner.events import Event, EventType, Outcome
from runner.identifiers import Marker
from runner.tasks import TIMED_OUT

_OUTCOMES = {
    "ok": Outcome.PASSED,
    "failed": Outcome.FAILED,
    "unreachable": Outcome.UNREACHABLE,
    "skipped": Outcome.SKIPPED,
}


_NOISE = re.compile(r"^(?:(?:Task|Action) failed: |Error while evaluating conditional: )+")
_SAMPLES = 60
_SHORT = 200


class Translator:
    """Translates the messages of one run; it remembers what each probe saw until its verification is judged."""

    def __init__(self, run: str, runbook: str) -> None:
        self._run = run
        self._runbook = runbook
        self._seen: dict[tuple[str, str, str], list[Mapping[str, Any]]] = {}

    def events(self, message: Mapping[str, Any]) -> Iterator[Event]:
        """What `message` means; a task that is not this runbook's means nothing."""
        marker = Marker.parse(message.get("task", ""))
        if marker is None or marker.runbook != self._runbook:
            return
        host = message["host"]
        if message["kind"] == "start":
            if marker.part == "action" or marker.part.startswith("attempt/"):
                yield Event(EventType.STEP_INTENDED, self._run, marker.step, host)
            return
        if message["kind"] == "retry":
            self._look(marker, host, message["result"])
            return
        if outcome := _outcome(message):
            yield from self._ended(marker, host, outcome, message)

    def _ended(self, marker: Marker, host: str, outcome: Outcome, message: Mapping[str, Any]) -> Iterator[Event]:
        result = message["result"]
        if outcome is Outcome.PASSED and marker.part == "capture":
            values = result.get("ansible_facts", {})
            withheld = {"withheld": names} if (names := message.get("withheld")) else {}
            yield Event(EventType.VALUES_CAPTURED, self._run, marker.step, host, {"values": values, **withheld})
        elif outcome is Outcome.PASSED and marker.part.endswith("/probe"):
            self._look(marker, host, result)
        elif marker.part.startswith(("attempt/", "retry/")):
            yield from self._attempted(marker, host, outcome, result)
        elif marker.part not in {"gate", "guard", "rescue", "choose"}:
            yield self._finished(marker, host, outcome, result)

    def _attempted(self, marker: Marker, host: str, outcome: Outcome, result: Mapping[str, Any]) -> Iterator[Event]:
        """An attempt that succeeded is the action; one that failed is not yet, unless another is not worth it."""
        again = marker.part.startswith("retry/")
        if again and outcome is Outcome.PASSED:
            return
        if again or outcome is not Outcome.FAILED:
            yield self._finished(replace(marker, part="action"), host, outcome, result)
            return
        data = {"part": marker.part, "outcome": outcome, "reason": _reason(outcome, result), "result": result}
        yield Event(EventType.ATTEMPT_FINISHED, self._run, marker.step, host, data)

    def _look(self, marker: Marker, host: str, result: Mapping[str, Any]) -> None:
        part = marker.part.removesuffix("/probe")
        self._seen.setdefault((marker.step, host, part), []).append(_last(result))

    def _finished(self, marker: Marker, host: str, outcome: Outcome, result: Mapping[str, Any]) -> Event:
        if marker.part.endswith("/probe"):  # it could not be made or judged: no assert follows it
            self._look(marker, host, result)
        part = marker.part.removesuffix("/probe")
        seen = self._seen.pop((marker.step, host, part), [])
        data: dict[str, Any] = {"part": part, "outcome": outcome}
        if reason := _reason(outcome, _last(result)):
            data["reason"] = f"{reason} after {len(seen)} samples" if len(seen) > 1 else reason
        if len(seen) > 1:
            data["trend"] = [str(_text(sample))[:_SHORT] for sample in seen[-_SAMPLES:]]
        if part.startswith("verify/"):
            shown = {"result": seen[-1]} if seen else {}
            return Event(EventType.VERIFICATION_FINISHED, self._run, marker.step, host, data | shown)
        return Event(EventType.ACTION_FINISHED, self._run, marker.step, host, data | {"result": result})


def _outcome(message: Mapping[str, Any]) -> Outcome | None:
    """What a task came to; unknown where the module ended without an answer, as nobody knows what it has done.

    A host without a Python answers so as well, with the exit code of a program that can not be started.
    """
    outcome = _OUTCOMES.get(message["kind"])
    if outcome in {Outcome.PASSED, Outcome.FAILED} and "module_stdout" in message["result"]:
        return Outcome.FAILED if message["result"].get("rc") in {126, 127} else Outcome.UNKNOWN
    return outcome


def _last(result: Mapping[str, Any]) -> Mapping[str, Any]:
    """The last sample of a probe that was repeated."""
    samples = result.get("results")
    return samples[-1] if isinstance(samples, list) and samples and isinstance(samples[-1], Mapping) else result


def _text(result: Mapping[str, Any]) -> Any:
    return next((result[key] for key in ("stdout", "status", "msg") if result.get(key)), "")


def _reason(outcome: Outcome, result: Mapping[str, Any]) -> str:
    """One line that says why it did not pass."""
    if outcome is Outcome.PASSED:
        return ""
    if "assertion" in result:
        return f"{' '.join(str(result['assertion']).split())} is not true"
    if result.get("rc") == TIMED_OUT:
        return "timed out on the host"
    message = _NOISE.sub("", str(result.get("msg") or result.get("skip_reason") or outcome).strip())
    last = str(result.get("stderr") or "").strip().splitlines()[-1:]
    return ": ".join([*message.splitlines()[:1], *last]) or outcome
