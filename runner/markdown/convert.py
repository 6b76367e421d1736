"""From a Markdown file to runbooks that load: whatever does not load as a command stays text for a person."""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import groupby
from typing import Any

from runner.core.deferred import dataclass
from runner.kinds import plugins
from runner.markdown.commands import kind_of
from runner.markdown.draft import Defaults, Draft, Given, draft
from runner.markdown.import_findings import Notes, spell
from runner.markdown.page.page import RunbookPage, fence
from runner.markdown.page.page_reader import read_page
from runner.markdown.page.source import Manuscript, PageEntry, decode, split
from runner.markdown.phrases import NOBODY, TODO
from runner.model.procedure import branch_steps, drill_reader, registry_probes
from runner.model.procedure.registry_probes import Entry
from runner.model.reader import to_runbook
from runner.model.runbook import Runbook
from runner.model.yaml.document import load
from runner.model.yaml.finding import Finding, InvalidFileError, Level
from runner.model.yaml.yaml_file import MAX_BYTES
from runner.model.yaml.yaml_writer import plain, write

_ROUNDS = 3
_MOST_STEPS = 2_500
"""With more steps no file of a runbook is small enough to be read."""
_SMALLER = "a runbook is a few pages: make several of it, each with a head like `RUN-001: Title`"
_INSTEAD: Mapping[str, Any] = {
    "title": f"{TODO}: a title",
    "owner": NOBODY,
    "hosts": NOBODY,
    "trigger": {"event": f"{TODO}: what makes somebody reach for this runbook"},
    "scope": {"handles": [f"{TODO}: what this runbook handles"]},
    "escalation": {"when": ["step_failed"], "contacts": [NOBODY], "provide": [f"{TODO}: what they must be told"]},
}
"""What stands for a part of a page that cannot be said in YAML as it is."""


@dataclass(frozen=True, slots=True)
class Converted:
    """One runbook of a Markdown file: its id, its line, the text of its YAML file, and how it is read back."""

    id: str
    line: int
    text: str
    runbook: Runbook


@dataclass(frozen=True, slots=True)
class Conversion:
    """What a Markdown file became; where a finding is an error, one of its runbooks became nothing."""

    runbooks: tuple[Converted, ...]
    findings: tuple[Finding, ...]


def convert(
    data: bytes,
    *,
    file: str,
    new_id: Callable[[], str],
    otherwise: Defaults = Defaults(),  # noqa: B008 - it is frozen
    sure: bool = False,
    registered: Callable[[str], Entry | None] = lambda _: None,
) -> Conversion:
    """The runbooks in the Markdown `data` of the file that findings call `file`.

    `new_id` gives an id to a page that has none, `otherwise` is what is so where a page does not say; `sure` passes
    over a page that has no command and does not call itself a runbook, as one of a README or an architecture. What
    they take from the registry beside which they will lie, `registered` gives by its id.
    """
    notes = Notes(file)
    manuscript = split(decode(data))
    for line in manuscript.templates:
        notes.note(line, "import-template", "is the template itself, and no runbook")
    for first, last in _stretches(manuscript):
        where = "stands" if first == last else f"and what follows, up to line {last}, stands"
        notes.note(first, "import-outside", f"{where} outside of every runbook and is not imported")
    written = [entry for entry in manuscript.entries if any(line.strip() for line in entry.lines)]
    large = [entry for entry in written if sum(len(line) + 1 for line in entry.lines) > MAX_BYTES]
    for entry in large:
        notes.fail(entry.line, "import-size", f"is larger than {MAX_BYTES // 1024} KiB", _SMALLER)
    meant = []
    for entry in (each for each in written if each not in large):
        page = read_page(entry)
        if sure and not _is_procedure(page):
            hint = "name the file itself to import it all the same"
            notes.note(entry.line, "import-passed-over", "holds no command and no facts of a runbook", hint)
        else:
            meant.append((entry, page))
    ids = _with_own_ids([entry for entry, _ in meant], notes, new_id)
    given = [Given(name, file, otherwise) for _, name in ids]
    read = partial(_read, file=file, registered=registered)
    converted = [_convert(page, entry, notes, each, read) for (entry, page), each in zip(meant, given, strict=True)]
    if not written:
        heads = [entry.id for entry in manuscript.entries if entry.id]
        message = f"has nothing below the head of {heads[0]}" if heads else "holds no runbook"
        hint = "a runbook is a page with headings, or begins with `RUN-001: Title`, and says what to do"
        notes.fail(1, "import-empty", message, hint)
    return Conversion(tuple(filter(None, converted)), tuple(sorted(set(notes.findings))))


def _stretches(manuscript: Manuscript) -> Iterator[tuple[int, int]]:
    """The first and last line of each stretch that belongs to no runbook."""
    heads = sorted(entry.line for entry in manuscript.entries)
    for _, lines in groupby(manuscript.outside, key=lambda line: bisect_right(heads, line)):
        stretch = list(lines)
        yield stretch[0], stretch[-1]


def _with_own_ids(
    entries: Sequence[PageEntry], notes: Notes, new_id: Callable[[], str]
) -> Iterator[tuple[PageEntry, str]]:
    """The entries with their ids; one whose own another one of the same page has already gets a new one."""
    seen: dict[str, int] = {}
    taken = {entry.id for entry in entries}
    unused = (name for name in iter(new_id, "") if name not in taken)
    for entry in entries:
        name = entry.id or next(unused)
        if name in seen:
            name = next(unused)
            message = f"{entry.id} stands in line {seen[entry.id or '']} already; this one becomes {name}"
            notes.warn(entry.line - 1, "import-duplicate", message, "one id is one runbook")
        seen.setdefault(name, entry.line - 1)
        yield entry, name


def _is_procedure(page: RunbookPage) -> bool:
    commands = (part for step in page.steps for part in step.parts if part.kind == "fence")
    return page.says_so or any(kind_of(part.info, part.excerpt.text) for part in commands)


def _convert(
    page: RunbookPage, entry: PageEntry, notes: Notes, given: Given, read: Callable[[str], Runbook]
) -> Converted | None:
    own = Notes(notes.file)
    if len(page.steps) > _MOST_STEPS:
        notes.fail(entry.line, "import-size", f"has more than {_MOST_STEPS} steps", _SMALLER)
        return None
    made = draft(page, given, own)
    carries = page.carried is not None or any(step.carried for step in page.steps)
    value, runbook = _settled(made, own, entry, read, patient=not carries)
    # Where no file is made, nobody can complete it: what is an error is all that matters.
    notes.findings += [each for each in own.findings if runbook or each.level is Level.ERROR]
    if runbook is None:
        return None
    return Converted(given.id, entry.line, _written(value, made, notes.file), runbook)


def _written(value: Mapping[str, Any], made: Draft, file: str) -> str:
    lost = sorted(made.lost, key=lambda excerpt: excerpt.line)
    lines = [f"line {excerpt.line}: {excerpt.text.strip()}" for excerpt in lost]
    return write(value, comments=[f"What {file} says besides:", *lines, ""] if lines else [])


def _settled(
    made: Draft, notes: Notes, entry: PageEntry, read: Callable[[str], Runbook], *, patient: bool
) -> tuple[Mapping[str, Any], Runbook | None]:
    """The values as they load, and the runbook; None, with findings, when they do not."""
    value = dict(made.value)
    for again in range(_ROUNDS, -1, -1):
        try:
            return value, read(_written(value, made, notes.file))
        except InvalidFileError as error:
            mended = _mended(value, error.findings, notes, entry) if again and patient else value
            if mended == value:  # as where it is too large
                for fault in error.findings:
                    about = f"{fault.path}: " if fault.path else ""
                    notes.fail(entry.line, fault.rule, about + fault.message, fault.hint)
                return value, None
            value = mended
    return value, None


def _read(text: str, *, file: str, registered: Callable[[str], Entry | None]) -> Runbook:
    """The runbook that a file with this `text` is, as far as that needs no other runbook.

    Raises:
        InvalidFileError: it has faults.
    """
    document = drill_reader.expand(branch_steps.expand(load(text.encode(), file=file)))
    return to_runbook(registry_probes.expand(document, registered))


def _mended(value: Mapping[str, Any], faults: Iterable[Finding], notes: Notes, entry: PageEntry) -> dict[str, Any]:
    """`value` with something that loads in the place of each part with a fault."""
    done = dict(value)
    for fault in faults:
        match = re.match(r"(?P<key>\w+)(?:\[(?P<number>\d+)\])?", fault.path)
        key, number = (match["key"], match["number"]) if match else ("", None)
        if key == "steps" and number:
            done["steps"] = [
                _by_hand(step, fault, notes, entry) if at == int(number) else step
                for at, step in enumerate(done["steps"])
            ]
        elif key in _INSTEAD:
            notes.warn(
                entry.line, "import-text", f"{fault.path}: {fault.message}", "write it in the file that was made"
            )
            done[key] = _INSTEAD[key]
        elif number and isinstance(done.get(key), list):
            notes.warn(entry.line, "import-lost", f"{fault.path}: {fault.message}")
            done[key] = [item for at, item in enumerate(done[key]) if at != int(number)]
        elif key:
            notes.warn(entry.line, "import-lost", f"{fault.path}: {fault.message}")
            done.pop(key, None)
    return {key: item for key, item in done.items() if item not in ([], {})}


def _by_hand(step: Mapping[str, Any], fault: Finding, notes: Notes, entry: PageEntry) -> dict[str, Any]:
    """The step as one that a person does; without the part that is at fault when they do already."""
    name = str(step.get("name", TODO))
    notes.warn(entry.line, "import-command", f"{name!r} stays text: {fault.message}", "a person does it")
    identity = {key: step[key] for key in ("id",) if key in step} or {"id": "todo"}
    acts = {key: step[key] for key in step if key in (kinds := plugins.steps()) and not kinds[key].human}
    text = "\n".join(str(part) for part in (step.get("why"), _fenced(acts)) if part)
    if not acts:
        title = " ".join(spell(name).text.split())[:200] or TODO
        return {**identity, "name": title, "manual": f"{TODO}: {title}", "verify": [{"confirm": f"{TODO}: it is done"}]}
    checks = [item for item in _list(step.get("verify")) if "confirm" in item] or [{"confirm": f"{TODO}: it is done"}]
    return {**identity, "name": name, "manual": spell(text).text, "verify": checks}


def _fenced(acts: Mapping[str, Any]) -> str:
    text = "\n".join(item if isinstance(item, str) else plain(item) for item in acts.values())
    marks = fence(text)
    return f"{marks}\n{text}\n{marks}"


def _list(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else []
