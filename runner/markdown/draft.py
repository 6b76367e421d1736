"""From a page to the runbook that it describes, as the values of its YAML; what could not be told is said."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from runner.core.deferred import dataclass
from runner.markdown import phrases
from runner.markdown.draft_steps import Steps
from runner.markdown.embedded_yaml import merged, read
from runner.markdown.import_findings import Excerpt, Notes
from runner.markdown.page.page import RunbookPage
from runner.markdown.phrases import NOBODY, TODO

_TRIGGERS = ("trigger", "alert", "alert name")
"""The facts that say what makes somebody reach for it."""
_LATER = "write it in the file that was made"
_MOST_LINKS = 200


@dataclass(frozen=True, slots=True)
class Draft:
    """The values of a runbook, and the lines of the page that found no place in them."""

    value: Mapping[str, Any]
    lost: tuple[Excerpt, ...]


@dataclass(frozen=True, slots=True)
class Defaults:
    """What whoever imports says for all that a page does not say; None, or nothing, where they do not say it either."""

    category: str | None = None
    severity: str | None = None
    owner: str | None = None
    hosts: str | None = None
    contacts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Given:
    """The id of the runbook, the name of its page, and what is said for what the page does not say."""

    id: str
    name: str = ""
    otherwise: Defaults = Defaults()


def draft(page: RunbookPage, given: Given, notes: Notes) -> Draft:
    """The runbook that `page` describes."""
    return _Drafter(page, given, notes).draft()


class _Drafter:
    """Reads a page part by part."""

    def __init__(self, page: RunbookPage, given: Given, notes: Notes) -> None:
        self.page, self.given = page, given
        self.carried = read(page.carried, notes) if page.carried else {}
        self.notes = Notes(notes.file) if page.carried else notes  # a page that was exported lacks nothing
        self.steps = Steps(notes)
        self.lost: list[Excerpt] = list(page.lost)
        self._used: set[str] = set()

    def draft(self) -> Draft:
        value: dict[str, Any] = {
            "id": self.given.id,
            "title": self._title(),
            "category": self._category(),
            "severity": self._severity(),
            "owner": self._owner(),
            "trigger": self._trigger(),
            "scope": self._scope(),
            "hosts": self._hosts(),
        }
        prerequisites = [self._prerequisite(tick.excerpt, tick.within) for tick in self.page.prerequisites]
        steps = self.steps.drafted(self.page.steps) or [self._no_step()]
        optional = {"inputs": self.steps.inputs(), "prerequisites": prerequisites}
        value |= {key: item for key, item in optional.items() if item}
        value |= {"steps": steps, "escalation": self._escalation()}
        value |= {"follow_up": list(map(self.notes.prose, self.page.follow_up))} if self.page.follow_up else {}
        value |= {"links": links} if (links := list(self._links())) else {}
        self.lost += [*self._others(), *self.steps.lost]
        for excerpt in sorted(self.lost, key=lambda excerpt: excerpt.line):
            beginning = excerpt.text.strip().splitlines()[0][:60] if excerpt.text.strip() else ""
            self.notes.note(
                excerpt.line, "import-lost", f"has no place in a runbook: {beginning!r}", "it is kept as a comment"
            )
        return Draft(merged(value, self.carried), tuple(self.lost))

    def _fact(self, *names: str) -> Excerpt | None:
        """The first of the facts with these `names` that the page has; every other fact is lost in the end."""
        name = next((name for name in names if name in self.page.facts), "")
        self._used.add(name)
        return self.page.facts.get(name)

    def _title(self) -> str:
        title = self.page.title
        if title and title.text.strip():
            return self.notes.title(title)
        self._missing("title", "the page has no title")
        return f"{TODO}: a title for {self.given.name or 'this page'}".replace("{", "(")

    def _category(self) -> str:
        excerpt = self._fact("category", "type")
        category = phrases.category(excerpt.text) if excerpt else None
        if excerpt and not category:
            self.lost.append(Excerpt(f"category: {excerpt.text}", excerpt.line))
        if category or self.given.otherwise.category:
            return category or str(self.given.otherwise.category)
        self._missing("category", "the page does not say which category it is of; it is called an incident", excerpt)
        return "incident"

    def _severity(self) -> str:
        excerpt = self._fact("severity", "priority")
        severity = phrases.severity(excerpt.text) if excerpt else None
        if severity is None and excerpt:
            self.lost.append(Excerpt(f"Severity: {excerpt.text}", excerpt.line))
        if severity or self.given.otherwise.severity:
            return severity or str(self.given.otherwise.severity)
        self._missing("severity", "the page does not say how severe it is; it is called P3", excerpt)
        return "P3"

    def _owner(self) -> str:
        said = [self._fact(name) for name in ("owner", "owners", "owned by", "team")]
        excerpt = next(filter(None, said), None)
        word = phrases.slug(excerpt.text) if excerpt else ""
        if excerpt and word:
            self._contact(word, excerpt)
            return word
        if self.given.otherwise.owner:
            return self.given.otherwise.owner
        self._missing("owner", "the page names no owner")
        return NOBODY

    def _contact(self, word: str, excerpt: Excerpt) -> None:
        hint = f"contacts.yml must have it, with `name: {excerpt.text.strip()[:60]}`"
        self.notes.note(excerpt.line, "import-contact", f"{excerpt.text.strip()[:60]!r} is called {word} here", hint)

    def _trigger(self) -> dict[str, str]:
        excerpt = self._fact(*_TRIGGERS)
        if excerpt and excerpt.text.strip():
            trigger = phrases.trigger(excerpt.text)
            return {key: self.notes.prose(Excerpt(text, excerpt.line)) for key, text in trigger.items()}
        if self.page.condition:
            first = self.page.condition[0]
            return {"event": self.notes.prose(first)}
        self._missing("trigger", "the page does not say what makes somebody reach for it")
        return {"event": f"{TODO}: what makes somebody reach for this runbook"}

    def _scope(self) -> dict[str, Any]:
        handles = [self.notes.prose(excerpt) for excerpt in self.page.handles]
        if not handles:
            self._missing("scope", "the page does not say what it handles")
            handles = [f"{TODO}: what this runbook handles"]
        excludes = [phrases.exclusion(self.notes.prose(excerpt)) for excerpt in self.page.excludes]
        return {"handles": handles, **({"excludes": excludes} if excludes else {})}

    def _hosts(self) -> str:
        excerpt = self._fact("hosts")
        if excerpt and re.fullmatch(r"[A-Za-z0-9_.*~!][A-Za-z0-9_.:&!*\[\]~-]{0,199}", excerpt.text.strip("` ")):
            return excerpt.text.strip("` ")
        if self.given.otherwise.hosts:
            return self.given.otherwise.hosts
        self._missing("hosts", f"the page does not say on which hosts it is done; they are called {NOBODY}")
        return NOBODY

    def _prerequisite(self, excerpt: Excerpt, within: str) -> dict[str, str]:
        hint = "a probe with `verify` would see for itself"
        self.notes.note(excerpt.line, "import-confirm", "only a person can tell whether this is so", hint)
        about = {"why": self.notes.prose(Excerpt(within, excerpt.line))} if within else {}
        return {"confirm": self.notes.title(excerpt), **about}

    def _no_step(self) -> dict[str, Any]:
        self._missing("steps", "the page has no step")
        confirm = [{"confirm": f"{TODO}: how one sees that it is done"}]
        return {"id": "todo", "name": f"{TODO}: a step", "manual": f"{TODO}: what is to be done", "verify": confirm}

    def _escalation(self) -> dict[str, Any]:
        policy = self.page.escalation
        when: list[Any] = []
        for excerpt in policy.when:
            reason = phrases.reason(self.notes.title(excerpt))
            when += [reason] if reason not in when else []
        if not when:
            self._missing("escalation", "the page does not say when somebody is called; they are when a step fails")
            when = ["step_failed"]
        provide = list(dict.fromkeys(self.notes.title(excerpt) for excerpt in policy.provide))
        if not provide:
            provide = [f"{TODO}: what whoever is called must be told"]
        return {"when": when, "contacts": self._contacts(policy.who), "provide": provide}

    def _contacts(self, who: Sequence[Excerpt]) -> list[str]:
        words: dict[str, None] = {}
        for excerpt in who:
            name, rest = phrases.contact(excerpt.text)
            if word := phrases.slug(name):
                self._contact(word, Excerpt(name, excerpt.line))
                words[word] = None
            if rest or not word:
                self.lost.append(excerpt)
        if not words and self.given.otherwise.contacts:
            return list(self.given.otherwise.contacts)
        if not words:
            self._missing("contacts", "the page does not say who is called")
        return list(words) or [NOBODY]

    def _links(self) -> Iterator[str]:
        facts = [fact for name in ("linked ids", "linked id") if (fact := self._fact(name))]
        ids: dict[str, None] = {}
        for excerpt in (*facts, *self.page.links):
            ids |= dict.fromkeys(phrases.references(excerpt.text))
            rest = phrases.without_references(excerpt.text)
            if rest:
                self.lost.append(Excerpt(rest if excerpt in facts else excerpt.text, excerpt.line))
        yield from list(ids)[:_MOST_LINKS]

    def _others(self) -> Iterable[Excerpt]:
        """What the page says that a runbook has no key for."""
        unused = ((key, excerpt) for key, excerpt in self.page.facts.items() if key not in self._used)
        yield from (Excerpt(f"{key}: {excerpt.text}", excerpt.line) for key, excerpt in unused)
        yield from self.page.condition[1 if self._used.isdisjoint(_TRIGGERS) else 0 :]
        yield from (*self.page.overview, *self.page.impact, *self.page.escalation.other)

    def _missing(self, what: str, message: str, excerpt: Excerpt | None = None) -> None:
        self.notes.warn(excerpt.line if excerpt else self.page.line, f"import-{what}", message, _LATER)
