"""The demo itself: a real database breaks, RUN-001 repairs it; a release is done by RUN-002, and one is taken back."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from runner.channels.webhook import Webhook
from runner.compiler.committed_playbook import reviewed, reviewed_beside
from runner.compiler.segments import Gate
from runner.core.deferred import dataclass
from runner.core.errors import ExitCode
from runner.lab.probe import Probe, get, health
from runner.lab.receiver import Receiver
from runner.lab.shop import BAD, GOOD, Shop
from runner.library.library import Library
from runner.library.runbook_source import Source
from runner.model.contacts import Contact
from runner.orchestrator.request import Result, RunRequest
from runner.orchestrator.run_environment import GateAnswer, QuestionView

Say = Callable[[str], None]
Start = Callable[[RunRequest], Result]
"""Does a request, with whatever draws and answers around it."""

_PATIENCE = 10.0
"""Seconds in which the probe must see what has happened."""

_UNTREATED = 5.0
"""Seconds for which the broken system is watched when nobody repairs it."""


@dataclass(frozen=True, slots=True)
class DemoResult:
    """Whether the demo showed what it promised, and for how many seconds the service was down as the probe saw it.

    `recovery` are the seconds from the beginning of the run to the first good answer; None without a recovery.
    """

    ok: bool
    outage: float | None = None
    run: Result | None = None
    recovery: float | None = None

    @property
    def exit_code(self) -> ExitCode:
        """The exit code of the command; an interrupted demo has not failed."""
        if self.run and self.run.exit_code is ExitCode.INTERRUPTED:
            return ExitCode.INTERRUPTED
        return ExitCode.DONE if self.ok else ExitCode.FAILED


class ScriptedOperator:
    """Answers every gate with yes and says that it is a script, in the audit log too."""

    def answer(self, gate: Gate, view: QuestionView) -> GateAnswer:
        """Yes."""
        del view
        return GateAnswer(yes=True, by="rehearsal script", note=f"{gate.kind} answered without a person")


@dataclass(frozen=True, slots=True)
class RehearsalLibrary(Library):
    """A library of which everybody is reached at `url` alone, also by a runbook that goes on for another one."""

    url: str = ""

    def contacts(self, source: Source) -> Mapping[str, Contact]:
        """Everybody whom `source` names."""
        runbook, channel = source.runbook, Webhook(url=self.url)
        told = [name for step in runbook.procedure if step.announces for name in step.announces.to]
        people = (runbook.owner, *runbook.escalation.contacts, *told)
        return {name: Contact(name=name, channels=(channel,)) for name in people}


@dataclass(frozen=True, slots=True)
class Stage:
    """What every rehearsal needs: where its runbooks and hosts are, who is called, and who does and tells."""

    library: Library
    inventories: Sequence[Path]
    receiver: Receiver
    start: Start
    say: Say
    new_run_id: Callable[[], str]

    def request(self, runbook: str, inputs: Mapping[str, Any]) -> RunRequest:
        """The request to do `runbook` against the inventories; whoever it calls is only the receiver."""
        library = RehearsalLibrary(self.library.root, self.library.cache, url=self.receiver.url)
        source = library.source(runbook)
        defaults = {name: item.default for name, item in source.runbook.inputs.items()}
        return RunRequest(
            run_id=self.new_run_id(),
            source=source,
            playbook=reviewed(library, source),
            beside=reviewed_beside(library, source),
            contacts=library.contacts(source),
            inventories=self.inventories,
            inputs={**defaults, **inputs},
            library=library,
        )


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What is broken (`inject` does that, and says what it did), what mends it, and what a user asks meanwhile.

    `inputs` are what the runbook is given, `budget` are the seconds in which the probe must see the system well again,
    `patience` those in which it must see that it is broken.
    """

    runbook: str
    inputs: Mapping[str, Any]
    url: str
    inject: Callable[[], str]
    budget: float = _PATIENCE
    begins: str = ""
    patience: float = _PATIENCE


def repair(stage: Stage, rehearsal: Rehearsal, *, fault: bool = True, remediation: bool = True) -> DemoResult:
    """Break the system, and let its runbook bring it back while a probe of its own watches."""
    url = rehearsal.url
    with Probe.watching(health(url)) as probe:
        if not probe.wait(healthy=True, within=rehearsal.patience):
            stage.say(f"NOT WELL   before anything was done: {_health(url)}")
            return DemoResult(ok=False)
        stage.say(f"up         {rehearsal.begins}{url} answers 200")
        if fault and not _broken(stage, rehearsal, probe):
            return DemoResult(ok=False)
        if not remediation:
            recovered = probe.wait(healthy=True, within=_UNTREATED)
            stage.say(f"untreated  {_UNTREATED:g} s later: {_health(url)}")
            return DemoResult(ok=recovered)
        began = time.monotonic()
        result = stage.start(stage.request(rehearsal.runbook, rehearsal.inputs))
        passed = result.exit_code is ExitCode.DONE
        recovered = probe.wait(healthy=True, within=rehearsal.budget if passed else 0)
        last = probe.outages[-1] if recovered and probe.outages else None
    outage, ended = (last.seconds, last.ended) if last else (None, None)
    if fault:
        took = f"{outage:.1f} s of outage as the independent probe saw it" if outage is not None else _health(url)
        stage.say(f"{'RECOVERED' if recovered and passed else 'NOT RECOVERED'}  {took}")
    elif not passed:
        stage.say(f"REFUSED    {rehearsal.runbook} leaves a healthy system alone: {_health(url)}")
    recovery = ended - began if ended is not None else None
    return DemoResult(ok=recovered and passed, outage=outage, run=result, recovery=recovery)


def _broken(stage: Stage, rehearsal: Rehearsal, probe: Probe) -> bool:
    """Whether the probe has seen that the fault hurts: what a user never noticed, nobody can have mended."""
    words = rehearsal.inject()
    if not probe.wait(healthy=False, within=rehearsal.patience):
        stage.say(f"NOT BROKEN {words}, and still {_health(rehearsal.url)}")
        return False
    stage.say(f"FAULT      {words}: {_health(rehearsal.url)}")
    return True


def leak(shop: Shop) -> Rehearsal:
    """The nightly report leaks connections until the service of `shop` is down, and RUN-001 ends them."""

    def inject() -> str:
        return f"the nightly report left {shop.break_it()} connections open"

    url, inputs = f"{shop.app_urls[0]}/health", {"stuck_after": "1s", "steady_for": "1s"}
    return Rehearsal("RUN-001", inputs, url, inject, begins="PostgreSQL, the web shop at ")


def release(stage: Stage, shop: Shop) -> DemoResult:
    """Release a good version by RUN-002, then a bad one, which has to be taken back; no customer may notice."""
    with Probe.watching(health(f"{shop.balancer_url}/orders")) as customers:
        result = _releases(stage, shop)
    unanswered = f"{len(customers.outages)} times not answered well"
    stage.say(f"customers  asked the load balancer {customers.asked} times meanwhile, and were {unanswered}")
    return replace(result, ok=result.ok and not customers.outages)


def _releases(stage: Stage, shop: Shop) -> DemoResult:
    for version, expected in ((GOOD, GOOD), (BAD, GOOD)):
        stage.say(f"release    {version} to {', '.join(app.name for app in shop.apps)}; they serve {_versions(shop)}")
        inputs = {"version": version, "soak_for": "2s", "watch_for": "2s"}
        result = stage.start(stage.request("RUN-002", inputs))
        served = _versions(shop)
        stage.say(f"released   {version}: {result.outcome}; every host serves {served}")
        if served != expected or (result.exit_code is ExitCode.DONE) is not (version == GOOD):
            return DemoResult(ok=False, run=result)
    pages = [message for message in stage.receiver.messages if str(message.get("type", "")).endswith(".trigger")]
    stage.say(f"called     {len(pages)} pages about the bad release arrived")
    return DemoResult(ok=bool(pages), run=result)


def _versions(shop: Shop) -> str:
    versions = {str(get(f"{url}/health").body.get("version", "nothing")) for url in shop.app_urls}
    return " and ".join(sorted(versions))


def _health(url: str) -> str:
    answer = get(url)
    reason = str(answer.body.get("error", "")).rpartition("FATAL:")[2].strip()
    return f"/health answers {answer.status}" + (f" ({reason})" if reason else "")
