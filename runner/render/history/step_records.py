"""What one record says of a step: a check that was made, an action that has ended, a task of a role."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from runner.core.events import DONE, EventType, Outcome
from runner.core.observation import Observation
from runner.render.history.decisions import NOBODY
from runner.render.history.step_history import Action, Check
from runner.store.log import record_data
from runner.store.log.envelope import Record

CHECKS = frozenset({EventType.STEP_DECIDED, EventType.VERIFICATION_FINISHED, EventType.GATE_ANSWERED})
"""What tells of one verification, or of one answer."""
_ACTED = frozenset({EventType.ACTION_FINISHED, EventType.ATTEMPT_FINISHED})
_DONE = {"choose": "Chosen", "approve": "Approved", "manual": "Done by hand", "confirm": "Confirmed"}


def task_in_a_line(data: Mapping[str, Any]) -> str:
    """A task of a role or a file in one line: what became of it, and where it stands."""
    reason = record_data.text(data, "reason")
    words = [record_data.text(data, key) for key in ("outcome", "task", "place")]
    return f"{words[0] or Outcome.UNKNOWN}: {words[1]} ({words[2]}){': ' + reason if reason else ''}"


def action_of(record: Record, command: str) -> Action:
    """What was done by `command`, by the `record` of how it ended."""
    result = record_data.mapping(record.data, "result")
    file = record_data.text(record_data.mapping(record.data, "evidence"), "file")
    exit_code = record_data.number(result, "rc")
    # What a module says of a command is in Ansible's words: the command's own are enough.
    keys = ("content", "msg") if exit_code is None else ()
    printed = [record_data.text(result, key) for key in ("stdout", "stderr", *keys)]
    return Action(
        outcome=record_data.text(record.data, "outcome") or Outcome.UNKNOWN,
        command=command,
        exit_code=exit_code,
        output="\n".join(dict.fromkeys(part.rstrip() for part in printed if part.strip())),
        evidence=file if re.fullmatch(r"evidence/[\w.-]+", file, re.ASCII) else "",
    )


def checks_of(record: Record, item: Mapping[str, Any]) -> Iterator[Check]:
    """The check that `record` tells of, if it does; `item` is how the step is described."""
    data, outcome = record.data, record_data.text(record.data, "outcome") or Outcome.UNKNOWN
    # An action that passed shows in what was verified of it.
    if record.type not in CHECKS | _ACTED or (record.type in _ACTED and outcome == Outcome.PASSED):
        return
    number = _number(record)
    says = _numbered(item, "verify", number) or record_data.text(data, "says")
    if not says or says == item.get("name"):  # a prerequisite that is ticked off has no other name than what it says
        says = _DONE.get(record_data.text(data, "kind"), says or _acted(data))
    by, note = record_data.text(data, "by"), record_data.text(data, "note")
    answer = ": ".join(filter(None, (by, note)))
    if outcome not in DONE:  # where it was nobody, the note says why, as that it was too late
        answer = (note or "nobody has answered") if by == NOBODY else answer and f"by {answer}"
    yield Check(
        number=number,
        says=says,
        host=record.host or "",
        outcome=outcome,
        reason=record_data.text(data, "reason") or answer,
        trend=tuple(map(str, record_data.items(data, "trend"))),
        seen=tuple(Observation.from_data(data.get("seen")).paragraphs()),
        how=_numbered(item, "judged", number),
    )


def _numbered(item: Mapping[str, Any], key: str, number: int) -> str:
    """What the description `item` of a step says under `key` of its verification of that number; empty if nothing."""
    found = record_data.items(item, key)
    return str(found[number - 1]) if 0 < number <= len(found) else ""


def _acted(data: Mapping[str, Any]) -> str:
    """What an action is called; an attempt after which it was tried again has its number."""
    numbered = re.fullmatch(r"attempt/([0-9]{1,3})", record_data.text(data, "part"))
    return f"Attempt {numbered[1]}" if numbered else "The action"


def _number(record: Record) -> int:
    numbered = re.fullmatch(r"verify/([0-9]{1,3})", record_data.text(record.data, "part"))
    return int(numbered[1]) if numbered else 0
