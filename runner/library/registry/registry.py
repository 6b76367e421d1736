"""What runbooks link to: alerts, deployment criteria, risks, scenarios and others, each with one meaning."""

import re
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import Field, Strict, model_validator

from runner.core.deferred import dataclass
from runner.core.fields import Model, Prose, Several, Text, Title
from runner.core.identifiers import REFERENCE_ID, ReferenceId, RunbookId, Spelling
from runner.kinds.verifications.monitoring.alert_source import AlertSource
from runner.model.names import Contact, PageReference
from runner.model.procedure.rollback_triggers import Rollback
from runner.model.reader import to_probe
from runner.model.runbook import Category
from runner.model.severity import Severity
from runner.model.yaml.document import Document, validate
from runner.model.yaml.finding import Finding, InvalidFileError

_ID = Spelling(REFERENCE_ID, "capital letters, - and three to six digits, like MON-001")


_CHECK = "How one sees that it holds, as a verification has it; `hosts` says where. For `criteria` of a runbook"


class MustHave(StrEnum):
    """A procedure that every team documents."""

    SERVICE_DOWN = "service-down"
    PERFORMANCE_DEGRADATION = "performance-degradation"
    SECURITY_INCIDENT = "security-incident"
    STANDARD_RELEASE = "standard-release"
    HOTFIX = "hotfix"
    ROLLBACK = "rollback"
    DATABASE_BACKUP = "database-backup"
    LOG_ROTATION = "log-rotation"
    CERTIFICATE_RENEWAL = "certificate-renewal"
    DATA_RESTORE = "data-restore"
    FAILOVER = "failover"
    SERVICE_RESTART = "service-restart"

    @property
    def words(self) -> str:
        """The procedure as people call it."""
        return self.value.replace("-", " ").capitalize()


_IN_ORDER = tuple(MustHave)
MUST_HAVES: Mapping[MustHave, Category] = MappingProxyType(
    dict.fromkeys(_IN_ORDER[:3], Category.INCIDENT)
    | dict.fromkeys(_IN_ORDER[3:6], Category.DEPLOYMENT)
    | dict.fromkeys(_IN_ORDER[6:9], Category.MAINTENANCE)
    | dict.fromkeys(_IN_ORDER[9:], Category.RECOVERY)
)
"""The category of each."""


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


_KINDS: dict[str, type[Entry]] = {"ARC": Entry, "API": Entry, "UJ": Entry}
_KINDS |= {"MON": Alert, "DEP": Deployment, "RISK": Risk, "TECH": Technology, "SCN": Scenario, "RUN": Planned}
KINDS: Mapping[str, type[Entry]] = MappingProxyType(_KINDS)
"""The kinds of entry by their prefix; any other prefix is a plain entry."""

Kind = TypeVar("Kind", bound=Entry)


@dataclass(frozen=True, slots=True)
class Reference:
    """An entry with its id, and the file in which it is written."""

    id: str
    entry: Entry
    document: Document

    @property
    def where(self) -> str:
        """The file and the line that define it."""
        return f"{self.document.file}:{self.document.position((self.id,)).line}"

    @property
    def words(self) -> str:
        """Everything that it says about what it is."""
        values = self.entry.model_dump(exclude={"owner", "links", "source"}, exclude_none=True)
        return " ".join(map(str, values.values()))

    def finding(self, key: str, rule: str, message: str, *, hint: str = "") -> Finding:
        """The finding that something is wrong with its `key`, or with the whole entry where that is empty."""
        place = (self.id, key) if key else (self.id,)
        return self.document.finding(place, rule, message, hint=hint)


def prefix(name: str) -> str:
    """`MON` of `MON-005`."""
    return name.partition("-")[0]


def letters(name: str) -> tuple[str, str]:
    """The letters and digits of an id, each sorted and without zeros: ids that are easily mistaken have the same."""
    before, _, number = name.partition("-")
    return "".join(sorted(before)), "".join(sorted(number.replace("0", "")))


def of_kind(references: Iterable[Reference], kind: type[Kind]) -> Iterator[tuple[str, Kind]]:
    """Each entry among `references` that is a `kind`, with its id."""
    return ((each.id, each.entry) for each in references if isinstance(each.entry, kind))


def entries_of(documents: Iterable[Document]) -> tuple[Mapping[str, Reference], list[Finding]]:
    """The entries in the `documents` of a registry by their ids, and everything that is wrong with them."""
    entries: dict[str, Reference] = {}
    findings: list[Finding] = []
    for document in documents:
        for name in document.value:
            try:
                reference = Reference(name, to_entry(document, name), document)
            except InvalidFileError as error:
                findings += error.findings
            else:
                findings += _twice(entries.setdefault(name, reference), reference)
    return dict(sorted(entries.items())), findings


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


def _twice(first: Reference, second: Reference) -> Iterator[Finding]:
    """What is wrong with a `second` entry of the same id; one id with two meanings is worse than one written twice."""
    if first is second:
        return
    if first.entry.title.casefold() == second.entry.title.casefold():
        yield second.finding("", "duplicate-id", f"{second.id} is in {first.where} already", hint="keep one of the two")
    else:
        message = f"{second.id} means {second.entry.title!r} here and {first.entry.title!r} in {first.where}"
        yield second.finding("", "two-meanings", message, hint="one id is one thing: give one of them another")
