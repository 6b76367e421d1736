"""Create, compile, export and deprecate runbooks."""

from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import Literal

from pydantic import TypeAdapter, ValidationError

from runner.compiler.committed_playbook import is_stale, write
from runner.core.deferred import dataclass
from runner.core.errors import InvalidInputError
from runner.core.identifiers import RunbookId
from runner.kinds import plugins
from runner.library.library import Library
from runner.library.links.links import links, to
from runner.library.root import shown
from runner.library.runbook_source import Source, source_of
from runner.library.scaffold import begin, begin_inventories, scaffold, who
from runner.library.schema.json_schema import SCHEMAS, text
from runner.library.snapshot import read
from runner.markdown.template import export
from runner.model.category import Category
from runner.model.contacts import read_contacts
from runner.model.yaml.yaml_writer import plain
from runner.store import durable
from runner.store.state_directory import StateDirectory

SCHEMA_NAMES = tuple(SCHEMAS)
"""What there is a JSON Schema for."""


@dataclass(frozen=True)
class CreatedRunbook:
    """The id of a new runbook, and the files that were written: its own is the last one."""

    id: str
    files: Sequence[Path]


@dataclass(frozen=True)
class CompiledRunbook:
    """The playbook of a runbook: fresh as it was, written, or stale where nothing was to be written."""

    playbook: Path
    state: Literal["fresh", "stale", "wrote"]


@dataclass(frozen=True)
class ExportedRunbook:
    """The Markdown of a runbook, and the file that it was written to, if any."""

    text: str
    path: Path | None


@dataclass(frozen=True)
class DeprecatedRunbook:
    """The file that was written, and the names of what still leads to it."""

    path: Path
    still_leading: Sequence[str]


def create_runbook(
    library: Library, name: str | None, category: Category, *, owner: str | None, state: Path
) -> CreatedRunbook:
    """Create the runbook `name`, or one with the next free id; and whatever a library begins with, if there is none.

    No id is used twice: `state` is the state directory that knows what was ever run.

    Raises:
        InvalidInputError: `name` is no id, or was used before.
    """
    used = _ids_that_were_run(library, state)
    chosen = _checked(name) if name else library.next_id(used)
    path = library.root / "runbooks" / f"{chosen}.yml"
    if path.exists():
        hint = f"ids are never used again; the next free one is {library.next_id(used)}"
        raise InvalidInputError(f"{chosen} already exists: {shown(path)}", hint=hint)
    if chosen in used:
        hint = f"its runs are in the audit log; the next free id is {library.next_id(used)}"
        raise InvalidInputError(f"{chosen} was the id of a runbook that is gone", hint=hint)
    files = [*begin(path.parent), *begin_inventories(library.root)]
    first_owner, called = who(read_contacts(path.with_name("contacts.yml")))
    with path.open("x", encoding="utf-8") as file:
        file.write(scaffold(chosen, category, owner=owner or first_owner, contact=called))
    return CreatedRunbook(chosen, [*files, path])


def _checked(name: str) -> str:
    try:
        return TypeAdapter(RunbookId).validate_python(name)
    except ValidationError as error:
        raise InvalidInputError(f"{name!r}: {error.errors()[0]['msg'].removeprefix('Value error, ')}") from None


def _ids_that_were_run(library: Library, state: Path) -> set[str]:
    """The runbooks of this library that were ever run with this state; not those of another one, as a demo's."""
    if not state.is_dir():
        return set()
    here = (library.root / "runbooks").resolve()
    runs = (run.state for run in StateDirectory.open(state).runs())
    return {run.runbook for run in runs if Path(run.path).resolve().parent == here}


def compile_runbooks(names: Sequence[str], library: Library, *, check: bool = False) -> Iterable[CompiledRunbook]:
    """Compile the runbooks `names`, all where there is none, one after the other; with `check` nothing is written.

    Nothing is written either where one of them cannot be compiled: runbooks call each other, and those of one commit
    belong together.

    Raises:
        InvalidInputError: some are not there or do not load, each with its faults; or the library holds none.
    """
    every = names or library.ids()
    if not every:
        raise InvalidInputError(f"{library.root / 'runbooks'} holds no runbooks", hint="runbook new creates one")
    compiled, errors = list[tuple[Source, bool]](), list[InvalidInputError]()
    for name in every:
        try:
            source = library.source(name)
            compiled.append((source, is_stale(library, source)))
        except InvalidInputError as error:
            errors.append(error)
    if errors and len(every) == 1:
        raise errors[0]
    if errors:
        told = dict.fromkeys("; ".join(filter(None, (error.message, error.hint))) for error in errors)
        raise InvalidInputError("\n".join(told), hint=_others_alone([source.id for source, _ in compiled], check=check))
    for source, stale in compiled:
        if stale and not check:
            write(library, source)
        yield CompiledRunbook(library.playbook(source), ("stale" if check else "wrote") if stale else "fresh")


def _others_alone(good: Sequence[str], *, check: bool) -> str:
    """What to type for those that can be compiled, as long as the others are not mended."""
    alone = f"; or, for the others alone: runbook compile{' --check' * check} {' '.join(good)}" if good else ""
    return f"{'' if check else 'nothing was written: '}mend these, then compile again{alone}"


def schema(of: str) -> str:
    """The JSON Schema of what `of`, one of `SCHEMA_NAMES`, is.

    Raises:
        InvalidInputError: something that another package registers cannot be used.
    """
    plugins.check(plugins.problems())
    return text(of)


def export_runbooks(names: Sequence[str], library: Library, into: Path | None) -> Iterable[ExportedRunbook]:
    """The runbooks `names` as Markdown, one after the other, each in a file of the directory `into`, if one is given.

    Raises:
        InvalidInputError: one is not there or does not load; or there are several, and no directory for them.
    """
    if into is None and len(names) > 1:
        raise InvalidInputError("several runbooks cannot be written to one output", hint="name a directory with --into")
    for name in names:
        source = library.source(name)
        text = export(source.document.written)
        path = into / f"{source.id}.md" if into else None
        if path:
            path.parent.mkdir(parents=True, exist_ok=True)
            durable.write(path, text)
        yield ExportedRunbook(text, path)


def deprecate_runbook(
    name: str, library: Library, *, since: date, replaced_by: str | None, reason: str
) -> DeprecatedRunbook:
    """Write to the file of the runbook `name` that it is deprecated.

    Raises:
        InvalidInputError: it is not there, or is deprecated already; or what replaces it cannot be used.
    """
    source = library.source(name)
    if replaced_by == source.id:
        raise InvalidInputError(f"{replaced_by} cannot replace itself", hint="name another one")
    if replaced_by:
        library.usable(replaced_by)
    text = deprecate(source, since=since, replaced_by=replaced_by, reason=reason)
    source_of(source.path, text.encode())
    durable.write(source.path, text)
    leading = to([source.id], links(read(library)))
    return DeprecatedRunbook(source.path, sorted({link.source for link in leading if link.source != source.id}))


def deprecate(source: Source, *, since: date, replaced_by: str | None, reason: str) -> str:
    """The text of `source` with `deprecated` below its title.

    Raises:
        InvalidInputError: it is deprecated already, or its file is not written key by key.
    """
    if source.runbook.deprecated:
        raise InvalidInputError(f"{source.runbook.id} is {source.runbook.deprecated.says} already")
    deprecated = {"since": since.isoformat(), "replaced_by": replaced_by, "reason": reason}
    text = source.text.decode("utf-8")
    lines = text.splitlines(keepends=True)
    keys = source.document.value
    after = next((key for key, before in zip([*keys][1:], keys, strict=False) if before == "title"), None)
    at = next((number for number, line in enumerate(lines) if after and line.startswith(f"{after}:")), None)
    if at is None:
        hint = "write `deprecated: {since: ..., replaced_by: ...}` into it yourself"
        raise InvalidInputError(f"{source.path}: there is no line below its title to write to", hint=hint)
    return "".join([*lines[:at], plain({"deprecated": {k: v for k, v in deprecated.items() if v}}), *lines[at:]])
