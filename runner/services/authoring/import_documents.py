"""Import Markdown: pages to runbooks, and tables to entries of the registry."""

import re
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from runner.core.deferred import dataclass
from runner.core.errors import InvalidInputError
from runner.kinds.ansible_yaml import dump
from runner.library.library import Library
from runner.library.registry.registry_import import entries
from runner.library.registry_entries import RegistryEntries
from runner.library.root import shown
from runner.library.scaffold import SCHEMA_LINE, begin
from runner.library.snapshot import read
from runner.markdown.convert import convert
from runner.markdown.draft import Defaults
from runner.model.yaml.finding import Finding, InvalidFileError, Level
from runner.model.yaml.yaml_file import MAX_BYTES, read_file, unusable
from runner.store import durable

_ENDINGS = (".md", ".markdown", ".mdown", ".mkd")
_LARGEST = 4 * 1024 * 1024


@dataclass(frozen=True)
class ImportRequest:
    """What to import and where to: into the directory `into`, or the runbooks of `library`.

    `name` is the id of a single page that has none, and `defaults` are for pages that do not say. Existing runbooks are
    overwritten only with `force`, and nothing is written in a `dry_run`.
    """

    library: Library
    pages: Sequence[Path]
    defaults: Defaults
    into: Path | None = None
    name: str | None = None
    force: bool = False
    dry_run: bool = False

    @property
    def directory(self) -> Path:
        """Where runbooks are written to."""
        return self.into or self.library.root / "runbooks"


@dataclass(frozen=True)
class ImportedRunbook:
    """A runbook that was made of a page; `path` is empty where nothing was written."""

    id: str
    path: str
    steps: int
    text: str


@dataclass(frozen=True)
class ImportedPage:
    """What a page became, and what a person should look at."""

    page: str
    runbooks: list[ImportedRunbook]
    findings: list[Finding]


@dataclass(frozen=True)
class ImportedPages:
    """Every page, and the files that were written because the library lacked them."""

    pages: Sequence[ImportedPage]
    files: Sequence[Path]

    @property
    def has_errors(self) -> bool:
        """Whether something could not be imported."""
        return any(finding.level is Level.ERROR for page in self.pages for finding in page.findings)


@dataclass(frozen=True)
class ImportedEntries:
    """The new entries of a text as a file of the registry, empty where there is none, and what is wrong."""

    text: str
    findings: Sequence[Finding]

    @property
    def has_errors(self) -> bool:
        """Whether something is wrong, so that nothing is to be written."""
        return any(finding.level is Level.ERROR for finding in self.findings)


def import_pages(request: ImportRequest) -> ImportedPages:
    """Import Markdown pages as runbooks.

    Raises:
        InvalidInputError: a directory holds no page.
    """
    pages = list(_pages(request.pages))
    texts = {page: _page(page) for page, _ in pages}
    ids = _FreeIds(request, taken={number for text in texts.values() for number in _numbers(text)})
    imported = [_import(page, texts[page], request, ids, sure=below) for page, below in pages]
    begins = not request.dry_run and not request.into and any(page.runbooks for page in imported)
    return ImportedPages(imported, list(begin(request.directory)) if begins else [])


class _FreeIds:
    """Ids for pages that have none: the one that was given, once, then free ones that no page names either."""

    def __init__(self, request: ImportRequest, *, taken: Collection[int]) -> None:
        self._given, self._directory, self._last = request.name, request.directory, max(taken, default=0)

    def next(self) -> str:
        """The next one."""
        given, self._given = self._given, None
        if given:
            return given
        in_library = self._directory.name == "runbooks"
        first = int(Library(self._directory.parent).next_id()[4:]) if in_library else self._beside()
        self._last = max(self._last + 1, first)
        return f"RUN-{self._last:03}"

    def _beside(self) -> int:
        numbers = [int(path.stem[4:]) for path in self._directory.glob("RUN-*.yml") if path.stem[4:].isdecimal()]
        return max(numbers, default=0) + 1


def _import(
    page: Path, data: bytes | InvalidFileError, request: ImportRequest, ids: _FreeIds, *, sure: bool
) -> ImportedPage:
    file, head = shown(page), "" if request.into else SCHEMA_LINE
    if isinstance(data, InvalidFileError):
        return ImportedPage(file, [], list(data.findings))
    registered = RegistryEntries(request.directory, shown, lambda _: None).taken
    converted = convert(data, file=file, new_id=ids.next, otherwise=request.defaults, sure=sure, registered=registered)
    findings, runbooks = list(converted.findings), []
    for each in converted.runbooks:
        path, text = request.directory / f"{each.id}.yml", head + each.text
        if path.exists() and not (request.dry_run or request.force):
            hint = "--force writes over it, --into DIR writes elsewhere"
            message = f"{each.id} is there already: {shown(path)}"
            findings.append(Finding(file, each.line, 1, "", Level.ERROR, "import-exists", message, hint))
            continue
        if not request.dry_run:
            path.parent.mkdir(parents=True, exist_ok=True)
            durable.write(path, text)
        written = "" if request.dry_run else shown(path)
        runbooks.append(ImportedRunbook(each.id, written, len(each.runbook.steps), text))
    return ImportedPage(file, runbooks, sorted(findings))


def _numbers(text: bytes | InvalidFileError) -> Iterator[int]:
    """The number of each runbook that a page names."""
    found = () if isinstance(text, InvalidFileError) else re.findall(rb"RUN-([0-9]{3,6})", text)
    yield from map(int, found)


def _pages(paths: Sequence[Path]) -> Iterator[tuple[Path, bool]]:
    """The Markdown files that are meant by `paths`, and whether one was found in a directory, among other texts."""
    for path in paths:
        if not path.is_dir():
            yield path, False
            continue
        files = sorted(file for file in path.rglob("*") if file.suffix.lower() in _ENDINGS and file.is_file())
        if not files:
            hint = f"files that end with {', '.join(_ENDINGS)} are read"
            raise InvalidInputError(f"{path} holds no Markdown", hint=hint)
        yield from ((file, True) for file in files)


def _page(path: Path) -> bytes | InvalidFileError:
    """The text of the page at `path`, or why it cannot be imported; the other pages are."""
    try:
        return _text(path, _LARGEST).encode()
    except InvalidFileError as error:
        return error


def _text(path: Path, most: int) -> str:
    """The text of the file at `path`, which has at most so many bytes.

    Raises:
        InvalidFileError: it cannot be read, is too large or is not UTF-8.
    """
    file = shown(path)
    data = read_file(path, file=file, most=most)
    if len(data) > most:
        size = f"{most // 1024} KiB" if most < 1024**2 else f"{most // 1024**2} MiB"
        raise InvalidFileError([unusable(file, f"is larger than {size}", "import it in parts")])
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line, column = data.count(b"\n", 0, error.start) + 1, error.start - data.rfind(b"\n", 0, error.start)
        message = f"byte 0x{data[error.start]:02X} is not UTF-8"
        fault = Finding(file, line, column, "", Level.ERROR, "text-encoding", message, "save it as UTF-8")
        raise InvalidFileError([fault]) from None


def import_entries(file: Path, library: Library, *, owner: str | None) -> ImportedEntries:
    """The entries in the Markdown `file` that the registry does not have; those that name nobody belong to `owner`.

    Raises:
        InvalidInputError: the file cannot be read, or a part of the library does not load.
    """
    text = _text(file, MAX_BYTES)
    imported = entries(text, file=shown(file), owner=owner, known=read(library).whole().references)
    head = f"# Imported from {file.name}.\n"
    return ImportedEntries(head + dump(imported.entries) if imported.entries else "", imported.findings)


def write_entries(path: Path, text: str) -> None:
    """Write the entries in `text` to a new file at `path`.

    Raises:
        InvalidInputError: it is there already.
    """
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise InvalidInputError(f"{path} is there already", hint="name a new file") from None
