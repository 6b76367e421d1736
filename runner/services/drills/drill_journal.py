"""What is known of one test of a drill while it goes on: what was said and measured, and why it has not passed."""

from collections.abc import Sequence
from dataclasses import field

from runner.core.deferred import dataclass
from runner.core.events import Instant
from runner.core.wording import listed
from runner.lab.probe import Probe
from runner.orchestrator.request import Result
from runner.render.drills.drill_result import DrillMoment, DrillResult, DrillVerdict, Training, WouldBeCall
from runner.services.drills.drill_task import DrillConditions, DrillTask
from runner.store.log.envelope import Record
from runner.store.log.log_reader import read


@dataclass(slots=True)
class DrillJournal:
    """Its record so far."""

    task: DrillTask
    conditions: DrillConditions
    run_id: str = field(init=False)
    began: Instant = field(init=False)
    reasons: list[str] = field(default_factory=list)
    moments: list[DrillMoment] = field(default_factory=list)
    proofs: tuple[str, ...] = ()
    run: Result | None = None
    training: Training | None = None
    stopped: str = ""
    not_begun: bool = False
    measured: dict[str, float | int | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.run_id = self.conditions.new_run_id()
        self.began = self.conditions.clock()

    def result(self) -> DrillResult:
        """What it has come to."""
        task, runbook, records = self.task, self.task.source.runbook, self.records()
        return DrillResult(
            runbook=task.source.id,
            name=task.name,
            title=task.drill.name or runbook.title,
            severity=runbook.severity,
            sha256=task.source.sha256,
            test=task.test,
            verdict=DrillVerdict.FAILED if self.reasons else DrillVerdict.PASSED,
            reasons=tuple(self.reasons),
            backend=task.backend,
            began=self.began.wall,
            seconds=self.conditions.clock().since(self.began),
            id=self.run_id,
            run=self.run.run_id if self.run else "",
            report=str(self.run.report) if self.run else "",
            outcome=str(self.run.outcome) if self.run else "",
            **self.measured,  # type: ignore[arg-type]
            proofs=self.proofs,
            calls=self.calls(),
            red=task.seen_red(records),
            verifications=tuple(task.looks),
            moments=tuple(self.moments),
            training=self.training,
            stopped=self.stopped,
            not_begun=self.not_begun,
        )

    def check_calls(self) -> None:
        """See that the run has called whom it must, and nobody else."""
        called = tuple(dict.fromkeys(each.contact for each in self.calls() if each.action == "trigger"))
        if {*called} != {*(wanted := self.task.drill.called)}:
            self.fail("called", f"it would have called {_people(called)}, and must call {_people(wanted)}")
        for each in self.calls():
            self.say("would call", f"{each.contact}: {each.summary}")
            for problem in each.problems:
                self.fail("refused page", f"{each.contact}: {problem}")

    def calls(self) -> tuple[WouldBeCall, ...]:
        """Whom its run has called, or would have."""
        return self.conditions.switchboard.calls() if self.run else ()

    def records(self) -> Sequence[Record]:
        """What the audit log has of its run."""
        return list(read(self.run.audit, run=self.run.run_id)) if self.run else []

    def measure(self, probe: Probe) -> None:
        """Note how often the probe was asked."""
        self.measured |= {"asked": probe.asked, "bad": probe.bad}

    def say(self, word: str, text: str) -> None:
        """Tell what happens."""
        moment = DrillMoment(self.conditions.clock().since(self.began), word, text)
        self.moments.append(moment)
        self.conditions.say(moment)

    def fail(self, word: str, text: str) -> None:
        """Tell why it does not pass."""
        self.reasons.append(text)
        self.say(word.upper(), text)


def _people(names: Sequence[str]) -> str:
    return listed(names) if names else "nobody"
