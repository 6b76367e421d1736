"""What one look at a rollback trigger has come to: it fires, it does not, or it cannot be looked at."""

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from runner.compiler.constructs.trigger import fires
from runner.core.deferred import dataclass
from runner.core.events import EventType
from runner.core.identifiers import Marker
from runner.core.redaction import Redaction
from runner.executor.job import Message
from runner.model.procedure.rollback_triggers import RollbackTrigger
from runner.orchestrator.event_translator import Translator

State = Literal["fired", "quiet", "unknown"]


@dataclass(frozen=True, slots=True)
class TriggerLook:
    """One look at a trigger; `reason` says what was seen where it fires, and why nothing could be seen."""

    state: State
    reason: str = ""
    host: str = ""

    def data(self, trigger: RollbackTrigger) -> dict[str, Any]:
        """The same as the record has it."""
        about = {"trigger": trigger.id, "state": self.state, "says": trigger.says, "runbook": trigger.to.run}
        return about | {name: value for name in ("reason", "host") if (value := getattr(self, name))}


NOT_REACHED = TriggerLook("unknown", "it was not come to")


class LookCollector:
    """Takes what an invocation reports about some triggers, and judges it; it says nothing to anybody else."""

    def __init__(self, run: str, runbook: str, triggers: Iterable[RollbackTrigger], redaction: Redaction) -> None:
        self._translator, self._redaction = Translator(run, runbook), redaction
        self._triggers = {trigger.step.id: trigger for trigger in triggers}
        self.looks: dict[str, TriggerLook] = {}

    def handle(self, message: Message) -> None:
        """Take note of one message of the callback plugin."""
        if message["kind"] in {"inventory", "end"}:
            return
        marker = Marker.parse(str(message.get("task", "")))
        trigger = self._triggers.get(marker.step) if marker else None
        clean = self._redaction.report(message)
        for event in self._translator.events(clean):
            if trigger and event.type is EventType.VERIFICATION_FINISHED:
                self.looks[trigger.id] = _judge(trigger, event.data, clean)


def _judge(trigger: RollbackTrigger, data: Mapping[str, Any], message: Message) -> TriggerLook:
    """A look of which nobody can say what was seen is no reason to go on as if nothing were wrong, nor to go back."""
    result, host = message.get("result") or {}, str(message.get("host", ""))
    if message["kind"] == "ok":
        return TriggerLook("quiet", host=host)
    if message["kind"] == "failed" and str(result.get("assertion", "")) == fires(trigger):
        values = (data.get("seen") or {}).get("values") or {}
        saw = ", ".join(f"{name} = {value}" for name, value in values.items())
        return TriggerLook("fired", f"{trigger.step.verify[0].says}" + (f" ({saw})" if saw else ""), host)
    return TriggerLook("unknown", str(data.get("reason", "")) or "nobody knows why", host)
