"""The six quality gates before monitoring is set up: each is a question to the whole library, with its evidence."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType

from runner.core.deferred import dataclass, regex
from runner.core.identifiers import REFERENCE_ID
from runner.library.gates import coverage
from runner.library.gates.coverage import Situation, absence, answered
from runner.library.last_tested import Proof, last_tests
from runner.library.registry.registry import Reference, prefix
from runner.library.snapshot import LibrarySnapshot
from runner.model.severity import NEEDS, Urgency, urgency
from runner.model.yaml.finding import Finding, Level

Answer = Iterator[str | Finding]
Question = Callable[[LibrarySnapshot, Sequence[Proof]], Answer]


def critical_scenarios(snapshot: LibrarySnapshot, _: Sequence[Proof]) -> Answer:
    """Whether each critical SCN- entry leads to a runbook."""
    critical = [each for each in coverage.scenarios(snapshot) if urgency(each.severity) is Urgency.CRITICAL]
    yield from _something(critical, "SCN- entry that is critical")
    for scenario in critical:
        yield from _leads(snapshot, scenario, "a critical scenario needs a runbook")


def alerts(snapshot: LibrarySnapshot, _: Sequence[Proof]) -> Answer:
    """Whether each MON- entry leads to what its severity asks for."""
    known = coverage.alerts(snapshot)
    yield from _something(known, "MON- entry")
    served = coverage.by_runbook(known)
    for alert in known:
        wanted = urgency(alert.severity)
        needs = f"{wanted}: needs {NEEDS[wanted]}"
        shared = coverage.not_dedicated(snapshot, alert, served) if wanted is Urgency.CRITICAL else ""
        if wanted is Urgency.INFO and alert.page is not None:
            yield _page(snapshot, alert, needs)
        elif shared:
            yield alert.finding("not-dedicated", f"{needs}, and {shared}")
        else:
            yield from _leads(snapshot, alert, needs, key="page" if wanted is Urgency.INFO else "runbook")


def rollbacks(snapshot: LibrarySnapshot, _: Sequence[Proof]) -> Answer:
    """Whether each DEP- entry with a rollback names the runbook that rolls back."""
    found = [each for each in answered(snapshot) if prefix(each[0].id) == "DEP"]
    yield from _something(found, "DEP- entry with a `rollback`")
    for reference, why, runbook in found:
        yield _answers(snapshot, reference, why, runbook)


def risks(snapshot: LibrarySnapshot, _: Sequence[Proof]) -> Answer:
    """Whether each RISK- entry that is high or medium names the runbook for it."""
    found = [each for each in answered(snapshot) if prefix(each[0].id) == "RISK" and each[0].level != "low"]
    yield from _something(found, "RISK- entry that is high or medium")
    for reference, why, runbook in found:
        yield _answers(snapshot, reference, why, runbook)


def owners_and_tests(snapshot: LibrarySnapshot, proofs: Sequence[Proof]) -> Answer:
    """Whether each runbook has an owner whom somebody knows, and a proof that it works as it is now."""
    yield from _something(snapshot.used, "runbook", "runbooks")
    tests = last_tests(snapshot.used.values(), proofs)
    for name, runbook in snapshot.used.items():
        owner, tested = runbook.owner, tests[name]
        if owner not in snapshot.contacts:
            yield runbook.finding(("owner",), "unknown-contact", f"nobody is called {owner!r}")
        if tested is None or not tested.current:
            when = "was never tested" if tested is None else f"has changed since its test on {tested.time:%Y-%m-%d}"
            when = f"{name} {when}"
            hint = f"rehearse it: runbook drill {name}, or let a run of it pass in staging"
            yield runbook.finding(("id",), "not-tested", when, hint=hint)
        elif owner in snapshot.contacts:
            yield f"{name} {runbook.title}: {owner}, tested {tested}"


def escalation(snapshot: LibrarySnapshot, _: Sequence[Proof]) -> Answer:
    """Whether everybody whom a runbook escalates to can be called."""
    yield from _something(snapshot.used, "runbook", "runbooks")
    for name, runbook in snapshot.used.items():
        contacts = runbook.contacts
        mute = [
            (number, contact)
            for number, contact in enumerate(contacts)
            if contact not in snapshot.contacts or not snapshot.contacts[contact].is_callable
        ]
        for number, contact in mute:
            why = f"{contact!r} cannot be called: " + ("no channel" if contact in snapshot.contacts else "unknown")
            place, hint = ("escalation", "contacts", number), "add it to runbooks/contacts.yml"
            yield runbook.finding(place, "no-channel", why, hint=hint)
        if not mute:
            yield f"{name} {runbook.title}: {', '.join(contacts)}"


def _something(found: object, what: str, where: str = "runbooks/registry") -> Iterator[Finding]:
    """The finding that there is nothing to judge, where `found` is empty."""
    if not found:
        message = f"there is no {what}, so nothing shows that the gate holds"
        yield Finding(where, 1, 1, "", Level.ERROR, "nothing-to-judge", message, "write it to a file there")


def _leads(snapshot: LibrarySnapshot, situation: Situation, needs: str, *, key: str = "runbook") -> Answer:
    """Whether `situation` leads to runbooks that are there."""
    missing = [why for name in situation.runbooks if (why := absence(snapshot, name))]
    if not situation.runbooks:
        yield situation.finding("no-runbook", needs, hint=f"name it in `{key}`")
    elif not missing:
        yield f"{situation.id} {situation.title}: {', '.join(situation.runbooks)}"
    for why in missing:
        yield situation.finding("no-runbook", f"{needs}, and {why}")


def _page(snapshot: LibrarySnapshot, alert: Situation, needs: str) -> str | Finding:
    if why := coverage.page_absence(snapshot, alert):
        return alert.finding("no-page", f"{needs}, and {why}", hint="name a file of the library, or a URL")
    return f"{alert.id} {alert.title}: {alert.page}"


def _answers(snapshot: LibrarySnapshot, reference: Reference, why: str, runbook: str | None) -> str | Finding:
    missing = absence(snapshot, runbook) if runbook else "it names none"
    if missing:
        return reference.finding((), "no-runbook", f"{why}: needs a runbook, and {missing}")
    return f"{reference.id} {reference.title}: {runbook}"


_QUESTIONS: Mapping[str, tuple[str, Question]] = MappingProxyType(
    {
        "critical-scenarios": ("All critical scenarios have runbooks (RUN-)", critical_scenarios),
        "alerts": ("Each MON- alert maps to a RUN- procedure", alerts),
        "rollbacks": ("DEP- rollback triggers link to RUN- procedures", rollbacks),
        "risks": ("RISK- high/medium entries have response runbooks", risks),
        "owners-and-tests": ("All runbooks have owners and last-tested dates", owners_and_tests),
        "escalation": ("Escalation paths defined for all runbooks", escalation),
    }
)

GATES: tuple[str, ...] = tuple(_QUESTIONS)
"""The names of the gates, in their order."""


@dataclass(frozen=True)
class QualityGate:
    """A gate after it was asked: what speaks for it, and what against it."""

    name: str
    title: str
    evidence: tuple[str, ...]
    offenders: tuple[Finding, ...]

    @property
    def passed(self) -> bool:
        """Whether nothing speaks against it."""
        return not self.offenders


def ask(snapshot: LibrarySnapshot, proofs: Iterable[Proof]) -> tuple[QualityGate, ...]:
    """Every gate, asked of `snapshot` and of the `proofs` that its runbooks work.

    A gate that finds nothing to judge does not pass: nothing shows that it holds.

    Raises:
        InvalidFileError: a part of the library does not load, so that nobody can tell.
    """
    snapshot.whole()
    proven = tuple(proofs)
    gates = []
    for name, (title, question) in _QUESTIONS.items():
        answers = list(question(snapshot, proven))
        evidence = tuple(item for item in answers if isinstance(item, str))
        gates.append(QualityGate(name, title, evidence, tuple(item for item in answers if isinstance(item, Finding))))
    return tuple(gates)


_ID = regex(REFERENCE_ID.strip("^$"))


@dataclass(frozen=True)
class Comparison:
    """A gate beside what was expected of it: who offends as expected, who does not, and who is expected in vain."""

    gate: QualityGate
    expected: tuple[Finding, ...]
    unexpected: tuple[Finding, ...]
    vain: tuple[str, ...]

    @property
    def surprises(self) -> bool:
        """Whether it is not as it was expected to be."""
        return bool(self.unexpected or self.vain)


def compare(gate: QualityGate, names: Collection[str]) -> Comparison:
    """`gate` beside those of the expected `names` that are of it."""
    offending = {finding: name(gate.name, finding) for finding in gate.offenders}
    return Comparison(
        gate,
        tuple(finding for finding, label in offending.items() if label in names),
        tuple(finding for finding, label in offending.items() if label not in names),
        tuple(label for label in names if label.partition(":")[0] == gate.name and label not in offending.values()),
    )


def name(gate: str, offender: Finding) -> str:
    """What one expects `offender` by: `alerts:MON-001`; the gate alone where there was nothing to judge."""
    found = _ID.search(offender.path) or _ID.search(offender.file)
    return f"{gate}:{found[0]}" if found else gate


def check(text: str) -> str:
    """`text`, which may be such a name.

    Raises:
        ValueError: it is none.
    """
    gate, colon, offender = text.partition(":")
    if gate not in GATES:
        raise ValueError(f"{gate!r} is no gate; they are {', '.join(GATES)}")
    if colon and not _ID.fullmatch(offender):
        raise ValueError(f"{offender!r} is no id, like MON-001")
    return text
