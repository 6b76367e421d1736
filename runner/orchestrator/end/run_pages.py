"""What the pages of one run say: why somebody is called, the hand-off, and who may decide what."""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import replace

from runner.channels.base import Action, Page
from runner.core.characters import shown, shown_text
from runner.core.errors import RunbookError, explain
from runner.core.events import Event, EventType
from runner.escalation import policy as escalation
from runner.executor.target import Target
from runner.model.provided_items import item_names
from runner.orchestrator.end.run_ladder import RunLadder
from runner.orchestrator.recorder import Recorder
from runner.orchestrator.request import RunRequest
from runner.orchestrator.run_environment import Installation
from runner.render import report
from runner.render.handoff.going_on import typed_anywhere
from runner.render.handoff.hand_off import NOTHING_DONE, HandOff, hand_off
from runner.store.lease import Silence
from runner.store.next_command import command_line


class RunPages:
    """Composes the pages of one run. `target` has its hosts, None as long as nobody knows them.

    `silence` is that of the command which does the run, where that exists and gives no sign of life. What cannot be
    recorded or remembered keeps no page from being sent: it stands in `unrecorded`, and in the page.
    """

    def __init__(self, request: RunRequest, env: Installation, recorder: Recorder) -> None:
        self.unrecorded: list[RunbookError] = []
        self.target: Target | None = None
        self.silence: Silence | None = None
        self._request, self._env, self._recorder = request, env, recorder
        self._runbook = request.source.runbook
        self._ladder = RunLadder(request, env, recorder)

    @property
    def incident(self) -> str:
        """The name of the incident that this run calls for."""
        return self._key(self.target)

    def _page(self, action: Action, reason: str, end: Event | None = None, *, to: Sequence[str] = ()) -> Page:
        """The page that says `reason` with the whole hand-off, of a run that is about to end by `end`, if it is.

        The contacts `to` are called by it: they read how to take the incident, and who is called after them.
        """
        packet = self._packet(reason, end, calls=bool(to))
        packet = replace(packet, next_call=self._ladder.who_follows(to) if to else packet.next_call)
        head, who = str(self._recorder.log.head), self._ladder.authorities()
        reason = "; ".join(filter(None, (self._about(), reason)))
        details = {**self._besides(), **packet.details, **who, "audit head": head}
        page = escalation.make_page(
            self._runbook,
            action=action,
            reason=self._redacted(reason),
            environment=self.target.environment if self.target else escalation.UNKNOWN,
            hosts=self.target.names if self.target else (),
            details=shown(self._recorder.redaction.data(details, ours=1)),
            timestamp=self._env.clock().wall,
        )
        source = page.source if self.target else self._redacted(", ".join(self._aim))
        return replace(page, dedup_key=self._key(self.target), source=source)

    def _packet(self, reason: str, end: Event | None, *, calls: bool) -> HandOff:
        """What whoever is called must know, as far as that can be found out; what was never begun is no run."""
        run, provide = self._request.run_id, self._runbook.escalation.provide
        with self._noting():
            history = self._recorder.history(end)
            if history is None and not self._env.state.directory(run).exists:
                return self._never_begun(reason)
            return hand_off(run, history, provide, calls=calls, silence=self.silence)
        return hand_off(run, None, provide)

    def _never_begun(self, reason: str) -> HandOff:
        """What whoever is called must know of a run that could not begin, for that `reason`: nothing else tells it."""
        request, actor = self._request, self._env.actor
        where = f" against {', '.join(self._aim)}" if self._aim else ""
        why = f": {request.reason}" if request.reason and self._recorder.knows_inventory else ""
        began = f"{self._env.clock().wall:%Y-%m-%d %H:%M:%S} UTC"
        wanted = (
            f"{actor.user} wanted to run {self._runbook.id} {self._runbook.title}{where} at {began}{why.rstrip('.')}."
        )
        happened = f"{wanted} Nothing of it was done, and nothing is recorded of it: {reason}."
        again = self._recorder.command_again(request)
        library = str((request.library.root if request.library else request.source.path.parent.parent).absolute())
        typed = lambda words: command_line(words, self._env.program)  # noqa: E731
        return HandOff(
            run="",
            outcome="never begun",
            happened=happened,
            provided=dict.fromkeys(self._runbook.escalation.provide, NOTHING_DONE),
            ways_on=((typed_anywhere(again.words, library, str(self._env.state.path), typed), again.does),),
            machine=actor.host,
            user=actor.user,
        )

    def _hand_off_note(self, end: Event | None) -> Page | None:
        """The hand-off of the latest attempt as a text; None while it goes on, or where nothing of it is recorded.

        An attempt has one: where it was attached before, it is found there by its name.
        """
        run = self._recorder.history(end)
        if run is None or run.status == "running":
            return None
        page = self._page("note", "the hand-off", end)
        text = self._redacted(report.render(run, "handoff"))
        return replace(page, details={"hand-off": text}, id=f"{run.run}/{len(run.attempts)}/hand-off")

    def _references(self, key: str) -> tuple[str, ...]:
        """What channels have made of what was told about `key`, by the record of the run, of earlier attempts too."""
        pages = [record.data for record in [*self._recorder.records] if record.type == EventType.PAGE_FINISHED]
        return tuple(str(page["reference"]) for page in pages if page.get("reference") and page["dedup_key"] == key)

    def _key(self, target: Target | None) -> str:
        """The incident's name, by the hosts of `target`, or by what was aimed at while nobody knows them."""
        if target:
            return escalation.dedup_key(self._runbook.id, target.environment, target.names)
        aim = [*map(str, self._request.inventories), self._request.limit or ""]
        return escalation.dedup_key(self._runbook.id, escalation.UNKNOWN, aim)

    @property
    def _aim(self) -> list[str]:
        """Where the hosts were to come from that nobody knows: the inventories, and what of them was wanted."""
        limit = self._request.limit
        return [*map(str, self._request.inventories), *([f"hosts {limit}"] if limit else [])]

    def _about(self) -> str:
        """The incident that a runbook hands over which itself asks for somebody: its first input that it provides.

        Else why somebody has started it. A secret is not said, nor anything before those of the inventory are known.
        """
        if "started" not in self._runbook.escalation.when or not self._recorder.knows_inventory:
            return ""
        named = [name for label in self._runbook.escalation.provide for name in item_names(label)]
        shown = [name for name in named if name in self._runbook.inputs and self._runbook.inputs[name].type != "secret"]
        given = [str(self._request.inputs[name]) for name in shown if self._request.inputs.get(name)]
        return next(iter(given), self._request.reason).rstrip(".")

    def _besides(self) -> dict[str, str]:
        """What whoever is called must know first: that guards were gone past, and that there is no record."""
        reason = self._request.break_glass if self._recorder.knows_inventory else ""  # else it may hold a secret of it
        glass = {"broke the glass": reason} if reason else {}
        lost = next(iter(self.unrecorded), None)
        why = "; ".join(filter(None, (lost.message, lost.hint))) if lost else ""
        return glass | ({"not recorded": why} if why else {})

    def _redacted(self, text: str) -> str:
        return shown_text(self._recorder.redaction.text(text))

    @contextlib.contextmanager
    def _noting(self) -> Iterator[None]:
        """What cannot be remembered or recorded in the block is noted, and nobody is called the less for it."""
        try:
            yield
        except BaseException as error:  # noqa: BLE001 - whatever it is, people are called
            self.unrecorded.append(self._recorder.redaction.error(explain(error)))
