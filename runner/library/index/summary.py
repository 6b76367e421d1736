"""A runbook in short: what lists, links, gates and the matrix tell of it, without its steps."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Self

from pydantic import Strict

from runner.core.deferred import regex
from runner.core.fields import Model
from runner.library.runbook_source import Source
from runner.model.runbook import Category, Deprecated, Scope, Trigger
from runner.model.severity import Severity
from runner.model.yaml.document import Document
from runner.model.yaml.finding import Finding, Level, Place, Position, show

_TODO = regex(r"\bTODO\b")  # as `runbook new` and `runbook import` leave it where somebody must write


class Summary(Model):
    """What a RUN- file says of itself, which of its lines say it, and the SHA-256 of its text.

    `contacts` are called when it escalates, `required_inputs` have no default, `steps` is how many it has. `todo_line`
    is the first line in which something is still to be written; None where nothing is.
    """

    file: str
    sha256: str
    id: str
    title: str
    deprecated: Deprecated | None
    category: Annotated[Category, Strict(strict=False)]
    severity: Severity
    owner: str
    trigger: Trigger
    scope: Scope
    contacts: tuple[str, ...]
    required_inputs: tuple[str, ...]
    steps: int
    todo_line: int | None
    positions: Mapping[str, tuple[int, int]]

    @classmethod
    def of(cls, source: Source) -> Self:
        """The summary of the runbook in `source`."""
        runbook, document = source.runbook, source.document
        return cls(
            file=document.file,
            sha256=source.sha256,
            id=runbook.id,
            title=runbook.title,
            deprecated=runbook.deprecated,
            category=runbook.category,
            severity=runbook.severity,
            owner=runbook.owner,
            trigger=runbook.trigger,
            scope=runbook.scope,
            contacts=runbook.escalation.contacts,
            required_inputs=tuple(name for name, item in runbook.inputs.items() if item.default is None),
            steps=len(runbook.steps),
            todo_line=_line_of_todo(document.text),
            positions={show(place): document.position(place) for place in _places(document)},
        )

    def position(self, place: Place) -> Position:
        """Where `place` stands; what is not known stands where its nearest ancestor does."""
        while place and show(place) not in self.positions:
            place = place[:-1]
        return Position(*self.positions[show(place)])

    def finding(self, place: Place, rule: str, message: str, *, hint: str = "", level: Level = Level.ERROR) -> Finding:
        """The finding that something is wrong at `place`."""
        return Finding(self.file, *self.position(place), show(place), level, rule, message, hint)


def _line_of_todo(text: str) -> int | None:
    todo = _TODO.search(text)
    return text.count("\n", 0, todo.start()) + 1 if todo else None


def _places(document: Document) -> Iterator[Place]:
    """The whole, its keys, and each contact that is called: where findings about a library stand."""
    yield from ((), *((key,) for key in document.value))
    yield from (place for place in document.marks if place[:2] == ("escalation", "contacts"))
