"""What lists, links, gates and the matrix tell of a runbook or a contact, without its steps or how it is called."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from runner.core.deferred import dataclass
from runner.model.category import Category
from runner.model.severity import Severity
from runner.model.yaml.finding import Finding, Level, Place, Position, show


@dataclass(frozen=True, slots=True)
class Summary:
    """What a RUN- file says of itself, which of its lines say it, and the SHA-256 of its text.

    It is `deprecated` with these words, where it is, and `instead` of it another is used (`replaced_by`). It waits for
    an `alert` or an `event`, `handles` what these say, and leaves to other runbooks what `excludes` says, each with its
    id. `contacts` are called when it escalates, `required_inputs` have no default, `steps` is how many it has.
    `todo_line` is the first line in which something is still to be written; None where nothing is.
    """

    file: str
    sha256: str
    id: str
    title: str
    deprecated: str
    instead: str
    replaced_by: str | None
    category: Category
    severity: Severity
    owner: str
    alert: str | None
    condition: str | None
    event: str | None
    handles: Sequence[str]
    excludes: Sequence[tuple[str, str]]
    contacts: Sequence[str]
    required_inputs: Sequence[str]
    steps: int
    todo_line: int | None
    positions: Mapping[str, tuple[int, int]]

    def position(self, place: Place) -> Position:
        """Where `place` stands; what is not known stands where its nearest ancestor does."""
        while place and show(place) not in self.positions:
            place = place[:-1]
        return Position(*self.positions[show(place)])

    def finding(self, place: Place, rule: str, message: str, *, hint: str = "", level: Level = Level.ERROR) -> Finding:
        """The finding that something is wrong at `place`."""
        return Finding(self.file, *self.position(place), show(place), level, rule, message, hint)


def summary_of(file: str, content: Mapping[str, Any]) -> Summary:
    """The summary that was kept as `content`, of the runbook in the `file`."""
    return Summary(**{**content, "file": file, "category": Category(content["category"])})


@dataclass(frozen=True, slots=True)
class ContactSummary:
    """A contact of contacts.yml: how it is called and mentioned, its level, and who its members are.

    `channels` are the kinds of those that it has, and it `is_callable` where one of them calls somebody.
    """

    name: str
    handle: str | None
    level: str
    members: Sequence[str]
    channels: Sequence[str]
    is_callable: bool


def findings_of(file: str, faults: Iterable[Any]) -> Iterator[Finding]:
    """The faults that were kept, as findings about the `file`, or about one of shared steps beside it."""
    for written, line, column, path, level, *words in faults:
        parts = Path(written).parts[-2:]
        name = str(Path(file).with_name("shared") / parts[1]) if parts[0] == "shared" else file
        yield Finding(name, line, column, path, Level(level), *words)
