"""What each quality gate asks of a library: the answer is evidence, in words, and offenders, as findings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from runner.library.gates import coverage
from runner.library.gates.coverage import Situation, absence, answered
from runner.library.last_tested import Proof, last_tests
from runner.library.registry.registry import Deployment, Reference, Risk
from runner.library.snapshot import Collection
from runner.model.severity import NEEDS, Urgency, urgency
from runner.model.yaml.finding import Finding, Level

Answer = Iterator[str | Finding]
Question = Callable[[Collection, Sequence[Proof]], Answer]


def critical_scenarios(collection: Collection, _: Sequence[Proof]) -> Answer:
    """Whether each critical SCN- entry leads to a runbook."""
    critical = [each for each in coverage.scenarios(collection) if urgency(each.severity) is Urgency.CRITICAL]
    yield from _something(critical, "SCN- entry that is critical")
    for scenario in critical:
        yield from _leads(collection, scenario, "a critical scenario needs a runbook")


def alerts(collection: Collection, _: Sequence[Proof]) -> Answer:
    """Whether each MON- entry leads to what its severity asks for."""
    known = coverage.alerts(collection)
    yield from _something(known, "MON- entry")
    served = coverage.by_runbook(known)
    for alert in known:
        wanted = urgency(alert.severity)
        needs = f"{wanted}: needs {NEEDS[wanted]}"
        shared = coverage.not_dedicated(collection, alert, served) if wanted is Urgency.CRITICAL else ""
        if wanted is Urgency.INFO and alert.page is not None:
            yield _page(collection, alert, needs)
        elif shared:
            yield alert.finding("not-dedicated", f"{needs}, and {shared}")
        else:
            yield from _leads(collection, alert, needs, key="page" if wanted is Urgency.INFO else "runbook")


def rollbacks(collection: Collection, _: Sequence[Proof]) -> Answer:
    """Whether each DEP- entry with a rollback names the runbook that rolls back."""
    found = [each for each in answered(collection) if isinstance(each[0].entry, Deployment)]
    yield from _something(found, "DEP- entry with a `rollback`")
    for reference, why, runbook in found:
        yield _answers(collection, reference, why, runbook)


def risks(collection: Collection, _: Sequence[Proof]) -> Answer:
    """Whether each RISK- entry that is high or medium names the runbook for it."""
    found = [each for each in answered(collection) if isinstance(each[0].entry, Risk) and each[0].entry.level != "low"]
    yield from _something(found, "RISK- entry that is high or medium")
    for reference, why, runbook in found:
        yield _answers(collection, reference, why, runbook)


def owners_and_tests(collection: Collection, proofs: Sequence[Proof]) -> Answer:
    """Whether each runbook has an owner whom somebody knows, and a proof that it works as it is now."""
    yield from _something(collection.used, "runbook", "runbooks")
    tests = last_tests(collection.used.values(), proofs)
    for name, runbook in collection.used.items():
        owner, tested = runbook.owner, tests[name]
        if owner not in collection.contacts:
            yield runbook.finding(("owner",), "unknown-contact", f"nobody is called {owner!r}")
        if tested is None or not tested.current:
            when = "was never tested" if tested is None else f"has changed since its test on {tested.time:%Y-%m-%d}"
            when = f"{name} {when}"
            hint = f"let a run of it pass: runbook run {name} -i inventories/staging"
            yield runbook.finding(("id",), "not-tested", when, hint=hint)
        elif owner in collection.contacts:
            yield f"{name} {runbook.title}: {owner}, tested {tested}"


def escalation(collection: Collection, _: Sequence[Proof]) -> Answer:
    """Whether everybody whom a runbook escalates to can be called."""
    yield from _something(collection.used, "runbook", "runbooks")
    for name, runbook in collection.used.items():
        contacts = runbook.contacts
        mute = [
            (number, contact)
            for number, contact in enumerate(contacts)
            if contact not in collection.contacts or not collection.contacts[contact].channels
        ]
        for number, contact in mute:
            why = f"{contact!r} cannot be called: " + ("no channel" if contact in collection.contacts else "unknown")
            place, hint = ("escalation", "contacts", number), "add it to runbooks/contacts.yml"
            yield runbook.finding(place, "no-channel", why, hint=hint)
        if not mute:
            yield f"{name} {runbook.title}: {', '.join(contacts)}"


def _something(found: object, what: str, where: str = "runbooks/registry") -> Iterator[Finding]:
    """The finding that there is nothing to judge, where `found` is empty."""
    if not found:
        message = f"there is no {what}, so nothing shows that the gate holds"
        yield Finding(where, 1, 1, "", Level.ERROR, "nothing-to-judge", message, "write it to a file there")


def _leads(collection: Collection, situation: Situation, needs: str, *, key: str = "runbook") -> Answer:
    """Whether `situation` leads to runbooks that are there."""
    missing = [why for name in situation.runbooks if (why := absence(collection, name))]
    if not situation.runbooks:
        yield situation.finding("no-runbook", needs, hint=f"name it in `{key}`")
    elif not missing:
        yield f"{situation.id} {situation.title}: {', '.join(situation.runbooks)}"
    for why in missing:
        yield situation.finding("no-runbook", f"{needs}, and {why}")


def _page(collection: Collection, alert: Situation, needs: str) -> str | Finding:
    if why := coverage.page_absence(collection, alert):
        return alert.finding("no-page", f"{needs}, and {why}", hint="name a file of the library, or a URL")
    return f"{alert.id} {alert.title}: {alert.page}"


def _answers(collection: Collection, reference: Reference, why: str, runbook: str | None) -> str | Finding:
    missing = absence(collection, runbook) if runbook else "it names none"
    if missing:
        return reference.finding("", "no-runbook", f"{why}: needs a runbook, and {missing}")
    return f"{reference.id} {reference.entry.title}: {runbook}"
