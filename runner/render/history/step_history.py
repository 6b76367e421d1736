"""What became of each step on each host."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from runner.core.events import DONE, Outcome

RUNNING = "running"
"""What a step, or a run, is called until it has ended."""


@dataclass(frozen=True, slots=True)
class Check:
    """One verification, or one answer of a person, on one host: what was expected, and how it was.

    `number` counts the step's verifications from 1 and is 0 for an approval, and for the action where it did not pass.
    `reason` says why it did not, or who answered and with which note. `trend` is what the samples saw, first to last;
    `seen` what there was to see where it did not pass: values, exit code and the last lines of the output.
    `attempt` counts the attempts of the run from 0.
    """

    number: int
    says: str
    host: str
    outcome: str
    reason: str = ""
    trend: tuple[str, ...] = ()
    seen: tuple[str, ...] = ()
    attempt: int = 0


@dataclass(frozen=True, slots=True)
class Action:
    """What a step did on a host: its command as it was done, its exit code, and the begin of what it printed.

    `evidence` is the file with all of it, below the directory of the run.
    """

    outcome: str
    command: str = ""
    exit_code: float | None = None
    output: str = ""
    evidence: str = ""


@dataclass(frozen=True, slots=True)
class HostHistory:
    """A step on one host: its outcome (`running` until it has ended), and what it did."""

    outcome: str
    action: Action | None = None


@dataclass(frozen=True)
class StepHistory:
    """One step: its outcome on each host, and each of its checks in the order in which they were made.

    `place` is the file and the line where it is written, `does` what it does as it is written. `seconds` is how long
    machines worked on it the last time it was begun; what people took to answer is not in it. None where it was not
    begun, or has not ended. One that belongs to a diagnosis has a `number`, and says when its `branch` is taken.
    `items` are what became of each item of its `each`.
    """

    id: str
    name: str
    effect: str
    hosts: Mapping[str, HostHistory]
    checks: tuple[Check, ...] = ()
    place: str = ""
    does: str = ""
    seconds: float | None = None
    number: str = ""
    branch: str = ""
    items: tuple[StepHistory, ...] = ()

    @property
    def every_check(self) -> tuple[Check, ...]:
        """Its own checks, and those of its items."""
        return (*self.checks, *(check for item in self.items for check in item.checks))

    @property
    def outcome(self) -> str:
        """The one outcome when all hosts agree, else each with its number."""
        found = [host.outcome for host in self.hosts.values()]
        if len(set(found)) == 1:
            return found[0]
        return ", ".join(f"{found.count(word)} {word}" for word in dict.fromkeys(found)) or Outcome.NEVER_REACHED

    @property
    def is_done(self) -> bool:
        """Whether it has passed, or is not needed, on every host that it has come to."""
        return bool(self.hosts) and all(host.outcome in DONE for host in self.hosts.values())

    @property
    def outcomes(self) -> Mapping[str, str]:
        """The outcome on each host."""
        return {name: host.outcome for name, host in self.hosts.items()}
