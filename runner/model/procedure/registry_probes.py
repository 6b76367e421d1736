"""`criteria:` and `watch:`: probes that the registry holds, read in the place of the ids that name them.

`{criteria: [DEP-002, DEP-003]}` is a prerequisite for each of these entries, which makes its `check`. In
`watch: [DEP-006]` an id stands for the rollback trigger of its entry. Both are then read, checked and compiled as if
they were written in the runbook.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import field, replace
from typing import Any

from pydantic import ValidationError

from runner.core.deferred import dataclass
from runner.core.fields import AtLeastOne, Model
from runner.core.identifiers import ReferenceId
from runner.model.names import HostPattern
from runner.model.procedure.rollback_triggers import Rollback, step_id
from runner.model.step import RegistryCriterion
from runner.model.yaml.document import Document, Origin, located
from runner.model.yaml.finding import MAX_FINDINGS, Finding, InvalidFileError, Place

Entry = tuple[Document, Mapping[str, Any]]
"""An entry of the registry as it is written, and the file that it stands in."""

_CHECK = "write there how it is verified: check: {command: ..., that: ...}, or check: {confirm: ...} for a person"
_CONDITION = "write there when it fires: rollback: {trigger: ..., condition: {http: ..., that: ...}, runbook: RUN-005}"


class Criteria(Model):
    """The entries whose `check` is a prerequisite; `hosts` is where it is made, unless the entry says that itself."""

    criteria: AtLeastOne[ReferenceId]
    hosts: HostPattern | None = None


def expand(document: Document, entry: Callable[[str], Entry | None]) -> Document:
    """The runbook in `document` with the probes of the registry in the place of the ids that name them.

    `entry` gives an entry by its id, None where there is no such entry.

    Raises:
        InvalidFileError: some cannot be used so; every fault is in it, up to `MAX_FINDINGS`.
    """
    expansion = _ProbePlacement(document, entry)
    value = dict(document.value)
    if isinstance(items := value.get("prerequisites"), list) and any(map(_names_criteria, items)):
        value["prerequisites"] = expansion.prerequisites(items)
    if isinstance(items := value.get("watch"), list):
        value["watch"] = [expansion.trigger(item, ("watch", number)) for number, item in enumerate(items)]
    if expansion.findings:
        raise InvalidFileError(sorted(set(expansion.findings))[:MAX_FINDINGS])
    if value == document.value:
        return document
    return replace(document, value=value, origins=expansion.all_origins(), before=document.written)


def _names_criteria(item: Any) -> bool:
    return isinstance(item, dict) and "criteria" in item


@dataclass
class _ProbePlacement:
    """Puts probes in the place of ids; `origins` says where each is written, `findings` what is wrong."""

    document: Document
    entry: Callable[[str], Entry | None]
    origins: dict[Place, Origin] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    moved: bool = False

    def all_origins(self) -> Mapping[Place, Origin]:
        """Where everything is written by now."""
        before = self.document.origins
        stay = {at: each for at, each in before.items() if not (self.moved and at[0] == "prerequisites")}
        return stay | self.origins

    def prerequisites(self, items: list[Any]) -> list[Any]:
        """`items` with a prerequisite for each criterion: what a person must confirm comes after the others."""
        self.moved = True
        made: list[Any] = []
        for number, item in enumerate(items):
            at: Place = ("prerequisites", number)
            if not _names_criteria(item):
                self.origins["prerequisites", len(made)] = self.document.origin(at)
                made.append(item)
                continue
            for step, origin in sorted(self._criteria(item, at), key=lambda each: "confirm" in each[0]["verify"][0]):
                self.origins["prerequisites", len(made)] = origin
                self.origins["prerequisites", len(made), "verify", 0] = replace(origin, place=(*origin.place, "check"))
                made.append(step)
        return made

    def _criteria(self, item: Any, at: Place) -> Iterator[tuple[dict[str, Any], Origin]]:
        try:
            wanted = Criteria.model_validate(item)
        except ValidationError as error:
            self.findings += located(self.document, error, at=at, model=Criteria)
            return
        for number, name in enumerate(wanted.criteria):
            used_at = (*at, "criteria", number)
            if found := self._part(name, "check", used_at, _CHECK):
                origin, check = found
                hosts = check.pop("hosts", wanted.hosts)
                step = {
                    "name": f"{name}: {self._title(name)}",
                    "verify": [check],
                    "criterion": RegistryCriterion(id=name),
                }
                yield step | ({"hosts": hosts} if hosts else {}), origin

    def trigger(self, name: Any, at: Place) -> Any:
        """The rollback trigger of the entry `name` as it is read later; `name` itself where there is none."""
        if not isinstance(name, str) or not (found := self._part(name, "rollback", at, _CONDITION)):
            return name
        origin, written = found
        try:
            rollback = Rollback.model_validate(written)
        except ValidationError as error:
            self.findings += located(origin.document, error, at=(name, "rollback"), model=Rollback)
            return name
        if rollback.condition is None or rollback.runbook is None:
            self._fault(at, f"{name} has no rollback trigger that can be looked at", _CONDITION)
            return name
        condition = dict(rollback.condition)
        place = replace(origin, place=(name, "rollback"))
        self.origins[at] = place
        self.origins[*at, "step", "verify", 0] = replace(place, place=(name, "rollback", "condition"))
        step = {"hosts": hosts} if (hosts := condition.pop("hosts", None)) else {}
        step |= {"id": step_id(name), "name": f"{name}: {rollback.trigger}", "verify": [condition]}
        return {"step": step | {"effect": "read", "on_failure": "continue"}, "rollback": rollback, "entry": name}

    def _part(self, name: str, key: str, used_at: Place, hint: str) -> tuple[Origin, dict[str, Any]] | None:
        """What the entry `name` has under `key`, and where it is written."""
        found = self.entry(name)
        if found is None:
            self._fault(used_at, f"there is no {name} in the registry", "runbook registry shows what there is")
            return None
        document, written = found
        part = written.get(key)
        if not isinstance(part, dict):
            self._fault(used_at, f"{name} has no `{key}`", hint)
            return None
        return Origin(document, (name,), used_at), dict(part)

    def _title(self, name: str) -> str:
        found = self.entry(name)
        return str(found[1].get("title", "")) if found else ""

    def _fault(self, at: Place, message: str, hint: str) -> None:
        self.findings.append(self.document.finding(at, "no-probe", message, hint=hint))
