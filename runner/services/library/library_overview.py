"""The library as a whole: its runbooks, its categories, its quality gates and the incident response matrix."""

from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

from runner.core.deferred import dataclass
from runner.core.errors import InvalidInputError
from runner.library.gates.matrix import Row, common_procedures, matrix
from runner.library.gates.quality_gates import Comparison, ask, compare
from runner.library.index.summary import Summary
from runner.library.last_tested import Proof
from runner.library.library import Library
from runner.library.snapshot import read
from runner.model.category import Category
from runner.render.matrix_tables import FORMS


@dataclass(frozen=True)
class ListedRunbook:
    """A runbook of the library; one that does not load has no `summary`, but so many `faults`."""

    id: str
    summary: Summary | None
    faults: int = 0


@dataclass(frozen=True)
class ListedCategory:
    """A category: what it is for, what makes somebody reach for it, and the ids of its runbooks that are in use."""

    category: Category
    purpose: str
    trigger: str
    runbooks: Sequence[str]


def list_runbooks(library: Library) -> tuple[ListedRunbook, ...]:
    """Every runbook of `library`, by its id."""
    snapshot = read(library)
    return tuple(
        ListedRunbook(name, summary, 0 if summary else snapshot.faults_of(name))
        for name in library.ids()
        for summary in [snapshot.runbooks.get(name)]
    )


def list_categories(library: Library) -> tuple[ListedCategory, ...]:
    """Every category with its runbooks."""
    used = read(library).used.values()
    return tuple(
        ListedCategory(each, each.purpose, each.trigger, tuple(item.id for item in used if item.category is each))
        for each in Category
    )


def check_gates(library: Library, proofs: Iterable[Proof], expected: Collection[str] = ()) -> tuple[Comparison, ...]:
    """The six quality gates beside the `expected` offenders; `proofs` are the runs that passed.

    Raises:
        InvalidFileError: a part of the library does not load, so that nobody can tell.
    """
    return tuple(compare(gate, expected) for gate in ask(read(library), proofs))


def response_matrix(library: Library, proofs: Iterable[Proof], *, only_must_haves: bool = False) -> tuple[Row, ...]:
    """The incident response matrix, or its rows for the common procedures; `proofs` are the runs that passed.

    Raises:
        InvalidFileError: a part of the library does not load, and would be missing.
    """
    rows = common_procedures if only_must_haves else matrix
    return rows(read(library), proofs)


def matrix_copy(library: Library, path: Path) -> str:
    """The matrix without the record, in the format that the name of the file at `path` asks for.

    Raises:
        InvalidInputError: there is no such format; or a part of the library does not load.
    """
    form = FORMS.get(path.suffix.removeprefix("."))
    if form is None:
        raise InvalidInputError(f"{path}: unknown format", hint=f"use a name that ends with .{', .'.join(FORMS)}")
    return form(matrix(read(library), None))


def copy_state(path: Path, text: str) -> str:
    """Whether the file at `path` says `text`: fresh, stale or missing."""
    try:
        return "fresh" if path.read_bytes() == text.encode() else "stale"
    except FileNotFoundError:
        return "missing"
