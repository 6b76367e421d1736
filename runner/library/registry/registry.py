"""What runbooks link to: alerts, deployment criteria, risks, scenarios and others, each with one meaning."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from runner.core.deferred import dataclass
from runner.model.category import Category
from runner.model.severity import Severity
from runner.model.yaml.finding import Finding, Level, Place, show

PREFIXES = ("ARC", "API", "UJ", "MON", "DEP", "RISK", "TECH", "SCN", "RUN")
"""The prefixes of ids that have a meaning; an entry may have another."""


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


@dataclass(frozen=True, slots=True)
class Reference:
    """An entry in short, and the `file` in which it is `written`.

    `positions` has its line and column, under the empty key, and those of its keys; `words` everything that it says
    about what it is, and `mentions` each kind, word, place and position of what it names. What only some kinds have is
    empty for the others. A deployment criterion has a `trigger` where it is rolled back, by the `runbook`.
    """

    id: str
    title: str
    owner: str
    file: str
    written: Mapping[str, Any]
    positions: Mapping[str, Sequence[int]]
    mentions: Sequence[Any]
    words: str
    note: str | None = None
    severity: Severity = "info"
    runbook: str | None = None
    page: str | None = None
    alertname: str | None = None
    level: str = ""
    trigger: str = ""
    commands: Sequence[str] = ()
    replaced_by: str | None = None
    must_have: str | None = None

    @property
    def where(self) -> str:
        """The file and the line that define it."""
        return f"{self.file}:{self.positions[''][0]}"

    def finding(self, place: Place, rule: str, message: str, *, hint: str = "", level: Level = Level.ERROR) -> Finding:
        """The finding that something is wrong at `place`: with one of its keys, or with the whole entry."""
        line, column = self.positions.get(str(place[0]) if place else "", self.positions[""])
        return Finding(self.file, line, column, show((self.id, *place)), level, rule, message, hint)


def prefix(name: str) -> str:
    """`MON` of `MON-005`."""
    return name.partition("-")[0]


def letters(name: str) -> tuple[str, str]:
    """The letters and digits of an id, each sorted and without zeros: ids that are easily mistaken have the same."""
    before, _, number = name.partition("-")
    return "".join(sorted(before)), "".join(sorted(number.replace("0", "")))


def of_prefix(references: Iterable[Reference], wanted: str) -> Iterator[Reference]:
    """Each entry among `references` whose id has the prefix `wanted`."""
    return (each for each in references if prefix(each.id) == wanted)


def by_id(references: Iterable[Reference]) -> tuple[Mapping[str, Reference], list[Finding]]:
    """The entries of all files of a registry by their ids, and those that are there twice."""
    entries: dict[str, Reference] = {}
    findings: list[Finding] = []
    for each in references:
        findings += _twice(entries.setdefault(each.id, each), each)
    return dict(sorted(entries.items())), findings


def _twice(first: Reference, second: Reference) -> Iterator[Finding]:
    """What is wrong with a `second` entry of the same id; one id with two meanings is worse than one written twice."""
    if first is second:
        return
    if first.title.casefold() == second.title.casefold():
        message, hint = f"{second.id} is in {first.where} already", "keep one of the two"
        yield second.finding((), "duplicate-id", message, hint=hint)
    else:
        message = f"{second.id} means {second.title!r} here and {first.title!r} in {first.where}"
        hint = "one id is one thing: give one of them another"
        yield second.finding((), "two-meanings", message, hint=hint)
