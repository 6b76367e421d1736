"""The kinds of entry that a registry may have, as they are written: what each says, and what is wrong with one."""

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Annotated, Any, Literal, Self

from pydantic import Field, Strict, model_validator

from runner.core.fields import Model, Prose, Several, Text, Title
from runner.core.identifiers import REFERENCE_ID, ReferenceId, RunbookId, Spelling
from runner.kinds.verifications.monitoring.alert_source import AlertSource
from runner.library.links.link_mentions import Mention, mentions
from runner.library.registry.registry import MUST_HAVES, PREFIXES, MustHave, Reference, prefix
from runner.model.category import Category
from runner.model.names import Contact, PageReference
from runner.model.procedure.rollback_triggers import Rollback
from runner.model.reader import to_probe
from runner.model.severity import Severity
from runner.model.yaml.document import Document, validate
from runner.model.yaml.finding import Finding, InvalidFileError, Place

_ID = Spelling(REFERENCE_ID, "capital letters, - and three to six digits, like MON-001")
_CHECK = "How one sees that it holds, as a verification has it; `hosts` says where. For `criteria` of a runbook"


class Entry(Model):
    """What every entry says, whatever its prefix."""

    title: Title = Field(description="What it is, in one line; an id means this and nothing else")
    owner: Contact = Field(description="Who keeps it right: a word of contacts.yml")
    note: Prose | None = Field(default=None, description="What else there is to know")
    links: Several[ReferenceId] = Field(default=(), description="Other entries and runbooks that it belongs to")


class Alert(Entry):
    """A MON- entry: an alert, and where it leads."""

    severity: Severity = Field(description="P0 to P3, or critical, warning or info")
    condition: Prose = Field(description="When it fires")
    alertname: Text | None = Field(default=None, description="What the monitoring calls it: Prometheus' alertname")
    source: AlertSource | None = Field(default=None, description="Where it is looked up whether it is firing")
    symptoms: Several[Prose] = Field(default=(), description="What people see then: error messages, complaints")
    runbook: RunbookId | None = Field(default=None, description="The runbook that it leads to")
    page: PageReference | None = Field(
        default=None, description="What an info alert leads to: a file of the library, or an http(s) URL"
    )

    @model_validator(mode="after")
    def _can_be_asked(self) -> Self:
        source = self.source and self.source.called(self.alertname)
        if source and source.missing:
            raise ValueError(f"its `source` needs {source.missing}")
        return self


class Deployment(Entry):
    """A DEP- entry: what must hold for a release, how that is verified, and when it is rolled back."""

    check: dict[str, Any] | None = Field(default=None, description=_CHECK)
    rollback: Rollback | None = Field(default=None, description="When and how the release is rolled back")


class Risk(Entry):
    """A RISK- entry: what may go wrong, and the runbook that answers it."""

    level: Literal["high", "medium", "low"] = Field(description="How bad it would be")
    check: dict[str, Any] | None = Field(default=None, description=_CHECK)
    runbook: RunbookId | None = Field(default=None, description="The runbook for when it happens")


class Technology(Entry):
    """A TECH- entry: something that runbooks use."""

    commands: Several[Text] = Field(default=(), description="The programs and Ansible modules that belong to it")
    replaced_by: ReferenceId | None = Field(default=None, description="What to use instead; it is deprecated then")


class Scenario(Entry):
    """An SCN- entry: something that happens, with or without an alert, and the runbook for it."""

    category: Annotated[Category, Strict(strict=False)] = Field(description="What its runbook is for")
    severity: Severity = Field(description="P0 to P3, or critical, warning or info")
    symptoms: Several[Prose] = Field(default=(), description="What people see then: error messages, complaints")
    runbook: RunbookId | None = Field(default=None, description="The runbook for it")
    must_have: Annotated[MustHave | None, Strict(strict=False)] = Field(
        default=None, description="Which of the common procedures its runbook is"
    )

    @model_validator(mode="after")
    def _of_its_category(self) -> Self:
        if self.must_have and MUST_HAVES[self.must_have] is not self.category:
            raise ValueError(f"{self.must_have} is a procedure for {MUST_HAVES[self.must_have]}, not {self.category}")
        return self


class Planned(Entry):
    """A RUN- entry: a runbook that others lead to already and that nobody has written yet."""

    category: Annotated[Category, Strict(strict=False)] = Field(description="What the runbook will be for")


_OWN_KEYS: dict[str, type[Entry]] = {"MON": Alert, "DEP": Deployment, "RISK": Risk, "TECH": Technology, "SCN": Scenario}
_OWN_KEYS |= {"RUN": Planned}
KINDS: Mapping[str, type[Entry]] = MappingProxyType({each: _OWN_KEYS.get(each, Entry) for each in PREFIXES})
"""The kinds of entry by their prefix; any other prefix is a plain entry."""


def references_of(document: Document) -> tuple[list[Reference], list[Finding]]:
    """The entries in the `document` of a registry, in short, and everything that is wrong with the others."""
    found: list[Reference] = []
    findings: list[Finding] = []
    for name in document.value:
        try:
            found.append(_reference(document, name))
        except InvalidFileError as error:
            findings += error.findings
    return found, findings


def _reference(document: Document, name: str) -> Reference:
    entry, written = to_entry(document, name), document.value[name]
    says = entry.model_dump(exclude={"owner", "links", "source"}, exclude_none=True)
    short: dict[str, Any] = {key: getattr(entry, key) for key in _IN_SHORT if hasattr(entry, key)}
    if isinstance(entry, Deployment) and entry.rollback:
        short |= {"trigger": entry.rollback.trigger, "runbook": entry.rollback.runbook}
    return Reference(
        id=name,
        file=document.file,
        written=written,
        positions={key: document.position((name, *([key] if key else []))) for key in ("", *written)},
        mentions=[*_mentions(document, name, entry)],
        words=" ".join(map(str, says.values())),
        **short,
    )


_IN_SHORT = ["title", "owner", "note", "severity", "runbook", "page", "alertname", "level", "commands", "replaced_by"]
_IN_SHORT += ["must_have"]


def _mentions(document: Document, name: str, entry: Entry) -> Iterator[Mention]:
    """What the `entry` mentions; of a technology also the programs that belong to it."""
    yield from mentions(document, (name,))
    if isinstance(entry, Technology):
        for number, program in enumerate(entry.commands):
            place: Place = (name, "commands", number)
            yield Mention("program", program, place, document.position(place))


def to_entry(document: Document, name: str) -> Entry:
    """The entry `name` of `document`.

    Raises:
        InvalidFileError: it is none; every fault is in it.
    """
    try:
        _ID.check(name)
    except ValueError as error:
        hint = f"did you mean {meant}?" if (meant := _meant(name)) else ""
        raise InvalidFileError([document.finding((name,), "wrong-value", str(error), hint=hint)]) from None
    entry = validate(document, KINDS.get(prefix(name), Entry), at=(name,))
    if isinstance(entry, Deployment | Risk) and entry.check is not None:
        to_probe(document, (name, "check"))
    if isinstance(entry, Deployment) and entry.rollback and entry.rollback.condition is not None:
        to_probe(document, (name, "rollback", "condition"))
    return entry


def _meant(name: str) -> str:
    """The id that is spelled as `name`, where a person would see one: mon-5, MON_005, DEP3."""
    match = re.fullmatch(r"\s*([A-Za-z]{2,8})[-_ ]*([0-9]{1,6})\s*", name)
    return f"{match[1].upper()}-{int(match[2]):03d}" if match else ""
