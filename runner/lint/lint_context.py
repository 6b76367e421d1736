"""A runbook as the rules of lint look at it: as it was read, as it is written, and with what lies around it."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import cached_property
from typing import Any, TypeVar

from runner.core.deferred import dataclass, regex
from runner.core.shell.shell_code import Code
from runner.kinds.base import Kind, ReadFile
from runner.kinds.foreign_code import PluginError
from runner.library.runbook_source import Source
from runner.model.contacts import Contact
from runner.model.procedure.drill import PARTS
from runner.model.runbook import Runbook
from runner.model.step import Approval, Step, Undo
from runner.model.verification import Verification
from runner.model.yaml.document import Document
from runner.model.yaml.finding import Place, leaves

_Answer = TypeVar("_Answer")

_PROSE = frozenset(
    {"title", "condition", "event", "handles", "excludes", "what", "help", "name", "why", "manual", "confirm", "says"}
    | {"approve", "declared", "provide", "do", "follow_up"}
)
PROCEDURES = ("prerequisites", "steps", "on_cancel")


@dataclass(frozen=True, slots=True)
class Placed:
    """A step where it stands."""

    place: Place
    step: Step

    @property
    def prerequisite(self) -> bool:
        """Whether it is one."""
        return self.place[0] == "prerequisites"


@dataclass(frozen=True, slots=True)
class Work:
    """What a machine does, or looks at: an action, or the probe of a verification, with what judges its result."""

    place: Place
    step: Step
    kind: Kind
    judged_by: tuple[Verification, ...]
    looks: bool
    """Whether it is a probe."""


@dataclass(frozen=True)
class LintContext:
    """One runbook to be looked at on the day `today`.

    `variables` are the names that the inventories set, None when there is no inventory to ask; `incomplete` says that
    they may set others, which nobody can read. `vaulted` are those, or parts of them, that ansible-vault has encrypted.
    `rules` are the names of the rules, `reported` those that have found something, each with the file and the line;
    both are there for the rule that speaks last.
    """

    source: Source
    contacts: Mapping[str, Contact]
    today: date
    variables: frozenset[str] | None = None
    rules: frozenset[str] = frozenset()
    reported: frozenset[tuple[str, str, int]] = frozenset()
    incomplete: bool = False
    reached: frozenset[str] | None = None
    vaulted: frozenset[str] = frozenset()

    @property
    def document(self) -> Document:
        """What is written."""
        return self.source.document

    @property
    def runbook(self) -> Runbook:
        """The runbook as it was read."""
        return self.source.runbook

    def written(self, place: Place) -> Any:
        """What is written at `place`; None when nothing is."""
        try:
            return self.document.at(place)
        except LookupError:
            return None

    def leaves(self, place: Place) -> Iterator[tuple[Place, str]]:
        """Every text that is written at or below `place`."""
        yield from ((at, text) for at, text in leaves(self.written(place), place) if isinstance(text, str))

    def lines(self) -> Iterator[tuple[int, str]]:
        """Every line of the file and of its shared steps, after the number of characters before it."""
        for before, document in self.texts():
            yield from ((before + match.start(), match[0]) for match in re.finditer(r"[^\n]+", document.text))

    def texts(self) -> Iterator[tuple[int, Document]]:
        """The file, and each file of shared steps that it uses, after the number of characters before it."""
        before = 0
        for document in (self.document, *self.document.shared):
            yield before, document
            before += len(document.text)

    def sentences(self) -> Iterator[tuple[Place, str]]:
        """Every text for people, where it is written."""
        for place, text in self.leaves(()):
            words = [part for part in place if isinstance(part, str)]
            if words and words[-1] in _PROSE:
                yield place, text

    def procedure(self) -> Sequence[Placed]:
        """Every step where it stands, in the order in which they are done."""
        return self._procedure

    def approvals(self) -> Iterator[tuple[Place, Approval]]:
        """What is asked before a step, where it stands."""
        for placed in self.procedure():
            if placed.step.approve:
                yield (*placed.place, "approve"), placed.step.approve

    def verifications(self) -> Iterator[tuple[Place, Step, Verification]]:
        """Every verification where it stands, those of an undo and of a rollback trigger as well."""
        for placed in (*self.procedure(), *self._watched):
            for place, verification in _verifications(placed):
                yield place, placed.step, verification

    def conditions(self, place: Place, verification: Verification) -> Iterator[tuple[Place, str]]:
        """Every condition of the `verification` at `place`, where it is written."""
        is_list = isinstance(self.written((*place, "that")), list)
        for number, text in enumerate(verification.expressions):
            yield (*place, "that", *([number] if is_list else [])), text

    def rehearsed(self) -> Iterator[Sequence[Placed]]:
        """The steps of each part of a drill: what one captures the later ones of the same part have, and no others."""
        for number, drill in enumerate(self.runbook.drill):
            for part in PARTS:
                numbered = [(phase, *each) for phase in part for each in enumerate(drill.steps(phase))]
                yield [Placed(("drill", number, phase, nth), step) for phase, nth, step in numbered]

    def works_of(self, placed: Placed) -> Iterator[Work]:
        """What a machine does or looks at in one step."""
        yield from _actions(placed.place, placed.step, placed.step)
        if placed.step.undo:
            yield from _actions((*placed.place, "undo"), placed.step, placed.step.undo)
        yield from _probes(placed)

    def works(self) -> Sequence[Work]:
        """Everything that a machine does or looks at."""
        return self._works

    def codes(self) -> Sequence[tuple[Work, Code]]:
        """Every piece of shell code, and every command line, with the work that it does."""
        return self._codes

    @cached_property
    def _procedure(self) -> Sequence[Placed]:
        steps = [(key, enumerate(getattr(self.runbook, key, ()))) for key in PROCEDURES]
        return tuple(Placed((key, number), step) for key, numbered in steps for number, step in numbered)

    @cached_property
    def _watched(self) -> Sequence[Placed]:
        return tuple(Placed(("watch", number, "step"), each.step) for number, each in enumerate(self.runbook.watch))

    @cached_property
    def _works(self) -> Sequence[Work]:
        looks = (each for placed in self._watched for each in _probes(placed))
        return (*(each for placed in self.procedure() for each in self.works_of(placed)), *looks)

    @cached_property
    def _codes(self) -> Sequence[tuple[Work, Code]]:
        return tuple((work, code) for work in self._works if (code := self.code_of(work)))

    def code_of(self, work: Work) -> Code | None:
        """The shell code, or the command line, of one `work`; None where it is something else."""
        return self._answer(work.kind.shell_code, None)

    def destroyed_by(self, work: Work) -> str:
        """The words with which `work` destroys something; empty where nothing is."""
        return self._answer(work.kind.destroys, "")

    def changed_by(self, work: Work) -> str:
        """The words with which `work` changes something; empty where it only looks, as far as one sees."""
        return self._answer(work.kind.changes, "")

    def result_names(self, work: Work) -> frozenset[str]:
        """The names by which a condition speaks of what `work` gives."""
        return self._answer(work.kind.result_names, frozenset())

    def _answer(self, ask: Callable[[ReadFile], _Answer], otherwise: _Answer) -> _Answer:
        """What a kind answers; `otherwise` where a file that it names cannot be used, which is another finding."""
        try:
            return ask(self.source.read_file)
        except PluginError:  # nobody knows the answer, and "no" would be the dangerous one
            raise
        except ValueError:
            return otherwise


def _verifications(placed: Placed) -> Iterator[tuple[Place, Verification]]:
    """The verifications of a step and of its undo, where they stand."""
    for number, verification in enumerate(placed.step.verify):
        yield (*placed.place, "verify", number), verification
    for number, verification in enumerate(placed.step.undo.verify if placed.step.undo else ()):
        yield (*placed.place, "undo", "verify", number), verification


def _probes(placed: Placed) -> Iterator[Work]:
    for place, verification in _verifications(placed):
        for kind in verification.kinds:
            if kind.probes:
                yield Work((*place, kind.key), placed.step, kind, (verification,), looks=True)


def _actions(place: Place, step: Step, done: Step | Undo) -> Iterator[Work]:
    if done.action and not done.action.human:
        judges = tuple(each for each in done.verify if not each.human and not each.probes)
        yield Work((*place, done.action.key), step, done.action, judges, looks=False)


_SAYS = regex(r"\b(?:stdout|stderr|json|content|result)\b")
_ANY = regex(r"\b(?:stdout|content)\b[^=<>]*(?:\|\s*length\s*>\s*0|!=\s*['\"]{2}|is\s+defined)")


def judges_output(verifications: Iterable[Verification]) -> bool:
    """Whether one of them looks at what is said; that something is said is not enough, an error says something too."""
    return any(
        any(kind.judges_text for kind in each.kinds)
        or any(_SAYS.search(text) and not _ANY.search(text) for text in each.expressions)
        for each in verifications
    )


def exit_codes(verifications: Iterable[Verification]) -> frozenset[int]:
    """The exit codes that they call good; 0 alone where none says so."""
    return frozenset(code for each in verifications for code in each.good_exits) or frozenset({0})
