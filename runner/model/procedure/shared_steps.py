"""`use: shared/NAME`: steps that are written once, read in the place of each item that names them.

A step of `shared/db-healthy.yml` is then a step like any other. Its id begins with `db-healthy-`, the name of what it
captures with `db_healthy_`, and each parameter is what the item gives for it, as if that were written in its place.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Any

from pydantic import Field, ValidationError

from runner.core.duration import parse
from runner.core.fields import AtLeastOne, Model, Title
from runner.core.identifiers import Spelling, StepId
from runner.core.templates import filled, filled_expression, has_template
from runner.kinds.values import Condition
from runner.model.input import Input, InputFault, Value, missing, read_all
from runner.model.names import HostPattern, Name
from runner.model.yaml.document import Document, Origin, located, validate
from runner.model.yaml.finding import MAX_FINDINGS, Finding, InvalidFileError, Place

_LISTS = ("prerequisites", "steps", "on_cancel")
"""The lists of a runbook in which an item may name shared steps."""
_IN_WORDS = "shared/ and the name of a file there, like shared/db-healthy"
_NAMING = ("capture", "choose")
"""The keys below which a step gives names to values."""
_REFERENCE = r"\{\{ *([a-z][a-z0-9_]*) *\}\}"
"""A template that is one name."""


class Use(Model):
    """The steps of the file `use` in the place of this item; their ids begin with `id`, else with the file's name."""

    use: Annotated[str, Spelling(r"^shared/[a-z][a-z0-9]*(?:-[a-z0-9]+)*$", _IN_WORDS)]
    id: StepId | None = None
    with_: Annotated[dict[Name, Value], Field(alias="with")] = {}
    hosts: HostPattern | None = None
    only_if: Condition | None = None

    @property
    def prefix(self) -> str:
        """What the ids of its steps begin with."""
        return self.id or self.use.removeprefix("shared/")

    def name(self, name: str) -> str:
        """What a value is called here that the steps call `name`."""
        return f"{self.prefix.replace('-', '_')}_{name}"


class SharedSteps(Model):
    """A file of `runbooks/shared/`: what its steps are for, the parameters (declared as inputs are), and the steps."""

    title: Title
    inputs: dict[Name, Input] = {}
    steps: AtLeastOne[dict[str, Any]]


def expand(document: Document, shared: Callable[[str], Document]) -> Document:
    """The runbook in `document` with shared steps in the place of the items that name them; it may have other faults.

    `shared` reads the file of that name, and raises FileNotFoundError where there is none.

    Raises:
        InvalidFileError: some cannot be used so; every fault is in it, up to `MAX_FINDINGS`.
    """
    lists = {key: items for key in _LISTS if isinstance(items := document.value.get(key), list)}
    placed = _Placement(document, shared)
    value = document.value | {key: placed.items(items, (key,), (key,)) for key, items in lists.items()}
    if placed.findings:
        raise InvalidFileError(sorted(set(placed.findings))[:MAX_FINDINGS])
    return replace(document, value=value, origins=placed.origins) if placed.used else document


@dataclass
class _Placement:
    """Puts shared steps in the place of the items that name them, also in the branches of a diagnosis.

    `origins` has where each item is written that moved, or is written elsewhere; `used` says whether any is.
    """

    document: Document
    shared: Callable[[str], Document]
    origins: dict[Place, Origin] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    used: bool = False

    def items(self, items: list[Any], at: Place, to: Place) -> list[Any]:
        """What stands in the place of `items`, which are written at `at` and will be at `to`."""
        made: list[Any] = []
        for number, item in enumerate(items):
            try:
                self.used |= _is_use(item)
                for step, origin in _steps(self.document, (*at, number), item, self.shared):
                    place = (*to, len(made))
                    self.origins[place] = origin
                    made.append(step if _is_use(item) else self._with_branches(step, origin.place, place))
            except InvalidFileError as error:
                self.findings += error.findings
        return made

    def _with_branches(self, item: Any, at: Place, to: Place) -> Any:
        """`item` with what stands in the place of the items in its branches, where it decides."""
        if isinstance(item, list):
            return [self._with_branches(each, (*at, number), (*to, number)) for number, each in enumerate(item)]
        if not isinstance(item, dict):
            return item
        inner = {key: item[key] for key in ("decide", "else") if key in item}
        made = {key: self._with_branches(each, (*at, key), (*to, key)) for key, each in inner.items()}
        if isinstance(then := item.get("then"), list):
            made["then"] = self.items(then, (*at, "then"), (*to, "then"))
        return item | made


def _is_use(item: Any) -> bool:
    return isinstance(item, dict) and "use" in item


def _steps(document: Document, at: Place, item: Any, shared: Callable[[str], Document]) -> Iterator[tuple[Any, Origin]]:
    """What stands in the place of `item`, and where that is written."""
    if not _is_use(item):
        yield item, Origin(document, at)
        return
    try:
        use = Use.model_validate(item)
        written = shared(use.use)
    except ValidationError as error:
        raise InvalidFileError(located(document, error, at=at, model=Use)) from None
    except FileNotFoundError:
        message, hint = f"there is no {use.use}.yml beside the runbook", "steps are shared in runbooks/shared/"
        raise InvalidFileError([document.finding((*at, "use"), "unknown-shared-steps", message, hint=hint)]) from None
    steps = validate(written, SharedSteps)
    if wrong := list(_wrong(use, steps)):
        raise InvalidFileError([_fault(document, at, use, each) for each in wrong])
    values = _values(use, steps)
    for number, step in enumerate(steps.steps):
        origin = Origin(written, ("steps", number), at)
        try:
            yield _step(step, use, values, prerequisite=at[0] == "prerequisites"), origin
        except ValueError as error:
            used = replace(document, origins={at: origin})
            raise InvalidFileError([used.finding(at, "wrong-template", str(error))]) from None


def _fault(document: Document, at: Place, use: Use, fault: InputFault) -> Finding:
    if fault.name in use.with_:
        return document.finding((*at, "with", fault.name), "wrong-parameter", fault.what, hint=fault.mend)
    return document.finding((*at, "use"), "wrong-parameter", str(fault))


def _wrong(use: Use, steps: SharedSteps) -> Iterator[InputFault]:
    """What is wrong with the parameters; what a template gives is not known yet."""
    templates = {name for name, value in use.with_.items() if _is_template(value)}
    later = templates & steps.inputs.keys()
    values, wrong = read_all(steps.inputs, {name: each for name, each in use.with_.items() if name not in later})
    complained = later | {each.name for each in wrong}
    yield from wrong
    yield from (each for each in missing(steps.inputs, values) if each.name not in complained)
    for name, item in steps.inputs.items():
        if item.type == "secret" and not (name in later and re.fullmatch(_REFERENCE, str(use.with_[name]))):
            yield InputFault(name, "is a secret", "give it the {{ name }} of an input that is one")


def _is_template(value: Value) -> bool:
    return isinstance(value, str) and has_template(value)


def _values(use: Use, steps: SharedSteps) -> dict[str, Value]:
    """What stands for each name that the steps know: a parameter, or what one of them captures or lets choose."""
    given = {
        name: value if _is_template(value) else steps.inputs[name].read(value) for name, value in use.with_.items()
    }
    values = {name: item.default for name, item in steps.inputs.items() if item.default is not None} | given
    for name in [name for name in values if steps.inputs[name].type == "duration"]:
        if match := re.fullmatch(_REFERENCE, str(values[name])):
            values[f"{name}_seconds"] = f"{{{{ {match[1]}_seconds }}}}"
        elif not _is_template(values[name]):
            values[f"{name}_seconds"] = parse(str(values[name])).total_seconds()
    named = [name for step in steps.steps for key in _NAMING if isinstance(step.get(key), dict) for name in step[key]]
    return values | {name: f"{{{{ {use.name(name)} }}}}" for name in named}


def _step(step: Mapping[str, Any], use: Use, values: Mapping[str, Value], *, prerequisite: bool) -> dict[str, Any]:
    """One step as if it were written in the place of `use`; a prerequisite has no id, and only looks anyway."""
    made: dict[str, Any] = {"hosts": use.hosts} if use.hosts else {}
    made |= _filled(step, values, ())
    if use.only_if:
        made["only_if"] = f"({use.only_if}) and ({made['only_if']})" if made.get("only_if") else use.only_if
    for key in _NAMING:
        if isinstance(made.get(key), dict):
            made[key] = {use.name(name): item for name, item in made[key].items()}
    if prerequisite:
        return {key: item for key, item in made.items() if key != "id" and (key, item) != ("effect", "read")}
    return made | ({"id": f"{use.prefix}-{made['id']}"} if isinstance(made.get("id"), str) else {})


def _filled(item: Any, values: Mapping[str, Value], place: tuple[str, ...]) -> Any:
    """`item`, which is written below the keys `place` of a step, with `values` in the place of their names."""
    if isinstance(item, dict):
        return {key: _filled(each, values, (*place, key)) for key, each in item.items()}
    if isinstance(item, list):
        return [_filled(each, values, place) for each in item]
    if not isinstance(item, str):
        return item
    return filled_expression(item, values) if _is_expression(place) else filled(item, values)


def _is_expression(place: tuple[str, ...]) -> bool:
    """Whether what is written there is an expression, which has no braces around it."""
    match place:
        case ("only_if",) | ("capture", _) | ("choose", _, "from") | (*_, "verify" | "if", "that") | (*_, "if"):
            return True
    return False
