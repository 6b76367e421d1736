"""The person at the keyboard: asked at every gate, or answered for in advance by a flag."""

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

import click

from runner.approvals.gate_context import describe
from runner.cli.output.terminal import brief, labelled, safe
from runner.cli.prompts import choice
from runner.cli.prompts import keyboard as typed
from runner.compiler.segments import Gate
from runner.core.deferred import dataclass
from runner.core.duration import comes_true
from runner.model.escalation_policy import Declared
from runner.model.runbook import Runbook
from runner.orchestrator.run_environment import GateAnswer, QuestionView
from runner.render.history.decisions import NOBODY

_QUESTIONS = {
    "approve": "Go ahead? (y)es, (n)o, (e)scalate",
    "elsewhere": "(n)o, (e)scalate",
    "manual": "Done? (y)es, (n)o, (e)scalate",
    "confirm": "Is this so? (y)es, (n)o, (e)scalate",
    "trigger": "Start the rollback? (y)es, (n)o and go on, (e)scalate",
    "step": "(g)o, (s)kip, (u)ndo everything, (e)scalate, (a)bort",
    "unknown": "Is it (d)one, shall it be done again (r), (n)either, or (e)scalate?",
}
_YES = frozenset("ygd")
_PAUSE = 0.2
_INSTEAD: Mapping[str, Any] = {"s": "skip", "u": "undo", "r": "redo"}


@dataclass(frozen=True)
class InAdvance:
    """What flags have answered before anybody is asked.

    `yes` answers approvals, `confirmed` names the steps whose manual work and confirmations the person who started the
    run vouches for, `picked` is what is chosen, and `auto` answers everything that has an automatic answer. `wait` is
    for how many seconds an answer from elsewhere is waited for where there is no terminal.
    """

    yes: bool = False
    confirmed: Collection[str] = ()
    picked: Sequence[choice.Picked] = ()
    auto: bool = False
    wait: float = 0.0


class Prompt:
    """Asks on the terminal; where there is none, only what a flag has answered in advance passes."""

    def __init__(
        self, runbook: Runbook, user: str, *, given: InAdvance, pause: Callable[[], AbstractContextManager[Any]]
    ) -> None:
        self._runbook, self._user, self._given, self._pause = runbook, user, given, pause

    def answer(self, gate: Gate, view: QuestionView) -> GateAnswer | None:
        """The answer to `gate`; None once it is settled from elsewhere."""
        if early := self._in_advance(gate, view):
            return early
        if not typed.is_there():
            return self._wait(gate, view)
        with self._pause():
            self._show(view)
            if gate.kind == "choose":
                return self._choose(gate, view)
            return self._ask(gate, view)

    def _wait(self, gate: Gate, view: QuestionView) -> GateAnswer | None:
        """Where there is nobody to ask: wait for those who are elsewhere, if there is a word of them."""
        if not (view.objection or (view.needs and self._given.wait)):
            return GateAnswer(yes=False, by=NOBODY, note=f"there is no terminal to ask on; {_flag(gate)}")
        click.echo(f"waits    {gate.step.id} needs {safe(view.needs)}: runbook approve {view.context.run}", err=True)
        if comes_true(view.settled, within=self._given.wait or math.inf, every=_PAUSE):
            return None
        return GateAnswer(
            yes=False, by=NOBODY, note="nobody has answered while the run waited; see --wait", waited=True
        )

    def _in_advance(self, gate: Gate, view: QuestionView) -> GateAnswer | None:
        if gate.kind == "choose":
            return self._picked(gate, view)
        if self._given.auto and gate.kind in {"approve", "manual", "confirm"}:
            return GateAnswer(yes=True, by=NOBODY, note="nobody was asked: --auto")
        note = ""
        if gate.kind == "approve" and self._given.yes and not view.objection:
            note = "given in advance with --yes"
        elif gate.kind in {"manual", "confirm"} and gate.name in self._given.confirmed:
            note = "given in advance with --confirm"
        return GateAnswer(yes=True, by=self._user, note=note) if note else None

    def _picked(self, gate: Gate, view: QuestionView) -> GateAnswer | None:
        """What is chosen in advance: everything in an automatic run, else what `--choose` names for each host."""
        chosen: dict[str, Sequence[Any]] = {}
        for host in view.hosts:
            values = choice.values_of(gate.step.choose[gate.choice], view.captured.get(host, {}))
            wanted = [
                each.values
                for each in self._given.picked
                if (each.step, each.name) == (gate.step.id, gate.choice) and each.host in {None, host}
            ]
            if not (wanted or self._given.auto):
                return None
            chosen[host] = choice.pick(values, wanted[-1], host=host) if wanted else values
        by = NOBODY if self._given.auto else self._user
        return GateAnswer(yes=self._given.auto or any(chosen.values()), by=by, note=_told(chosen), chosen=chosen)

    def _choose(self, gate: Gate, view: QuestionView) -> GateAnswer | None:
        while (chosen := self._pick(gate, view)) is not None:
            if any(chosen.values()):
                return GateAnswer(yes=True, by=self._user, note=_told(chosen), chosen=chosen)
            letter = typed.letter(
                "  Nothing is chosen. (c)hoose again, (e)scalate, or (a)bort the run?", "cea", settled=view.settled
            )
            if letter == "e":
                return GateAnswer(yes=False, by=self._user, declared=self._declare())
            if letter != "c":
                return GateAnswer(yes=False, by=self._user, note="nothing was chosen") if letter else None
        return None

    def _pick(self, gate: Gate, view: QuestionView) -> dict[str, Sequence[Any]] | None:
        """What a person chooses on each host; None once the question is settled."""
        picks = gate.step.choose[gate.choice]
        chosen: dict[str, Sequence[Any]] = {}
        for host in view.hosts:
            rows = view.captured.get(host, {}).get(picks.from_, [])
            rows = rows if isinstance(rows, list) else [rows]
            values = choice.values_of(picks, view.captured.get(host, {}))
            if (picked := choice.ask(rows, values, host=host, settled=view.settled)) is None:
                return None
            chosen[host] = picked
        return chosen

    def _show(self, view: QuestionView) -> None:
        context = view.context
        click.secho(f"\n{safe(context.name)}", bold=True, err=True)
        click.echo("\n".join(labelled(describe(context, until=view.until))), err=True)
        if view.objection:
            click.echo(f"  {safe(view.objection)}", err=True)
        if view.objection and not context.missing:
            click.echo(f"  It needs {safe(view.needs)}: runbook approve {context.run}", err=True)

    def _ask(self, gate: Gate, view: QuestionView) -> GateAnswer | None:
        question = _QUESTIONS["elsewhere" if view.objection else gate.kind]
        letters = [question[at + 1] for at, mark in enumerate(question) if mark == "("]
        letter = typed.letter(f"  {question}", letters, settled=view.settled)
        if letter is None:
            return None
        if letter == "e":
            return GateAnswer(yes=False, by=self._user, declared=self._declare())
        if letter in _INSTEAD:
            return GateAnswer(yes=False, by=self._user, instead=_INSTEAD[letter])
        note = ""
        if gate.kind in {"manual", "confirm"} and letter in _YES:
            note = _text(
                click.prompt("  Note for the record, or Enter for none", default="", show_default=False, err=True)
            )
        return GateAnswer(yes=letter in _YES, by=self._user, note=note)

    def _declare(self) -> str:
        reasons = [item.declared for item in self._runbook.escalation.when if isinstance(item, Declared)]
        for number, text in enumerate(reasons, 1):
            click.echo(f"    {number}  {safe(text)}", err=True)
        how = "a number, or in words" if reasons else "in a few words"
        answer = _text(click.prompt(f"  Why ({how})", err=True))
        return reasons[int(answer) - 1] if answer.isdecimal() and 0 < int(answer) <= len(reasons) else answer


def _flag(gate: Gate) -> str:
    """Which flag would have answered."""
    flags = {
        "approve": "--yes answers in advance",
        "choose": f"--choose {gate.step.id}.{gate.choice}=VALUE,VALUE answers in advance",
        "step": "--step needs one",
        "trigger": "a trigger with `auto: true` asks nobody",
        "unknown": f"{gate.flags} answers in advance",
    }
    return flags.get(gate.kind, f"--confirm {gate.name} answers in advance")


def _told(chosen: Mapping[str, Sequence[Any]]) -> str:
    return "; ".join(f"{host}: {brief(list(values))}" for host, values in chosen.items())


def _text(typed: str) -> str:
    """What was typed; bytes that are not text in UTF-8, which Python shows as half surrogate pairs, as escapes."""
    return typed.encode(errors="backslashreplace").decode()
