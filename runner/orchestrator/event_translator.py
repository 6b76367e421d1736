"""From what the callback plugin says to events: the marker in a task's name ties them to a step."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field, replace
from typing import Any

from runner.compiler.command_preview import in_words
from runner.compiler.condition_names import searched
from runner.core.deferred import dataclass
from runner.core.errors import ExecutionError
from runner.core.events import Event, EventType, Outcome
from runner.core.identifiers import Marker
from runner.core.observation import Observation, Operand, texts, worst_of
from runner.core.step_tags import item_id
from runner.kinds.values import TREND_NOW
from runner.orchestrator.kept_values import KEPT, kept_event, unusable
from runner.orchestrator.translation.reasons import decision, last_of, reason_of, verdict
from runner.orchestrator.translation.task_records import ImportedTasks

_OUTCOMES = {
    "ok": Outcome.PASSED,
    "failed": Outcome.FAILED,
    "unreachable": Outcome.UNREACHABLE,
    "skipped": Outcome.SKIPPED,
}


_TYPES: Mapping[str, type] = {"rc": int, "samples": int, "ansible_facts": Mapping}
"""What must be of a type, in an answer that may be anything; whatever else is read of it is read as text."""

_SILENT = frozenset({"gate", "guard", "rescue", "choose", "criteria"})
_SILENT_WHEN: Mapping[str, frozenset[Outcome]] = {
    "limit": frozenset({Outcome.PASSED, Outcome.SKIPPED}),  # what was found before is not found again
    "find": frozenset({Outcome.PASSED}),  # what belongs to an action, and only looks
    "locate": frozenset({Outcome.PASSED, Outcome.SKIPPED}),
    "items": frozenset({Outcome.SKIPPED}),
    "each": frozenset({Outcome.PASSED, Outcome.SKIPPED}),  # a loop over nothing is skipped
}

_SAMPLES = 60
_SHORT = 200


@dataclass
class _Samples:
    """What the probe of one verification has seen so far; `values` has the operands of its condition, oldest first."""

    results: list[Mapping[str, Any]] = field(default_factory=list)
    values: list[Sequence[Operand]] = field(default_factory=list)
    count: int = 0

    def add(self, message: Mapping[str, Any]) -> None:
        """One message of the probe, which may tell of several samples."""
        self.count += int(message["result"].get("samples") or 1)
        self.results = [*self.results, last_of(message["result"])][-_SAMPLES:]
        # Of a long value only the beginning is kept: there may be ten thousand samples.
        self.values += [[_brief(operand) for operand in operands] for operands in message.get("observed", ())]


class Translator:
    """Translates the messages of one run; it remembers what was seen until it is judged."""

    def __init__(self, run: str, runbook: str) -> None:
        self._run = run
        self._runbook = runbook
        self._seen: dict[tuple[str, str, str], _Samples] = {}
        self._acted: dict[tuple[str, str], Observation] = {}
        self._escaped: set[tuple[str, str]] = set()
        self._not_done: set[tuple[str, str]] = set()
        self._machines: dict[tuple[str, str], str] = {}
        self._imported = ImportedTasks(run)

    def events(self, message: Mapping[str, Any]) -> Iterator[Event]:
        """What `message` means; a task that is not this runbook's means nothing."""
        within = message.get("within")
        marker = Marker.parse(f"{within} | " if within else message.get("task", ""))
        if marker is None or marker.runbook != self._runbook:
            return
        host, message = message["host"], {**message, "result": _typed(message.get("result") or {})}
        if (marker.step, host) in self._not_done:
            return
        if "item" in message:
            marker = replace(marker, step=item_id(marker.step, message["item"]))
        self._machines |= {(_place_of(marker), host): message["on"]} if message.get("on") else {}
        if within:
            yield from self._of_imported(marker.step, message)
        elif message["kind"] == "start":
            if self._imported.has_begun(marker.step, host):
                return
            if _acts(message):
                data = {"attempt": message["attempt"]} if message.get("attempt") else {}
                data |= {"command": in_words(message["does"])} if message.get("does") else {}
                data |= {"on": message["on"]} if message.get("on") else {}
                yield Event(EventType.STEP_INTENDED, self._run, marker.step, host, data)
        elif message["kind"] == "retry":
            self._look(marker, message)
        elif outcome := _outcome(message):
            yield from self._ended(marker, outcome, message)

    def _of_imported(self, step: str, message: Mapping[str, Any]) -> Iterator[Event]:
        """A task of a role or a file that `step` imports."""
        if message["kind"] == "start":
            yield from self._imported.begun(step, message)
        elif outcome := _outcome(message):
            result = last_of(message["result"])
            reason = reason_of(outcome, result, Observation.of_result(result), of="step")
            yield from self._imported.ended(step, message, outcome, reason)

    def _ended(self, marker: Marker, outcome: Outcome, message: Mapping[str, Any]) -> Iterator[Event]:
        result, host = message["result"], message["host"]
        if outcome is Outcome.PASSED and marker.part in KEPT:
            if reason := unusable(result, escaped=(marker.step, host) in self._escaped):
                data = {"part": "capture", "outcome": Outcome.FAILED, "reason": reason, "result": {}}
                yield Event(EventType.ACTION_FINISHED, self._run, marker.step, host, data)
                # Ansible has it already, and would go on with it.
                raise ExecutionError(f"{marker.step} on {host}: {reason}", hint="capture less of it, or only text")
            yield kept_event(self._run, marker, message)
        elif outcome is Outcome.PASSED and marker.part.endswith("/probe"):
            self._look(marker, message)
        elif marker.part.startswith(("attempt/", "retry/")):
            yield from self._attempted(marker, outcome, message)
        elif marker.part == "only_if":
            yield from self._decided(marker, outcome, message)
        elif marker.part.startswith("verify/"):
            yield self._verified(marker, outcome, message)
        elif not (marker.part in _SILENT or outcome in _SILENT_WHEN.get(marker.part, ())):
            yield self._finished(marker.step, marker.part, outcome, message)

    def _decided(self, marker: Marker, outcome: Outcome, message: Mapping[str, Any]) -> Iterator[Event]:
        """Whether a step is needed on a host; nothing where that was decided before."""
        if outcome is Outcome.SKIPPED:
            return
        host, result = message["host"], message["result"]
        values = texts((message.get("observed") or [[]])[-1])
        data = decision(message["task"].partition(" | ")[2], outcome, result, values)
        if data["outcome"] is not Outcome.PASSED:
            self._not_done.add((marker.step, host))
        yield Event(EventType.STEP_DECIDED, self._run, marker.step, host, data)

    def _attempted(self, marker: Marker, outcome: Outcome, message: Mapping[str, Any]) -> Iterator[Event]:
        """An attempt that succeeded is the action; one that failed is not yet, unless another is not worth it."""
        again = marker.part.startswith("retry/")
        if again and outcome is Outcome.PASSED:
            return
        if again:
            yield self._given_up(marker.step, outcome, message)
            return
        if outcome not in {Outcome.FAILED, Outcome.SKIPPED}:
            yield self._finished(marker.step, "action", outcome, message)
            return
        event = self._finished(marker.step, marker.part, outcome, message)
        yield replace(event, type=EventType.ATTEMPT_FINISHED)

    def _look(self, marker: Marker, message: Mapping[str, Any]) -> None:
        part = marker.part.removesuffix("/probe")
        self._seen.setdefault((marker.step, message["host"], part), _Samples()).add(message)

    def _finished(self, step: str, part: str, outcome: Outcome, message: Mapping[str, Any]) -> Event:
        """The end of an action, or of what belongs to it."""
        result, host = message["result"], message["host"]
        acted, seen = self._acted.get((step, host), Observation()), Observation.of_result(last_of(result))
        data: dict[str, Any] = {"part": part, "outcome": outcome}
        if part == "capture" and acted.cut:
            seen, reason = acted, acted.cut_sentence
        else:
            reason = reason_of(outcome, last_of(result), seen, of="step")
        if outcome is not Outcome.PASSED:
            data |= {"reason": reason} | _shown(seen)
        if part != "capture":
            self._acted[step, host] = seen
            self._escaped |= {(step, host)} if _is_escaped(result) else set()
        event = Event(EventType.ACTION_FINISHED, self._run, step, host, {**data, "result": result})
        return self._imported.verdict(event) if part == "action" else event

    def _given_up(self, step: str, outcome: Outcome, message: Mapping[str, Any]) -> Event:
        """After an attempt that is not worth another one, or a pause that failed: the attempt says why."""
        seen = self._acted.get((step, message["host"]), Observation())
        reason = {"reason": reason_of(outcome, {} if seen.sentence else message["result"], seen, of="step")}
        data = {"part": "action", "outcome": outcome, **reason, **_shown(seen), "result": message["result"]}
        return Event(EventType.ACTION_FINISHED, self._run, step, message["host"], data)

    def _verified(self, marker: Marker, outcome: Outcome, message: Mapping[str, Any]) -> Event:
        if marker.part.endswith("/probe"):  # it could not be made or judged: no assert follows it
            self._look(marker, message)
        part, host = marker.part.removesuffix("/probe"), message["host"]
        samples = self._seen.pop((marker.step, host, part), _Samples())
        data: dict[str, Any] = {"part": part, "outcome": outcome}
        places = (_place_of(replace(marker, part=f"{part}/probe")), marker.step)
        machine = next((self._machines[place, host] for place in places if (place, host) in self._machines), "")
        data |= {"on": machine} if machine else {}
        if outcome is not Outcome.PASSED:
            last = samples.results[-1] if samples.results else {}
            seen = (
                Observation.of_result(last) if samples.results else self._acted.get((marker.step, host), Observation())
            )
            seen = _with_values(seen, samples, message)
            operands = (message.get("observed") or [[]])[-1]
            reason = verdict(outcome, message["result"], last, seen, samples.count, operands)
            data |= {"reason": reason} | _shown(seen)
        elif compared := _compared(samples):
            data |= _shown(compared)
        if len(samples.results) > 1:
            data["trend"] = _trend(samples)
        if samples.results:
            data["result"] = samples.results[-1]
        return Event(EventType.VERIFICATION_FINISHED, self._run, marker.step, host, data)


def _typed(result: Any) -> dict[str, Any]:
    """`result`, in which what is not of the type it must have is text, and under another name."""
    if not isinstance(result, Mapping):
        return {"msg": f"the host answered what is no result: {str(result)[:_SHORT]}"}
    wrong = {key for key, kind in _TYPES.items() if key in result and not isinstance(result[key], kind)}
    typed = {f"{key}_as_answered" if key in wrong else key: value for key, value in result.items()}
    if isinstance(samples := typed.get("results"), list):
        typed["results"] = [_typed(each) if isinstance(each, Mapping) else each for each in samples]
    return typed


def _shown(seen: Observation) -> dict[str, Any]:
    return {"seen": data} if (data := seen.data()) else {}


def _with_values(seen: Observation, samples: _Samples, message: Mapping[str, Any]) -> Observation:
    """`seen` with the values in the condition that does not hold, and with those of other samples if they differ."""
    observed = message.get("observed") or [[]]
    values = texts(observed[-1])
    search = searched(str(message["result"].get("assertion", "")))
    text = next((each.get("value") for each in observed[-1] if search and each["name"] == search[0]), None)
    if search and isinstance(text, str):
        return replace(seen, values=values).of_text(search[0], text)
    if samples.count < 2 or not samples.values:  # noqa: PLR2004 - one sample has no first and no worst
        return replace(seen, values=values)
    first, worst = texts(samples.values[0]), worst_of([*samples.values, observed[-1]])
    return replace(seen, values=values, first=_other(first, values), worst=_other(worst, values))


def _compared(samples: _Samples) -> Observation | None:
    """What the looks of a trend have seen, which is worth telling though it passed; None where nothing was compared."""
    if not _values_now(samples):
        return None
    values, first = texts(samples.values[-1]), texts(samples.values[0])
    return Observation(values=values, first=_other(first, values), worst=_other(worst_of(samples.values), values))


def _trend(samples: _Samples) -> list[str]:
    """What each look has seen, oldest first: the value that is compared, else the text."""
    values = _values_now(samples)
    return [*values[:1], *values[1:][1 - _SAMPLES :]] or [str(_text(sample))[:_SHORT] for sample in samples.results]


def _values_now(samples: _Samples) -> list[str]:
    """The value of each look of a trend."""
    return [str(each.get("value", "")) for operands in samples.values for each in operands if each["name"] == TREND_NOW]


def _other(others: Mapping[str, str], values: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in others.items() if values.get(name, value) != value}


def _brief(operand: Operand) -> Operand:
    value = operand.get("value")
    return operand if isinstance(value, int | float) or value is None else {**operand, "value": str(value)[:_SHORT]}


def _outcome(message: Mapping[str, Any]) -> Outcome | None:
    """What a task came to; unknown where the module ended without an answer, as nobody knows what it has done.

    A host without a Python answers so as well, with the exit code of a program that cannot be started. Nor does
    anybody know what a command has done that somebody killed: its exit code is the signal, and negative.
    """
    outcome, result = _OUTCOMES.get(message["kind"]), message["result"]
    if outcome in {Outcome.PASSED, Outcome.FAILED} and "module_stdout" in result:
        return Outcome.FAILED if result.get("rc") in {126, 127} else Outcome.UNKNOWN
    was_killed = isinstance(exit_code := result.get("rc"), int) and exit_code < 0
    return Outcome.UNKNOWN if was_killed and outcome and _acts(message) else outcome


def _acts(message: Mapping[str, Any]) -> bool:
    """Whether it is about an action, and not about what only looks."""
    marker = Marker.parse(message["task"])
    return marker is None or marker.part == "action" or marker.part.startswith("attempt/")


def _text(result: Mapping[str, Any]) -> Any:
    return next((result[key] for key in ("stdout", "status", "msg") if result.get(key)), "")


def _is_escaped(result: Mapping[str, Any]) -> bool:
    """Whether our command module says that bytes which are no text stand as escapes in what was printed."""
    output = result.get("output")
    streams = output.values() if isinstance(output, Mapping) else ()
    return any(isinstance(each, Mapping) and each.get("escaped") is True for each in streams)


def _place_of(marker: Marker) -> str:
    """What is done on one machine: the probe of a verification, which may be made elsewhere, or a whole step."""
    return f"{marker.step}/{marker.part}" if marker.part.endswith("/probe") else marker.step
