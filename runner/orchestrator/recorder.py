"""The recorder of a run: every event is durable before anything else learns of it."""

import contextlib
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from runner.core.errors import AuditError
from runner.core.events import Clock, Event, EventType, Listener, Outcome
from runner.core.redaction import Redaction
from runner.executor.host_ledger import Ledger
from runner.orchestrator.kept_values import remembered
from runner.orchestrator.request import RunRequest
from runner.render.history.run_history import RunHistory, history
from runner.store.evidence import Evidence
from runner.store.log.audit_log import AuditLog
from runner.store.log.envelope import Record
from runner.store.next_command import NextCommand
from runner.store.run_state import RunDirectory
from runner.store.secret_digests import SecretDigests

_OURS = frozenset(
    {
        "attempt",
        "part",
        "parts",
        "outcome",
        "kind",
        "hosts",
        "tags",
        "steps",
        "undo",
        "instead",
        "withheld",
        "mode",
        "status",
    }
)
"""What of an event the product itself says, in words that no secret may take away."""

_NAMES = frozenset({"id", "effect"})


class Recorder:
    """Takes a run's events: evidence is kept, the ledger judges, the audit log makes durable, listeners hear last.

    `records` is what the log has of the run; `captured` what each host is known by. Several threads may record. What
    `redaction` knows of is in none of them; `knows_inventory` says whether that includes what the inventory keeps.
    """

    def __init__(
        self,
        run: str,
        log: AuditLog,
        directory: RunDirectory,
        clock: Clock,
        *,
        redaction: Redaction | None = None,
        listeners: Sequence[Listener] = (),
    ) -> None:
        self.run, self.log, self.directory = run, log, directory
        self.ledger, self.evidence = Ledger(run), Evidence(directory.path)
        self.records: list[Record] = []
        self.captured: dict[str, dict[str, Any]] = {}
        self.listeners = listeners
        self.redaction = Redaction() if redaction is None else redaction
        self.knows_inventory = False
        self._clock = clock
        self._lock = threading.RLock()
        self._waiting: list[Event] | None = None

    def learn(self, secrets: Collection[str]) -> None:
        """Keep `secrets` out of all that is recorded from now on; later commands know them by their digests.

        Raises:
            AuditError: the digests cannot be kept.
        """
        if new := self.redaction.learn(secrets):
            SecretDigests(self.directory.path).keep(new)

    def learning(self, secrets: Callable[[str], str]) -> Callable[[str], str]:
        """The same `secrets`, each of which is kept out of all that is recorded once it was looked up.

        By what people are called is not needed less where its digest cannot be kept.
        """

        def look_up(reference: str) -> str:
            value = secrets(reference)
            with contextlib.suppress(AuditError):
                self.learn([value.strip()])
            return value

        return look_up

    def note(self, kind: EventType, step: str | None = None, /, **data: Any) -> None:
        """Record one event of this run.

        Raises:
            AuditError: as `record`.
        """
        self.record(Event(kind, self.run, step, data=data))

    def note_of(self, run: str, kind: EventType, data: Mapping[str, Any]) -> None:
        """Record one event of whichever `run` it is about; of another one nobody here hears.

        Raises:
            AuditError: as `record`.
        """
        event = Event(kind, run, data=data)
        if run == self.run:
            self.record(event)
            return
        with self._lock:
            self.log.append(self._redacted(event))

    def note_request(self, request: RunRequest) -> None:
        """Record, once, why somebody wants the run, and its inputs.

        Now the secrets of the inventory are known, which may be in them.
        """
        if self.knows_inventory:
            return
        self.knows_inventory, request = True, request.without(self.redaction)
        if request.reason or request.break_glass:
            self.note(EventType.REASON_GIVEN, reason=request.reason, break_glass=request.break_glass)
        if request.inputs:
            self.note(EventType.INPUTS_GIVEN, inputs=dict(request.inputs))

    def record_of(self, kind: EventType, step: str, host: str, data: Mapping[str, Any]) -> None:
        """Record one event that concerns `step` on `host`.

        Raises:
            AuditError: as `record`.
        """
        self.record(Event(kind, self.run, step, host, data))

    def record_action(self, step: str, host: str, reason: str = "") -> None:
        """Record that what the product itself did as `step` passed on `host`, or for which `reason` it failed there.

        Raises:
            AuditError: as `record`.
        """
        outcome = {"outcome": Outcome.FAILED, "reason": reason} if reason else {"outcome": Outcome.PASSED}
        self.record_of(EventType.ACTION_FINISHED, step, host, {"part": "action", **outcome})

    def record(self, *events: Event) -> None:
        """Make `events`, and what the ledger concludes from them, durable; only then are they shown.

        Raises:
            AuditError: they cannot be recorded, so what they announce must not happen.
        """
        with self._lock:
            recorded = [self.evidence.keep(self._redacted(event)) for event in events]
            recorded = [one for event in recorded for one in (event, *self.ledger.apply(event))]
            if self._waiting is None:
                self._append(recorded)
            else:
                self._waiting += recorded

    @contextmanager
    def together(self) -> Iterator[None]:
        """Make what is recorded within the block durable by one write, at its end; it is shown after that.

        Raises:
            AuditError: as `record`, at the end of the block.
        """
        with self._lock:
            self._waiting = []
            try:
                yield
            finally:
                waiting, self._waiting = self._waiting, None
                self._append(waiting)

    def _append(self, recorded: Sequence[Event]) -> None:
        if not recorded:
            return
        self.records += self.log.append(*recorded)
        changes = False
        for event in recorded:
            if changed := remembered(event, self.captured):
                self.captured |= changed
                changes = True
        if changes:
            self.directory.update(captured=self.captured)
        for event in recorded:
            for listener in self.listeners:
                with contextlib.suppress(Exception):  # a broken screen must not stop a repair
                    listener(event)

    def command_again(self, request: RunRequest, flags: Mapping[str, str] = MappingProxyType({})) -> NextCommand:
        """The command of `request` as it was given, with `flags`, of which those without a value are left out.

        Words that may hold a secret of an inventory which could not be read are not repeated; where an input of type
        secret is kept, which holds none, always is. What is the default anyway is left out.
        """
        is_known, request = self.knows_inventory, request.without(self.redaction)
        where = [word for path in request.inventories for word in ("-i", str(path))]
        declared, hidden = request.source.runbook.inputs, request.source.runbook.secrets
        given = {name: value for name, value in request.inputs.items() if value and value != declared[name].default}
        unsure = [name for name, value in given.items() if not is_known or self.redaction.holds(value)]
        given |= {name: "VALUE" for name in unsure if name not in hidden}
        inputs = [word for name, value in given.items() for word in ("-e", f"{name}={value}")]
        limit = ["-l", request.limit] if request.limit else []
        mode = [f"--{request.mode}"] if request.mode != "run" else []
        why = {"--reason": request.reason, "--break-glass": request.break_glass}
        if not is_known:
            why = {flag: value and "WHY" for flag, value in why.items()}
        options = {**why, "--environment": request.environment, **flags}
        rest = [word for flag, value in options.items() if value for word in (flag, value)]
        words = ("run", request.source.runbook.id, *where, *limit, *inputs, *mode, *rest)
        return NextCommand(words, f"starts again: nothing was done{request.needs}")

    def history(self, end: Event | None = None) -> RunHistory | None:
        """What became of the run so far, or if it ends by `end`; None where its start is not recorded."""
        with self._lock:
            records, now = list(self.records), self._clock()
        if all(record.type != EventType.RUN_STARTED for record in records):
            return None
        if end:
            last = replace(records[-1], type=end.type, step=None, host=None, data=end.data)
            records.append(replace(last, time=now.wall, monotonic=now.monotonic, boot=now.boot_id))
        return history(records, now=now)

    def close(self) -> None:
        """Record an outcome for everything that still has none, as nothing more will happen."""
        with self._lock:
            if finished := self.ledger.close():
                self.record(*finished)

    def _redacted(self, event: Event) -> Event:
        clean = {
            key: self._ours(item) if key in _OURS else self.redaction.data(item, ours=1)
            for key, item in event.data.items()
        }
        return replace(event, data=clean)

    def _ours(self, value: Any) -> Any:
        """A word of the product's own as it is; of a step that is described only its name and its effect are such."""
        if not (isinstance(value, list | tuple) and all(isinstance(each, Mapping) for each in value)):
            return value
        return [
            {key: item if key in _NAMES else self.redaction.data(item) for key, item in each.items()} for each in value
        ]
