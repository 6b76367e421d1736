"""What the rollback triggers of a run came to: what was seen of each, how often it was looked at, and what followed."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from runner.core.deferred import dataclass
from runner.core.events import EventType
from runner.store.log import record_data
from runner.store.log.envelope import Record

_STATES = {"fired": "FIRED", "quiet": "did not fire", "unknown": "cannot be looked at"}


@dataclass(frozen=True, slots=True)
class TriggerHistory:
    """One trigger: `seen` has when its state changed and to what, `looks` how often it was looked at.

    `answer` says what followed, and who said so; empty where nothing did.
    """

    id: str
    says: str
    runbook: str
    seen: tuple[tuple[datetime, str], ...] = ()
    looks: int = 0
    answer: str = ""

    @property
    def fired(self) -> bool:
        """Whether it ever fired."""
        return any(state.startswith(_STATES["fired"]) for _, state in self.seen)

    @property
    def in_words(self) -> str:
        """The same in one line, for whoever is called."""
        latest = self.seen[-1][1] if self.seen else "was not looked at"
        follows = f"; {self.answer}" if self.answer else ""
        return f"{self.id} {self.says}: {latest}{follows}"


def trigger_histories(records: Sequence[Record]) -> tuple[TriggerHistory, ...]:
    """Every trigger of which `records` tell."""
    found: dict[str, TriggerHistory] = {}
    for record in records:
        data, name = record.data, record_data.text(record.data, "trigger")
        if record.type == EventType.TRIGGER_SEEN:
            words = [_STATES.get(record_data.text(data, "state"), "?"), record_data.text(data, "reason")]
            says, rolls_back = record_data.text(data, "says"), record_data.text(data, "runbook")
            known = found.get(name) or TriggerHistory(name, says, rolls_back)
            found[name] = replace(known, seen=(*known.seen, (record.time, ": ".join(filter(None, words)))))
        elif record.type == EventType.TRIGGER_ANSWERED and name in found:
            by, note = record_data.text(data, "by"), record_data.text(data, "note")
            words = [f"{found[name].runbook} {record_data.text(data, 'answer')}, by {by}", note]
            found[name] = replace(found[name], answer=": ".join(filter(None, words)))
        elif record.type == EventType.TRIGGER_WATCHED:
            counts = record_data.mapping(data, "looks")
            found |= {each: replace(item, looks=item.looks + int(counts.get(each, 0))) for each, item in found.items()}
    return tuple(found.values())
