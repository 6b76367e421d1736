"""`use: shared/NAME`: steps that are written once, read in the place of each item that names them.

A step of `shared/db-healthy.yml` is then a step like any other. Its id begins with `db-healthy-`, the name of what it
captures with `db_healthy_`, and each parameter is what the item gives for it, as if that were written in its place.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import field, replace
from typing import Annotated, Any

from pydantic import Field, ValidationError

from runner.core.deferred import dataclass
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
_BRANCHES = ("decide", "then", "else")
"""The keys below which a step of a diagnosis has others."""
_DEEPEST = 3
"""How many files of shared steps may be within each other."""
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


def expand(document: Document, shared: Callable[[str], Document], line: tuple[str, ...] = ()) -> Document:
    """The runbook in `document` with shared steps in the place of the items that name them; it may have other faults.

    `shared` reads the file of that name, and raises FileNotFoundError where there is none. `line` are the names of the
    files by which one came here: `document` is then the last of them.

    Raises:
        InvalidFileError: some cannot be used so; every fault is in it, up to `MAX_FINDINGS`.
    """
    lists = {key: items for key in _LISTS if isinstance(items := document.value.get(key), list)}
    placed = _Placement(document, shared, line)
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
    line: tuple[str, ...]
    origins: dict[Place, Origin] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    used: bool = False

    def items(self, items: list[Any], at: Place, to: Place) -> list[Any]:
        """What stands in the place of `items`, which are written at `at` and will be at `to`."""
        made: list[Any] = []
        for number, item in enumerate(items):
            try:
                if isinstance(item, dict) and "use" in item:
                    made += self._used(item, (*at, number), to, len(made))
                    continue
                place = (*to, len(made))
                self.origins[place] = Origin(self.document, (*at, number))
                made.append(self._with_branches(item, (*at, number), place))
            except InvalidFileError as error:
                self.findings += error.findings
        return made

    def _used(self, item: Any, at: Place, to: Place, first: int) -> list[Any]:
        """The shared steps that `item` names, which is written at `at`; they begin with the number `first` of `to`."""
        self.used = True
        steps, written = _steps(self.document, at, item, self.shared, self.line)
        through = (*self.line, item["use"])
        for number in range(len(steps)):
            moved = (*to, first + number)
            inner = {place: each for place, each in written.origins.items() if place[:2] == ("steps", number)}
            for place, origin in {("steps", number): Origin(written, ("steps", number)), **inner}.items():
                self.origins[*moved, *place[2:]] = replace(origin, used_at=at, through=origin.through or through)
        return steps

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


def _steps(
    document: Document, at: Place, item: Any, shared: Callable[[str], Document], line: tuple[str, ...]
) -> tuple[list[Any], Document]:
    """What stands in the place of `item`, and the file that it is written in, with all that this uses in turn."""
    try:
        use = Use.model_validate(item)
        if fault := _too_much(line, use.use):
            raise InvalidFileError([document.finding((*at, "use"), "endless-use", fault)])
        written = expand(shared(use.use), shared, (*line, use.use))
    except ValidationError as error:
        raise InvalidFileError(located(document, error, at=at, model=Use)) from None
    except FileNotFoundError:
        message, hint = f"there is no {use.use}.yml beside the runbook", "steps are shared in runbooks/shared/"
        raise InvalidFileError([document.finding((*at, "use"), "unknown-shared-steps", message, hint=hint)]) from None
    steps = validate(written, SharedSteps)
    if wrong := list(_wrong(use, steps)):
        raise InvalidFileError([_fault(document, at, use, each) for each in wrong])
    values, made = _values(use, steps), list[Any]()
    for number, step in enumerate(steps.steps):
        try:
            made.append(_step(step, use, values, prerequisite=at[0] == "prerequisites"))
        except ValueError as error:
            used = replace(document, origins={at: replace(written.origin(("steps", number)), used_at=at)})
            raise InvalidFileError([used.finding(at, "wrong-template", str(error))]) from None
    return made, written


def _too_much(line: tuple[str, ...], name: str) -> str:
    """What is wrong with a use of `name` by the last of the files of `line`, each of which uses the next; or empty."""
    if name in line:
        return f"leads back to itself: {' uses '.join((*line, name))}"
    if len(line) >= _DEEPEST:
        return f"is too deep: {' uses '.join((*line, name))}; at most {_DEEPEST} files may be within each other"
    return ""


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
    return values | {name: f"{{{{ {use.name(name)} }}}}" for name in _named(list(steps.steps))}


def _named(item: Any) -> Iterator[str]:
    """The names that the steps in `item`, a part of a shared file, give to values: also which branch is taken."""
    for each in item if isinstance(item, list) else [item] if isinstance(item, dict) else ():
        yield from (name for key in _NAMING if isinstance(each.get(key), dict) for name in each[key])
        if "decide" in each and isinstance(each.get("id"), str):
            yield each["id"].replace("-", "_")
        for key in _BRANCHES:
            yield from _named(each.get(key))


def _step(step: Mapping[str, Any], use: Use, values: Mapping[str, Value], *, prerequisite: bool) -> dict[str, Any]:
    """One step as if it were written in the place of `use`; a prerequisite has no id, and only looks anyway."""
    made: dict[str, Any] = {"hosts": use.hosts} if use.hosts else {}
    made |= _renamed(_filled(step, values, ()), use)
    if use.only_if:
        made["only_if"] = f"({use.only_if}) and ({made['only_if']})" if made.get("only_if") else use.only_if
    if prerequisite:
        return {key: item for key, item in made.items() if key != "id" and (key, item) != ("effect", "read")}
    return made


def _renamed(item: Any, use: Use) -> Any:
    """`item`, a part of a shared file, with the names that it, and the steps in its branches, have in this place."""
    if isinstance(item, list):
        return [_renamed(each, use) for each in item]
    if not isinstance(item, dict):
        return item
    made = {key: _renamed(each, use) if key in _BRANCHES else each for key, each in item.items()}
    for key in _NAMING:
        if isinstance(made.get(key), dict):
            made[key] = {use.name(name): each for name, each in made[key].items()}
    if not isinstance(made.get("id"), str):
        return made
    # The steps of two uses of one file are told apart by what one of them is called.
    told = {"name": f"{made['name']} ({use.id})"} if use.id and isinstance(made.get("name"), str) else {}
    return made | told | {"id": f"{use.prefix}-{made['id']}"}


def _filled(item: Any, values: Mapping[str, Value], place: tuple[str, ...]) -> Any:
    """`item`, which is written below the keys `place` of a step, with `values` in the place of their names."""
    if isinstance(item, dict):
        return {key: _filled(each, values, (*place, key)) for key, each in item.items()}
    if isinstance(item, list):
        return [_filled(each, values, place) for each in item]
    if not isinstance(item, str):
        return item
    return filled_expression(item, values) if place and _is_expression(place) else filled(item, values)


def _is_expression(place: tuple[str, ...]) -> bool:
    """Whether what is written there is an expression, which has no braces around it."""
    while place and place[0] in _BRANCHES:
        place = place[1:]
    match place:
        case ("only_if",) | ("capture", _) | ("choose", _, "from") | (*_, "verify" | "if", "that") | (*_, "if"):
            return True
    return False
