"""What happens in a run, one immutable event at a time, and who listens."""

from collections.abc import Callable, Mapping
from dataclasses import field
from datetime import datetime
from enum import StrEnum
from typing import Any, Self

from runner.core.deferred import dataclass


class EventType(StrEnum):
    """The kinds of event; the words are the audit log's vocabulary and only grow."""

    RUN_STARTED = "run.started"
    REASON_GIVEN = "reason.given"
    INPUTS_GIVEN = "inputs.given"
    TARGET_RESOLVED = "target.resolved"
    GUARD_CHECKED = "guard.checked"
    GLASS_BROKEN = "glass.broken"
    PREFLIGHT_FINISHED = "preflight.finished"
    RUN_PASSED = "run.passed"
    RUN_FINISHED = "run.finished"
    RUN_FILED = "run.filed"
    RUN_RESUMED = "run.resumed"
    RUN_REFUSED = "run.refused"
    RUN_CANCELLED = "run.cancelled"
    RUN_HANDED_OVER = "run.handed_over"
    RUN_CALLED = "run.called"
    RUN_ABANDONED = "run.abandoned"
    LOCK_AWAITED = "lock.awaited"
    SPAN_STARTED = "span.started"
    SPAN_FINISHED = "span.finished"
    GATE_ASKED = "gate.asked"
    GATE_VOIDED = "gate.voided"
    GATE_ANSWERED = "gate.answered"
    VOTE_GIVEN = "vote.given"
    STEP_DECIDED = "step.decided"
    STEP_EXPANDED = "step.expanded"
    STEP_INTENDED = "step.intended"
    STEP_FINISHED = "step.finished"
    STEP_REOPENED = "step.reopened"
    STEP_SETTLED = "step.settled"
    TASK_INTENDED = "task.intended"
    TASK_FINISHED = "task.finished"
    ATTEMPT_FINISHED = "attempt.finished"
    ACTION_FINISHED = "action.finished"
    VERIFICATION_FINISHED = "verification.finished"
    VALUES_CAPTURED = "values.captured"
    COMMANDS_RENDERED = "commands.rendered"
    CHANGES_ACCEPTED = "changes.accepted"
    TRIGGER_SEEN = "trigger.seen"
    TRIGGER_ANSWERED = "trigger.answered"
    TRIGGER_WATCHED = "trigger.watched"
    UNDO_PLANNED = "undo.planned"
    DEBT_FOUND = "debt.found"
    DEBT_MADE = "debt.made"
    DEBT_PAID = "debt.paid"
    ESCALATION_DECLARED = "escalation.declared"
    CONTACT_PASSED_OVER = "contact.passed_over"
    NOTIFY_REQUESTED = "notify.requested"
    NOTIFY_DROPPED = "notify.dropped"
    PAGE_FINISHED = "page.finished"
    INCIDENT_ACKNOWLEDGED = "incident.acknowledged"
    INCIDENT_FORGOTTEN = "incident.forgotten"
    INCIDENT_RESOLVED = "incident.resolved"
    INCIDENT_OVER = "incident.over"
    LOG_RECOVERED = "log.recovered"
    DRILL_ARMED = "drill.armed"
    DRILL_UNDONE = "drill.undone"
    DRILL_FINISHED = "drill.finished"
    SCHEDULE_SEEN = "schedule.seen"
    SCHEDULE_CLAIMED = "schedule.claimed"
    SCHEDULE_DECIDED = "schedule.decided"
    SCHEDULE_TOLD = "schedule.told"
    SCHEDULE_LEFT_OUT = "schedule.left_out"
    SCHEDULE_PAUSED = "schedule.paused"
    SCHEDULE_APPROVED = "schedule.approved"
    SCHEDULE_ASKED = "schedule.asked"
    SCHEDULE_CLOCK = "schedule.clock"


IN_WORDS: Mapping[str, str] = {
    EventType.RUN_STARTED: "run started",
    EventType.RUN_RESUMED: "run resumed",
    EventType.LOCK_AWAITED: "waited",
    EventType.REASON_GIVEN: "reason",
    EventType.TARGET_RESOLVED: "hosts resolved",
    EventType.GUARD_CHECKED: "guard",
    EventType.GLASS_BROKEN: "BREAK GLASS",
    EventType.PREFLIGHT_FINISHED: "preflight",
    EventType.DEBT_FOUND: "undo owed from an earlier run",
    EventType.GATE_ASKED: "asked",
    EventType.GATE_VOIDED: "approval void",
    EventType.VOTE_GIVEN: "voted",
    EventType.GATE_ANSWERED: "answered",
    EventType.STEP_DECIDED: "decided",
    EventType.STEP_INTENDED: "began",
    EventType.VERIFICATION_FINISHED: "checked",
    EventType.STEP_FINISHED: "ended",
    EventType.STEP_REOPENED: "reopened",
    EventType.DEBT_MADE: "undo owed",
    EventType.DEBT_PAID: "owed undo done",
    EventType.TRIGGER_SEEN: "rollback trigger",
    EventType.TRIGGER_ANSWERED: "rollback",
    EventType.RUN_CANCELLED: "cancelled",
    EventType.RUN_HANDED_OVER: "handed over",
    EventType.RUN_CALLED: "called",
    EventType.ESCALATION_DECLARED: "declared",
    EventType.CONTACT_PASSED_OVER: "not called",
    EventType.PAGE_FINISHED: "page",
    EventType.INCIDENT_ACKNOWLEDGED: "acknowledged",
    EventType.INCIDENT_RESOLVED: "resolved before",
    EventType.INCIDENT_OVER: "incident over",
    EventType.NOTIFY_DROPPED: "page dropped",
    EventType.RUN_ABANDONED: "run abandoned",
    EventType.RUN_REFUSED: "run refused",
    EventType.UNDO_PLANNED: "undo planned",
    EventType.RUN_FINISHED: "run finished",
    EventType.DRILL_ARMED: "undo of the drill armed",
    EventType.DRILL_UNDONE: "drill undone",
    EventType.DRILL_FINISHED: "drill finished",
}
"""What people are told of a run, in a word or two; the other events are for the machine."""


class Outcome(StrEnum):
    """How a step ended on a host, or a whole run; different words for different things."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_NEEDED = "not needed"
    SKIPPED = "skipped"
    UNREACHABLE = "unreachable"
    UNKNOWN = "unknown"
    NEVER_REACHED = "never reached"
    ABORTED = "aborted"
    PLANNED = "planned"
    UNKNOWABLE = "unknowable"
    UNDONE = "undone"
    PARTLY_UNDONE = "partly undone"
    HANDED_OVER = "handed over"


DONE = frozenset({Outcome.PASSED, Outcome.NOT_NEEDED})
"""The outcomes of a step on a host with which nothing of it is left to do there."""


@dataclass(frozen=True, slots=True)
class Instant:
    """A moment on both clocks: the wall, for people, and the monotonic one, in seconds since the boot `boot_id`."""

    wall: datetime
    monotonic: float
    boot_id: str

    def since(self, earlier: Self) -> float:
        """Seconds since `earlier`, by the monotonic clock where that has not begun anew."""
        if self.boot_id == earlier.boot_id:
            return max(0.0, self.monotonic - earlier.monotonic)
        return max(0.0, (self.wall - earlier.wall).total_seconds())


Clock = Callable[[], Instant]


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened in run `run`: to step `step` on host `host`, where it concerns one.

    `data` is JSON: strings, numbers, booleans, None, lists and mappings of these.
    """

    type: EventType
    run: str
    step: str | None = None
    host: str | None = None
    data: Mapping[str, Any] = field(default_factory=dict)


Listener = Callable[[Event], None]
