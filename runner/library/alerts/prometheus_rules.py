"""Prometheus' rule files, as they are found: the alerts in them, and where each says its `runbook_url`."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from runner.core.deferred import dataclass
from runner.core.errors import InvalidInputError
from runner.core.limited_file import read_limited
from runner.library.root import shown
from runner.model.yaml.finding import Finding, InvalidFileError, Level
from runner.model.yaml.lenient_yaml import MAX_BYTES, Value, documents

KEY = "runbook_url"

_SUFFIXES = (".yml", ".yaml", ".rules")


@dataclass(frozen=True)
class RuleFile:
    """A file with alerts: what holds its `groups`, and why it cannot be read where it cannot."""

    groups: Sequence[Value] = ()
    faults: Sequence[Finding] = ()


@dataclass(frozen=True)
class AlertRule:
    """An alert of a rule file."""

    name: str
    value: Value

    def text_of(self, key: str) -> str:
        """The texts of its `annotations` or `labels`."""
        there = self.value.get(key)
        return " ".join(each.text or "" for each in there.values()) if there else ""

    @property
    def url(self) -> str:
        """What is written as its runbook's URL; empty where nothing is."""
        return (written.text or "") if (written := self._written) else ""

    def finding(self, rule: str, message: str, *, hint: str = "", level: Level = Level.ERROR) -> Finding:
        """The finding that something is wrong with its URL, or that it has none."""
        at = self._written or self.value.get("alert") or self.value
        return at.finding(rule, f"{self.name} {message}", hint=hint, level=level)

    @property
    def _written(self) -> Value | None:
        annotations = self.value.get("annotations")
        return annotations.get(KEY) if annotations else None


def opened(path: Path) -> Sequence[RuleFile]:
    """The rule file at `path`, or those in that directory and below it, where any other YAML file is passed over.

    Raises:
        InvalidInputError: nothing can be read there, or the directory has no rule file.
    """
    if not path.is_dir():
        return [_opened(path)]
    inside = sorted(each for each in path.rglob("*") if each.suffix in _SUFFIXES and each.is_file())
    files = [_opened(each, among_others=True) for each in inside]
    found = [file for file in files if file.groups or file.faults]
    if not found:
        raise InvalidInputError(f"{path} holds no rule file of Prometheus", hint=f"they end in {', '.join(_SUFFIXES)}")
    return found


def _opened(path: Path, *, among_others: bool = False) -> RuleFile:
    try:
        read = documents(read_limited(path, MAX_BYTES), file=shown(path))
    except InvalidFileError as error:
        return RuleFile(faults=error.findings)
    except InvalidInputError as error:
        raise InvalidInputError(f"{path} {error.message}", hint=error.hint) from None
    groups = [place for document in read for each in _each(document) if (place := _place_of_groups(each))]
    if groups or among_others:
        return RuleFile(groups)
    if not read:
        nothing = Finding(shown(path), 1, 1, "", Level.ERROR, "yaml-mapping", "has no groups of rules: it is empty")
        return RuleFile(faults=[nothing])
    return RuleFile(faults=[_missing(read[0], "groups")])


def _each(document: Value) -> Iterator[Value]:
    """The document, or the documents in it where it is a List of Kubernetes."""
    items = document.get("items") if _kind(document) == "List" else None
    yield from items.items() if items else [document]


def _place_of_groups(document: Value) -> Value | None:
    """What has `groups` in a file of Prometheus or in a PrometheusRule of Kubernetes."""
    if _kind(document) == "PrometheusRule":
        return document.get("spec") or document
    return document if document.get("groups") else None


def _kind(document: Value) -> str | None:
    kind = document.get("kind")
    return kind.text if kind else None


def rules(file: RuleFile, found: list[Finding]) -> Iterator[AlertRule]:
    """The alerts in `file`; adds to `found` what is no rule."""
    for group in (group for place in file.groups for group in _items(place, "groups", found)):
        if not group.is_mapping:
            found.append(group.finding("wrong-type", f"must be a mapping with `rules`, not {group.kind}"))
            continue
        for rule in _items(group, "rules", found):
            name = rule.get("alert")
            if name and name.text:
                yield AlertRule(name.text, rule)
            elif not rule.get("record"):
                found.append(rule.finding("wrong-type", "must be a mapping with `alert` or `record`"))


def _items(value: Value, key: str, found: list[Finding]) -> Iterator[Value]:
    inner = value.get(key)
    if inner is None or inner.kind == "empty":
        found.append(_missing(value, key))
    elif inner.kind != "a list":
        found.append(inner.finding("wrong-type", f"must be a list, not {inner.kind}"))
    else:
        yield from inner.items()


def _missing(value: Value, key: str) -> Finding:
    return value.finding("missing-key", f"has no `{key}`", hint="a rule file of Prometheus has groups of rules")
