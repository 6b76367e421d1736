"""Who has mended what in a training, and when: for those who agree to be recorded, and for whoever is on call."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from runner.core.deferred import dataclass
from runner.core.wording import listed
from runner.library.index.summary import Summary
from runner.library.last_tested import interval
from runner.model.call_hours import within
from runner.model.contacts import Contact
from runner.model.severity import Urgency, urgency
from runner.render.drills.drill_result import Training
from runner.store.state_directory import StateDirectory
from runner.store.training_records import TrainingRecord

_NIGHT = 3
"""The hour, of the clock of whoever asks, of which it is said who is on call then."""


@dataclass(frozen=True, slots=True)
class PersonsRunbook:
    """When `person` last did a runbook well, None for never, and when they should again: `due` at once for never."""

    person: str
    runbook: str
    title: str
    last: datetime | None
    due: datetime | None

    def is_due(self, now: datetime) -> bool:
        """Whether they should do it."""
        return self.due is None or self.due <= now

    def as_row(self, now: datetime) -> dict[str, str]:
        """The same as a table has it."""
        return {
            "person": self.person,
            "runbook": self.runbook,
            "title": self.title,
            "last done": f"{self.last:%Y-%m-%d}" if self.last else "never",
            "next due": f"{self.due:%Y-%m-%d}" if self.due and not self.is_due(now) else "now",
        }


def person_of(contacts: Mapping[str, Contact], login: str) -> str:
    """The contact that is the one person with this `login`, and agrees to be recorded; empty where none is."""
    own = [name for name, each in contacts.items() if each.drill_record and each.is_person(name, login)]
    return own[0] if own else ""


def keep_training(state: StateDirectory, contacts: Mapping[str, Contact], training: Training, *, passed: bool) -> str:
    """Record a `training` of somebody who agrees to that; whose record it is, empty where nothing was recorded.

    Raises:
        AuditError: it cannot be written.
    """
    person = person_of(contacts, training.person)
    if person:
        record = TrainingRecord(
            person=person,
            runbook=training.runbook,
            sha256=training.sha256,
            time=training.began,
            seconds=training.seconds,
            own=training.own,
            steps=len(training.seen),
            wrong_turns=training.wrong_turns,
            alert_only=training.alert_only,
            counts=passed and training.counts,
        )
        state.training_records.add(record)
    return person


def people_readiness(
    contacts: Mapping[str, Contact], runbooks: Collection[Summary], records: Sequence[TrainingRecord]
) -> tuple[PersonsRunbook, ...]:
    """Each person who agrees to be recorded with each critical runbook, and each other that they have done."""
    people = [name for name, each in contacts.items() if each.drill_record]
    counted = {(each.person, each.runbook): each.time for each in records if each.counts}
    return tuple(
        PersonsRunbook(person, each.id, each.title, last, last + interval(each.severity) if last else None)
        for person in people
        for each in runbooks
        if (last := counted.get((person, each.id))) or urgency(each.severity) is Urgency.CRITICAL
    )


def untrained_nights(
    contacts: Mapping[str, Contact],
    runbooks: Collection[Summary],
    records: Sequence[TrainingRecord],
    now: datetime,
) -> Iterator[str]:
    """In a sentence each, the runbooks that nobody who is on call tonight has ever done, as far as that is recorded.

    Of `runbooks` those count that cannot wait.
    """
    tonight = (now + timedelta(days=now.hour >= _NIGHT)).replace(hour=_NIGHT, minute=0)
    able: dict[str, set[str]] = {each.id: set() for each in runbooks if urgency(each.severity) is Urgency.CRITICAL}
    for record in records:
        if record.counts and record.runbook in able:
            able[record.runbook].add(record.person)
    for runbook, names in ((each.id, each.contacts) for each in runbooks if each.id in able):
        on_call = {person for name in names if name in contacts for person in _people(contacts, name, tonight)}
        if on_call and not able[runbook] & on_call:
            yield f"nobody on call tonight has ever done {runbook}: {listed(sorted(on_call))}"


def _people(contacts: Mapping[str, Contact], name: str, time: datetime) -> Iterator[str]:
    """The people behind the contact `name` who agree to be recorded, where it is called at that `time`."""
    contact = contacts[name]
    if contact.hours and not any(within(hours, time) for hours in contact.hours):
        return
    for person, each in contacts.items():
        logins = {person, *each.members}
        if each.drill_record and (person == name or logins & {*contact.members}):
            yield person
