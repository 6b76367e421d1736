"""One description of a question to people: all that decides what a yes will do, and the hash that a yes is for."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, field, fields
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, Self

from runner.core import duration
from runner.core.deferred import dataclass
from runner.core.wording import FEW, grouped, in_one_line


@dataclass(frozen=True, slots=True)
class HostAction:
    """What is done on one host: `text` says it in words, `call` has every parameter that decides it.

    `on` is the other machine that does it for the host, if there is one. `address` and `connection` say how the one
    that does it is reached, `captured` which values of earlier steps are used there.
    A secret is only ever a reference. `missing` says what is not known that would have to be.
    """

    address: str
    connection: Mapping[str, Any] = field(default_factory=dict)
    text: str = ""
    call: Mapping[str, Any] = field(default_factory=dict)
    captured: Mapping[str, Any] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    on: str = ""


@dataclass(frozen=True)
class GateContext:
    """A question as everybody is asked it: the same on every front end, in the report, and under the hash `subject`.

    `gate` tells it from every other question of the run, `kind` is what is asked for (approve, manual, confirm, ...).
    `crossing` says that nothing takes the step back. `min` people must say yes within `expires` seconds (None: no
    limit), of `group` whose `members` are named, and with `four_eyes` none of those who started or resumed the run.
    `only_if` is the condition that makes it needed. With `shared_account` a person is who they say they are, else who
    is logged in. `sources` has the SHA-256 of each file that decides what is done. `starters` began the run or went on
    with it; only they are not in the hash, because somebody who resumes a run changes nothing of what it will do.
    """

    run: str
    runbook: str
    title: str
    gate: str
    kind: str
    step: str
    name: str
    text: str
    environment: str
    starters: tuple[str, ...]
    hosts: Mapping[str, HostAction]
    why: str = ""
    effect: str = ""
    crossing: bool = False
    undo: str = ""
    reason: str = ""
    verifications: tuple[str, ...] = ()
    inputs: Mapping[str, Any] = field(default_factory=dict)
    min: int = 1
    group: str = ""
    members: tuple[str, ...] = ()
    four_eyes: bool = False
    shared_account: bool = False
    expires: float | None = None
    only_if: str = ""
    sources: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def subject(self) -> str:
        """The SHA-256 of the whole: the same for the same, another one when anything of it is another thing."""
        return hashlib.sha256(canonical(self.decisive()).encode()).hexdigest()

    @property
    def missing(self) -> list[str]:
        """What is not known that would have to be, each with its host; nobody can approve what is not known."""
        return [f"{host}: {item}" for host, action in self.hosts.items() for item in action.missing]

    def decisive(self) -> dict[str, Any]:
        """What of it is under the hash."""
        return {key: value for key, value in asdict(self).items() if key != "starters"}

    def data(self) -> dict[str, Any]:
        """The same as JSON's types, with its `subject`."""
        plain: dict[str, Any] = json.loads(canonical(asdict(self)))
        return {**plain, "subject": self.subject}

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Self:
        """The description that `data` made.

        Raises:
            ValueError: it did not.
        """
        try:
            values = {each.name: data[each.name] for each in fields(cls) if each.name in data}
            lists = {name: tuple(data[name]) for name in ("starters", "verifications", "members")}
            actions = {host: {**each, "missing": tuple(each["missing"])} for host, each in data["hosts"].items()}
            return cls(**{**values, **lists, "hosts": {host: HostAction(**each) for host, each in actions.items()}})
        except (TypeError, LookupError, AttributeError) as error:
            raise ValueError(f"is not the description of a question: {error}") from error


def canonical(value: Any) -> str:
    """`value` as the one JSON text that it has."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, default=str)


CROSSING = "nothing undoes this step"

Line = tuple[str, str]
"""A label of one word, empty where a line goes on, and the text that stands beside it."""


def describe(context: GateContext, *, until: datetime | None = None) -> list[Line]:
    """All of `context` in lines; `until` is when it is too late to say yes.

    What is long and technical comes first: what people decide by stands right above the question, also on a small
    screen.
    """
    return [
        (label if not number else "", line)
        for label, text in _parts(context, until)
        for number, line in enumerate(text.splitlines() or [""])
    ]


def _parts(context: GateContext, until: datetime | None) -> Iterator[Line]:
    reason = f": {context.reason}" if context.reason else ""
    yield "run", f"{context.run} of {context.runbook} {context.title}"
    yield "in", f"{context.environment}{reason}"
    yield "by", ", then ".join(context.starters)
    yield from _hosts(context)
    for name, value in context.inputs.items():
        yield "input", f"{name} = {in_one_line(value)}"
    yield "step", f"{context.name} ({context.step})"
    if context.why:
        yield "why", context.why
    if context.only_if:
        yield "needed", f"because {' '.join(context.only_if.split())}"
    if context.effect:
        yield "effect", context.effect + (f"; undo: {context.undo}" if context.undo else "")
    if context.crossing:
        yield "WARNING", CROSSING
    for says in context.verifications:
        yield "check", says
    yield context.kind, context.text
    yield "answers", _who(context, until)
    for item in context.missing:
        yield "LACKS", item
    yield "subject", context.subject[:12]


def _hosts(context: GateContext) -> Iterator[Line]:
    """Hosts on which the very same is done stand together; how each is reached stands beside its name."""
    for text, hosts in grouped((action.text, _reached(host, action)) for host, action in context.hosts.items()).items():
        yield "on", ", ".join(hosts)
        if text:
            yield "does", text
    for host, action in context.hosts.items():
        for name, value in action.captured.items():
            yield "uses", f"{host}: {_named(name, value)}"


def _reached(host: str, action: HostAction) -> str:
    settings = [
        f"{name.removeprefix('ansible_')}={in_one_line(value)}"
        for name, value in action.connection.items()
        if name not in {"ansible_host", "ansible_port", "ansible_ssh_host", "ansible_ssh_port"}
    ]
    where = action.on or host
    address = [] if action.address == where else [action.address]
    around = ", ".join((*address, *settings))
    name = f"{action.on}, for {host}" if action.on else host
    return f"{name} ({around})" if around else name


def _who(context: GateContext, until: datetime | None) -> str:
    people = "1 person" if context.min == 1 else f"{context.min} different people"
    group = f" of {context.group} ({', '.join(context.members)})" if context.group else ""
    eyes = f", not {' or '.join(context.starters)}" if context.four_eyes else ""
    within = f", within {duration.show(timedelta(seconds=context.expires))}" if context.expires else ""
    end = f" (until {until:%Y-%m-%d %H:%M:%S} UTC)" if until else ""
    return f"{people}{group}{eyes}{within}{end}"


def _named(name: str, value: Any) -> str:
    """The value with its name; many values are counted by it."""
    many = isinstance(value, list) and len(value) > FEW
    return in_one_line(value, things=name) if many else f"{name} = {in_one_line(value)}"
