"""The hand-off of a run: what whoever is called must know to go on, made from the run's history."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from typing import Any

from runner.core.deferred import dataclass
from runner.core.events import DONE, IN_WORDS, EventType
from runner.core.wording import grouped, lines_joined, listed
from runner.model.provided_items import OF_EVERY_RUN, TREND, item_names, slug
from runner.render.handoff.going_on import commands, who_has, who_is_next, who_was_called
from runner.render.history.headline import headline
from runner.render.history.run_history import RunHistory
from runner.render.history.step_history import Check, StepHistory, numbers
from runner.render.history.timeline import Moment
from runner.store.lease import Silence

NOTHING_DONE = "nothing: it has not begun"
"""What stands for an item of a run that could not begin, and of which nothing is recorded."""
NOT_KNOWN = "not known to this run; ask the operator"
"""What stands for an item that is missing, so that nobody waits for it."""


@dataclass(frozen=True)
class HandOff:
    """What whoever is called must know of the run `run`.

    `happened` is what happened in two sentences; `provided` has each item that the runbook promises to `provide`, and
    `missing` names those that this run does not know: the hand-off is incomplete then. `seen` is what there was to see
    where something did not pass, `standing` has the hosts by how they stand, `steps` the outcome of each step on each
    host that it was begun on. `ways_on` are the command lines that go on from here, each with what it does; they are
    typed on the machine `machine` as the user `user`. `called` says who was called and whether it arrived, `taken` who
    has the incident, `next_call` who is called while nobody acknowledges, and `not_called` who was not, as it was
    outside of their hours. `triggers` are the rollback triggers, each in a line.
    """

    run: str
    outcome: str = ""
    happened: str = ""
    provided: Mapping[str, Any] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    seen: tuple[Mapping[str, Any], ...] = ()
    standing: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    steps: tuple[Mapping[str, Any], ...] = ()
    ways_on: tuple[tuple[str, str], ...] = ()
    machine: str = ""
    user: str = ""
    report: str = ""
    called: tuple[str, ...] = ()
    taken: str = ""
    next_call: str = ""
    not_called: tuple[str, ...] = ()
    triggers: tuple[str, ...] = ()

    @property
    def details(self) -> dict[str, Any]:
        """The same as JSON for a page, without what is empty; the items of `provide` under the runbook's words."""
        first = {
            "what happened": self.happened,
            "outcome": self.outcome,
            "incomplete": f"not known: {listed(self.missing, 20)}" if self.missing else "",
            "continue with": [f"{command}  # {does}" for command, does in self.ways_on],
            "on machine": self.machine,
            "as user": self.user,
            "called": list(self.called),
            "taken by": self.taken,
            "if nobody acknowledges": self.next_call,
            "not called": list(self.not_called),
            "rollback triggers": list(self.triggers),
            "hosts": {how: list(hosts) for how, hosts in self.standing.items()},
            "seen": [] if (seen := _in_words(self.seen)) in self.provided.values() else seen,
        }
        steps = {step["step"]: grouped((str(word), host) for host, word in step["on"].items()) for step in self.steps}
        last = {"steps": steps, "report": self.report, "run": self.run}
        given = {key: value for key, value in {**first, **last}.items() if value}
        return {**{key: given[key] for key in first if key in given}, **self.provided, **given}


def hand_off(
    run_id: str,
    run: RunHistory | None,
    provide: Sequence[str],
    *,
    calls: bool = False,
    silence: Silence | None = None,
) -> HandOff:
    """The hand-off of the run of that id, whose history is `run`; None where nothing of it could be recorded.

    Of what the runbook promises to `provide`, every run knows `timeline`, `actions`, `failure` and `trend` (what the
    sampled verifications saw). Another word stands for the input, or for the value captured on each host, of that
    name; the name of a step stands for what it printed on each host. Where it `calls` somebody, the first command is
    the one by which they take it. `silence` is that of its process, where that exists and gives no sign of life.
    """
    if run is None:
        return HandOff(run_id, provided=dict.fromkeys(provide, NOT_KNOWN), missing=tuple(provide))
    items = _items(run)
    found = {label: _named(label, items) for label in provide}
    actor = run.attempts[-1].actor
    but = [f"But it {silence.words}, on {actor.host}."] if silence else []
    return HandOff(
        run=run_id,
        outcome=run.outcome,
        happened=" ".join([_begun(run), headline(run), *but]),
        provided={label: NOT_KNOWN if value is None else value for label, value in found.items()},
        missing=tuple(label for label, value in found.items() if value is None),
        seen=tuple(_seen(run.steps_and_items)),
        standing=run.standing or _so_far(run),
        steps=tuple({"step": step.name, "on": dict(step.outcomes)} for step in run.steps if step.hosts),
        ways_on=commands(run, silence, calls=calls),
        machine=actor.host,
        user=actor.user,
        report=f"{run.directory}/report.html" if run.directory else "",
        called=who_was_called(run),
        taken=who_has(run),
        next_call=who_is_next(run),
        not_called=run.not_called,
        triggers=tuple(trigger.in_words for trigger in run.triggers),
    )


def missing(run: RunHistory) -> tuple[str, ...]:
    """What was promised to whoever was called for `run`, and is not known; nothing where nobody was called."""
    return hand_off(run.run, run, run.provide).missing if run.called else ()


def _begun(run: RunHistory) -> str:
    where = f" on {listed(run.hosts)}" if run.hosts else ""
    why = f": {reason}" if (reason := run.attempts[-1].reason or run.attempts[0].reason) else ""
    if not (why or run.environment):  # it may hold a secret of the inventory, which it had not read yet
        why = "; why is not told, as it could hold a secret of the inventory, which was not read by then"
    began = f"{run.started:%Y-%m-%d %H:%M:%S} UTC"
    environment = run.environment or "an environment that is not known"
    return f"{run.user} started {run.runbook} {run.title} in {environment}{where} at {began}{why.rstrip('.')}."


def _items(run: RunHistory) -> dict[str, Any]:
    """What the run knows, by the words that `provide` may use; None is for what it does not know."""
    items: dict[str, Any] = {step.id.replace("-", "_"): _printed(step) for step in run.steps}
    items |= {slug(step.name): _printed(step) for step in run.steps}
    of_every_run = [_line(moment) for moment in run.timeline], _actions(run), _in_words(_seen(run.steps_and_items))
    items |= {
        **{name: item or ["nothing"] for name, item in zip(OF_EVERY_RUN, of_every_run, strict=True)},
        TREND: dict(_trends(run.steps_and_items)) or None,
    }
    items |= run.facts.get("inputs") or {}
    for name in {name for values in run.captured.values() for name in values}:
        items[name] = {host: values[name] for host, values in run.captured.items() if name in values}
    return items


def _named(label: str, items: Mapping[str, Any]) -> Any:
    """The item that `label` stands for: by all its words, or by one of them; None where there is none."""
    found = (items[name] for name in item_names(label) if name in items)
    return next((item for item in found if item is not None), None)


def _printed(step: StepHistory) -> Mapping[str, str] | None:
    """What the step printed on each host, as far as the record has it."""
    acted = {host: each.action for host, each in step.hosts.items()}
    return {host: action.output for host, action in acted.items() if action and action.output} or None


def _line(moment: Moment) -> str:
    """A moment in one line: the time of day (UTC), what happened, and where."""
    where = f" {moment.where}" if moment.where else ""
    return f"{moment.time:%H:%M:%S} {moment.what}{where}" + (f": {moment.detail}" if moment.detail else "")


_ACTIONS = frozenset(
    IN_WORDS[kind] for kind in (EventType.STEP_INTENDED, EventType.STEP_FINISHED, EventType.GATE_ANSWERED)
)


def _actions(run: RunHistory) -> list[str]:
    """What was begun, ended and answered, with the command where there is one."""
    commands: dict[str, str] = {}
    for step in run.steps_and_items:
        for host, each in step.hosts.items():
            if each.action and each.action.command:
                commands[f"{step.name} on {host}"] = lines_joined(each.action.command)
    made = [moment for moment in run.timeline if moment.what in _ACTIONS]
    begins = IN_WORDS[EventType.STEP_INTENDED]
    return [
        _line(moment) + (f" ({commands[moment.where]})" if moment.what == begins and moment.where in commands else "")
        for moment in made
    ]


def _seen(steps: Iterable[StepHistory]) -> Iterable[Mapping[str, Any]]:
    """What did not pass the last time that its step was judged, and what there was to see of it."""
    for step in steps:
        last = max((check.attempt for check in step.checks), default=0)
        yield from (
            _failure(step, check) for check in step.checks if check.attempt == last and check.outcome not in DONE
        )


def _failure(step: StepHistory, check: Check) -> Mapping[str, Any]:
    shown = {
        "step": step.name,
        "host": check.host,
        "expected": check.says,
        "checked": check.how or (_done_by(step, check.host) if not check.number else ""),
        "outcome": check.outcome,
        "reason": check.reason,
        "seen": list(check.seen),
    }
    return {key: value for key, value in shown.items() if value}


def _done_by(step: StepHistory, host: str) -> str:
    """The command by which the step was done on a host, in one line; what is written where nothing is known of that."""
    acted = step.hosts.get(host)
    command = acted.action.command if acted and acted.action else ""
    return lines_joined(command or step.does)


def _in_words(failures: Iterable[Mapping[str, Any]]) -> list[str]:
    """The same in a line each: what was to be, on which hosts it was not, and what was seen of it there."""
    hosts: dict[tuple[str, str], list[str]] = {}
    for each in failures:
        how = f" [{each['checked']}]" if "checked" in each else ""
        what = ": ".join([each["expected"] + how, *(each[key] for key in ("outcome", "reason") if key in each)])
        more = [line for line in each.get("seen", ()) if line != each.get("reason")]
        saw = f"; seen: {'; '.join(more)}" if more else ""
        hosts.setdefault((each["step"], what + saw), []).extend([each["host"]] if "host" in each else [])
    return [f"{step}{f' on {listed(where, 20)}' if where else ''}: {what}" for (step, what), where in hosts.items()]


def _trends(steps: Iterable[StepHistory]) -> Iterable[tuple[str, list[float] | list[str]]]:
    """What each sampled verification saw, first to last: numbers where each sample is about one."""
    for step in steps:
        for check in (check for check in step.checks if check.trend):
            saw: list[float] | list[str] = [*map(_short, numbers(check.trend))] or [*check.trend]
            yield f"{step.name} on {check.host} ({check.says})", saw


def _short(number: float) -> float:
    """98.0 as 98."""
    return int(number) if number.is_integer() else number


def _so_far(run: RunHistory) -> dict[str, tuple[str, ...]]:
    """How the hosts of a run stand that has not ended, or died: by the last step that was begun there."""
    standing: dict[str, list[str]] = {}
    for host in run.hosts:
        last = next((step for step in reversed(run.steps) if host in step.hosts), None)
        standing.setdefault(f"{last.name}: {last.hosts[host].outcome}" if last else "untouched", []).append(host)
    return {how: tuple(hosts) for how, hosts in standing.items()}
