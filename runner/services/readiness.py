"""Whether a run could begin: its hosts, keys, guards and prerequisites are looked at, and nothing is changed."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from runner.core.deferred import dataclass
from runner.core.errors import DeniedError, ExitCode
from runner.core.events import DONE, EventType
from runner.escalation.contract_check import call_problems
from runner.escalation.policy import is_critical
from runner.model.runbook import Runbook
from runner.orchestrator.request import RunRequest
from runner.orchestrator.run_environment import RunEnvironment
from runner.services.runs import start_run
from runner.services.watching import watch_in_words
from runner.store.log.envelope import Record
from runner.store.log.log_reader import read


@dataclass(frozen=True)
class Readiness:
    """Whether a run could begin: what it would be refused for, with its exit code, and whom it could not call.

    `watch` says of a critical run whether somebody would hear of it soon if its command died.
    """

    run: str
    begins: str
    exit_code: ExitCode
    refused_for: tuple[str, ...]
    not_callable: tuple[str, ...]
    report: str
    hint: str = ""
    watch: str = ""

    @property
    def ready(self) -> bool:
        """Whether nothing would refuse it."""
        return self.exit_code is ExitCode.DONE

    def as_data(self) -> dict[str, Any]:
        """The same as JSON has it."""
        data = {**asdict(self), "type": "result", "outcome": "ready" if self.ready else "refused"}
        return {**data, "exit_code": int(self.exit_code)}


def check_readiness(request: RunRequest, env: RunEnvironment) -> Readiness:
    """Log in to every host, probe every prerequisite and ask every guard, as a run would; nobody is asked or called.

    Raises:
        RunbookError: it was refused before it had begun, and nothing of it is recorded.
    """
    runbook, result = request.source.runbook, start_run(replace(request, mode="preflight"), env)
    records = list(read(result.audit, run=result.run_id))
    guards = [each.data for each in records if each.type == EventType.GUARD_CHECKED]
    refused = tuple(str(guard["sentence"]) for guard in guards if guard["verdict"] == "refused")
    code = DeniedError.exit_code if result.exit_code is ExitCode.DONE and refused else result.exit_code
    refused += (*_unmet(runbook, records), *result.problems)
    if code is not ExitCode.DONE and not refused:
        refused = (str(result.outcome),)
    return Readiness(
        run=result.run_id,
        begins=f"{runbook.id} {runbook.title}",
        exit_code=code,
        refused_for=refused,
        not_callable=call_problems(runbook, request.contacts, env.secrets, now=env.clock().wall),
        report=str(result.report),
        hint=result.hint,
        watch=watch_in_words(env.state, env.clock()) if is_critical(runbook) else "",
    )


def _unmet(runbook: Runbook, records: list[Record]) -> tuple[str, ...]:
    """The prerequisites that do not hold, each with its host."""
    names: Mapping[str | None, str] = {step.id: step.name for step in runbook.prerequisites}
    ends = [each for each in records if each.type == EventType.STEP_FINISHED and each.step in names]
    failed = [each for each in ends if each.data["outcome"] not in DONE]
    return tuple(f"{names[each.step]} on {each.host}: {each.data['outcome']}" for each in failed)
