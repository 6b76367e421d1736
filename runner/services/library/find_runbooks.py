"""Find the runbook for an alert, an error message or a few words, and the command to type next."""

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

from runner.core.deferred import dataclass
from runner.core.errors import InvalidInputError
from runner.library.gates.coverage import Situation
from runner.library.index.summary import Summary
from runner.library.library import Library
from runner.library.search.search import SearchHit, candidates, clear, pages, search, unanswered
from runner.library.snapshot import read

CALL_SOMEBODY = "call who is on duty for it; runbook list shows the runbooks there are"


@dataclass(frozen=True)
class Unanswered:
    """An entry of the registry that was asked for and that leads to no runbook, with the name of its owner."""

    id: str
    title: str
    owner: str


@dataclass(frozen=True)
class FoundRunbooks:
    """What a question is about: runbooks, best first, and alerts whose page is to be read.

    `unanswered` are entries that lead nowhere, `faults` is how many parts of the library could not be searched, and
    `runbooks` are those that are in use, and `faulty` the ids of those that do not load.
    """

    hits: Sequence[SearchHit]
    pages: Sequence[Situation]
    unanswered: Sequence[Unanswered]
    faults: int
    runbooks: Mapping[str, Summary]
    faulty: frozenset[str] = frozenset()

    def one(self) -> str:
        """The id of the runbook that is meant without doubt.

        Raises:
            InvalidInputError: there is none.
        """
        hit = clear(self.hits)
        if self.pages and not (hit and hit.exact):
            alert = self.pages[0]
            raise InvalidInputError(f"{alert.id} asks for no action, so there is no plan", hint=f"read {alert.page}")
        if hit is None:
            several = candidates(self.hits)
            names = "\n".join(f"  {each.runbook}  {each.title}" for each in several)
            hint = f"name one: runbook plan {several[0].runbook} -i ..."
            raise InvalidInputError(f"{len(several)} runbooks may be meant:\n{names}", hint=hint)
        if not hit.written:
            state = "" if hit.runbook in self.faulty else "is planned, but "
            message = f"{hit.runbook} ({hit.title}) {state}{self.why_not(hit)}"
            raise InvalidInputError(message, hint=CALL_SOMEBODY)
        return hit.runbook

    def why_not(self, hit: SearchHit) -> str:
        """Why there is nothing to be done by the runbook of `hit`, which is not one that could be read."""
        if hit.runbook in self.faulty:
            return f"does not load, as runbook lint {hit.runbook} shows"
        return "nobody has written it yet"

    def next_command(
        self, hit: SearchHit, *, inventories: Sequence[Path], limit: str | None, given: Sequence[str] = ()
    ) -> str:
        """The command to type next, in capital letters what is still to be filled in; empty where there is none."""
        name = (hit.instead or "") if hit.deprecated else hit.runbook
        if name not in self.runbooks:
            return ""
        hosts = " ".join(f"-i {shlex.quote(str(path))}" for path in inventories) or "-i INVENTORY"
        words = [f"runbook plan {name} {hosts}", *([f"-l {shlex.quote(limit)}"] if limit else [])]
        words += [f"-e {shlex.quote(item)}" for item in given]
        named = {item.partition("=")[0] for item in given}
        words += [f"-e {each}=..." for each in self.runbooks[name].required_inputs if each not in named]
        return " ".join(words)


def find_runbooks(question: str, library: Library) -> FoundRunbooks:
    """What `question` is about in `library`."""
    snapshot = read(library)
    informing = pages(question, snapshot)
    read_instead = {alert.id for alert in informing}
    entries = [each for each in unanswered(question, snapshot) if each.id not in read_instead]
    owners = {name: contact.name for name, contact in snapshot.contacts.items()}
    return FoundRunbooks(
        hits=search(question, snapshot),
        pages=informing,
        unanswered=[Unanswered(each.id, each.title, owners.get(each.owner, each.owner)) for each in entries],
        faults=len(snapshot.faults),
        runbooks=snapshot.used,
        faulty=frozenset(name for name in library.ids() if snapshot.faults_of(name)),
    )
