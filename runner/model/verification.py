"""One verification of a step: what is looked at, what must hold, and for how long."""

import math
import re
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any, Self

from pydantic import InstanceOf, model_validator

from runner.core.duration import seconds
from runner.core.fields import Limit, Model, Text, Title
from runner.kinds.invocation import Invocation
from runner.kinds.values import LimitOrInput
from runner.kinds.verifications.base import VerificationKind

DEFAULT_PAUSE = timedelta(seconds=1)
PROBE_TIMEOUT = timedelta(seconds=10)
MOST_SAMPLES = 10_000
"""Ansible keeps what every sample saw in memory."""


class Verification(Model):
    """A probe and a tolerance, written together as one mapping.

    `within` asks again until it holds; `hold_for` asks again and never may it not hold: each a duration, or the name of
    the input that says how long. Both pause `every` between samples. `become` says whether the probe is made as another
    user, which is as the step says where it is None.
    """

    says: Title
    kinds: tuple[InstanceOf[VerificationKind], ...]
    within: LimitOrInput | None = None
    every: Limit | None = None
    become: bool | None = None
    become_user: Text | None = None

    @model_validator(mode="before")
    @classmethod
    def _asked_again(cls, value: dict[str, Any]) -> dict[str, Any]:
        """With the limit of a kind that has one of its own in the place of `within`."""
        limits = [kind.asks_again for kind in value["kinds"] if kind.asks_again]
        if limits and value.get("within"):
            raise ValueError("says twice how long it may take; leave the `within` outside of it out")
        return {**value, "within": limits[0]} if limits else value

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if self.human and (len(self.kinds) > 1 or self.within):
            raise ValueError("is for a person to confirm, so nothing else can stand beside it")
        if sum(kind.probes for kind in self.kinds) > 1:
            raise ValueError("looks at two things; write one verification for each")
        if self.names and not self.probes:
            raise ValueError("compares with what was seen before, and has nothing to ask; add http, sql or command")
        if (self.within or self.held) and not self.human and not self.probes:
            raise ValueError("asks again, but has nothing to ask; add http, sql or command")
        if (self.become is not None or self.become_user) and not self.probes:
            raise ValueError("becomes another user, and has nothing to do as such; add http, sql or command")
        if self.become is False and self.become_user:
            raise ValueError("becomes nobody, and has a `become_user`; keep one")
        if self.privilege and (probe := self.probe()) and (probe.on_controller or probe.machine):
            raise ValueError(
                "asks from the machine where runbookctl runs, or another one, as whoever logs in; leave `become` out"
            )
        if self.within and self.held:
            raise ValueError("has both within and hold_for; write one verification for each")
        self._check_every()
        return self

    def _check_every(self) -> None:
        longest = self.within or self.held
        if self.every and not longest:
            raise ValueError("has `every`, which goes with within or hold_for, and neither of them")
        if isinstance(longest, timedelta) and self.every and self.every > longest:
            raise ValueError("pauses longer than it may take; make `every` shorter")
        if isinstance(longest, timedelta) and longest / self.pause > MOST_SAMPLES:
            raise ValueError(f"takes more than {MOST_SAMPLES:,} samples; make `every` longer")

    @property
    def names(self) -> Mapping[str, str]:
        """Names for its conditions besides those of the result, each with an expression over these."""
        return {name: text for kind in self.kinds for name, text in kind.names.items()}

    def bound(self, call: Invocation, register: str) -> dict[str, str]:
        """Each name of its conditions with its template, for the result of `call`, registered as `register`."""
        return call.bound(register) | {name: f"{{{{ {text} }}}}" for name, text in self.names.items()}

    @property
    def keeps_first(self) -> Mapping[str, str]:
        """What the first look finds and the later ones are compared with, each with an expression."""
        return {name: text for kind in self.kinds for name, text in kind.keeps_first.items()}

    @property
    def pause(self) -> timedelta:
        """The pause between samples."""
        return self.every or DEFAULT_PAUSE

    @property
    def human(self) -> bool:
        """Whether a person answers."""
        return any(kind.human for kind in self.kinds)

    @property
    def privilege(self) -> dict[str, bool | str]:
        """Ansible's keywords for whom the probe is made as, where that is not as the step says."""
        if self.become_user:
            return {"become": True, "become_user": self.become_user}
        return {} if self.become is None else {"become": self.become}

    @property
    def held(self) -> timedelta | str | None:
        """For how long every sample must be good, or the name of the input that says so."""
        return next((held for kind in self.kinds if (held := kind.held())), None)

    @property
    def samples(self) -> int | str:
        """How many samples are taken at most (`within`), or exactly (`hold_for`); an expression where an input says."""
        longest = self.held or self.within or timedelta(0)
        if isinstance(longest, str):
            return f"({longest}_seconds / {seconds(self.pause)[:-1]}) | round(0, 'ceil') | int + 1"
        return math.ceil(longest / self.pause) + 1

    @property
    def good_exits(self) -> tuple[int, ...]:
        """The exit codes that are good, where it says so; else empty, and 0 alone is good."""
        return tuple(code for kind in self.kinds for code in kind.good_exits)

    @property
    def expressions(self) -> tuple[str, ...]:
        """The conditions that the author wrote."""
        return tuple(text for kind in self.kinds for text in kind.expressions)

    @property
    def how(self) -> str:
        """How it is looked at and judged, where `says` does not say so already."""
        how = "; ".join(kind.describe() for kind in self.kinds)
        how += f", as {self.become_user}" if self.become_user else ""
        return "" if how == self.says else how

    @property
    def probes(self) -> bool:
        """Whether it has a call of its own, and is not about the step's own result."""
        return any(kind.probes for kind in self.kinds)

    def probe(self) -> Invocation | None:
        """The call whose result is judged; None for the step's own result."""
        limit = min(PROBE_TIMEOUT, self.within) if isinstance(self.within, timedelta) else PROBE_TIMEOUT
        return next((probe for kind in self.kinds if (probe := kind.probe(limit))), None)

    @property
    def machine(self) -> str | None:
        """The machine of the inventory from which it looks; None where the host of the step looks itself."""
        probe = self.probe() if self.probes else None
        return probe.machine if probe else None

    def conditions(self, text: str | None) -> list[str]:
        """All conditions, where the step's own result has the text named `text`.

        Raises:
            ValueError: a tolerance does not fit the result, or there is none.
        """
        probing = next((kind for kind in self.kinds if kind.probes), None)
        text = probing.text if probing else text
        conditions = [condition for kind in self.kinds for condition in kind.conditions(text)]
        if not conditions and probing is None:
            raise ValueError("sets no tolerance; add `that`")
        return conditions or list(probing.default_conditions() if probing else ())

    @property
    def complaint(self) -> str:
        """What its probe says where nothing but its own conditions judge it, and do not hold; empty for these."""
        alone = len(self.kinds) == 1 and self.kinds[0].probes
        return self.kinds[0].complaint if alone else ""

    @property
    def holds_by_a_line(self) -> bool:
        """Whether a whole line of the text that it judges may be enough."""
        judging = [kind for kind in self.kinds if not kind.probes and not kind.good_exits]
        return bool(judging) and all(kind.holds_by_a_line or kind.held() for kind in judging)

    def check(self, text: str | None, *, has_result: bool) -> None:
        """That it fits a step whose result, if it has one, has the text named `text`.

        Raises:
            ValueError: it does not.
        """
        if self.human:
            return
        if not has_result and not self.probes:
            raise ValueError("looks at the step's result, and this step has none; add sql, http, command or confirm")
        self.conditions(text)


def in_words(kinds: Iterable[VerificationKind]) -> str:
    """What is expected, where the runbook does not say it: what is looked at only when nothing else is said."""
    words = [(kind, kind.describe()) for kind in kinds]
    expected = [text for kind, text in words if text and not kind.probes]
    sentence = " and ".join(expected or [text for _, text in words if text]) or "-"
    sentence = re.sub(r"\{\{-? ?((?:(?!\{\{|\}\}).)*?) ?-?\}\}", r"<\1>", " ".join(sentence.split()))
    return (
        sentence.replace("{", "(").replace("}", ")")
        if any(mark in sentence for mark in ("{{", "{%", "{#"))
        else sentence
    )
