"""The record of an event: a CloudEvents 1.0 envelope whose data speaks Elastic Common Schema (ECS) names.

    specversion, id, source, type, time   CloudEvents' own; `source` is the controller, `type` `runbook.step.finished`
    subject                               `<run>/<step>@<host>`, as far as the event concerns a step and a host
    run, step                             the same, to select by: `jq 'select(.run == "...")'`
    monotonic, boot                       the clock for durations, in seconds (a string: CloudEvents has no fractions),
                                          and the boot it counts from
    truncated                             true when strings or members had to be cut; absent otherwise
    data.user.name, data.process.pid,     who ran the command, and with which program
    data.agent.type, data.agent.version
    data.host.name                        the managed host, when the event concerns one
    data.runbook                          the event's own data as it was given, under a name of its own as ECS advises,
                                          so that nothing a host or a runbook says can pass for who, where or when

Sources: https://github.com/cloudevents/spec/blob/v1.0/json-format.md and
https://www.elastic.co/docs/reference/ecs/ecs-custom-fields-in-ecs. The text is ASCII, so that no
terminal sequence in a host's output reaches whoever looks at the file.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, unquote

from runner.core.deferred import dataclass, regex
from runner.core.errors import AuditError
from runner.core.events import Event, Instant
from runner.store.log.chain import MAX_MEMBERS

_SOURCE = "runbookctl://"
_TYPE = "runbook."
_LONGEST_STRINGS = (16384, 8192, 4096, 2048, 1024, 512, 256)  # in characters, tried in turn
_LONGEST_MEMBER = 1024
_TYPE_MEMBER = regex(rb',"type":"runbook\.([^"\\]*)"')
_RUN = regex(rb',"run":("(?:[^"\\]|\\.)*")')
_DEEPEST = 64  # levels; a reader's JSON library may give up at any depth, and a record nobody can read is none


@dataclass(frozen=True, slots=True)
class Actor:
    """Who runs the command: the user, on which host (the controller), as which process, with which tool version.

    `groups` are those of the system that the person behind it is in.
    """

    user: str
    host: str
    pid: int
    tool_version: str
    groups: tuple[str, ...] = ()

    @property
    def person(self) -> str:
        """The login of the person behind it."""
        return person(self.user)


def person(user: str) -> str:
    """The login of the person who is recorded as `user`: behind `sudo`, who came before it."""
    name, _, before = user.partition(" (sudo by ")
    return (before.removesuffix(")") or name).lower()


@dataclass(frozen=True, slots=True)
class Record:
    """One line of the audit log, as it was written.

    `type` is the word of `EventType`, `run` is empty for what concerns the log itself, `monotonic` is in seconds since
    `boot`, and `truncated` says that `data` did not fit and was cut.
    """

    seq: int
    time: datetime
    monotonic: float
    boot: str
    type: str
    run: str
    step: str | None
    host: str | None
    data: Mapping[str, Any]
    actor: Actor
    truncated: bool
    hash: str


def instant(record: Record) -> Instant:
    """When `record` was made, on both clocks."""
    return Instant(record.time, record.monotonic, record.boot)


def compose(event: Event, *, seq: int, instant: Instant, actor: Actor) -> bytes:
    """The JSON members of the record of `event`, at most `MAX_MEMBERS` bytes of ASCII.

    Data that is too long or nested too deeply is cut rather than refused, because the event did happen: the longest
    strings first, then the largest members of `data`, then all of it. What was cut leaves its length and its SHA-256
    (those of its JSON when it was no string).

    Raises:
        AuditError: the event is not JSON, or a name in it alone is longer than a record.
    """
    try:
        for data, truncated in _ever_shorter(event.data):
            fitted = replace(event, data=data)
            members = _members(fitted, seq=seq, instant=instant, actor=actor, truncated=truncated)
            if len(members) <= MAX_MEMBERS:
                return members
    except (TypeError, ValueError, RecursionError) as error:
        raise AuditError(f"{event.type} cannot be recorded: its data is not JSON ({error})", hint=_DEFECT) from error
    raise AuditError(f"{event.type} cannot be recorded: its names alone exceed {MAX_MEMBERS} bytes", hint=_DEFECT)


_DEFECT = "Nothing was written. Report this as a defect of what made the event"


def parse(line: bytes) -> Record:
    """The record that `line` of an audit log holds; whether it belongs there is the chain's matter.

    Raises:
        ValueError: it holds none.
    """
    try:
        record = json.loads(line)
        return _record(record, record["data"])
    except json.JSONDecodeError as error:
        raise ValueError(f"this is not JSON: {error}") from error
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"this is JSON, but not a record of this log: {error!r}") from error


def run_member(run: str) -> bytes:
    """What a line of `run` is sure to contain, to pass over other lines without reading them as JSON."""
    return f'"run":{_dump(run)}'.encode()


def run_of(line: bytes) -> bytes:
    """The run that `line` is of, as it stands there, without reading the line as JSON; empty where it is of none."""
    match = _RUN.search(line, 0, max(0, line.find(b',"data":{')))  # what an event says of runs comes after that
    return match[1] if match else b""


def type_of(line: bytes) -> str:
    """The type of the event that `line` records, without reading the line as JSON; empty where there is none."""
    match = _TYPE_MEMBER.search(line)
    return match[1].decode() if match else ""


def _members(event: Event, *, seq: int, instant: Instant, actor: Actor, truncated: bool) -> bytes:
    where = (event.run or "log") + (f"/{event.step}" if event.step else "") + (f"@{event.host}" if event.host else "")
    envelope = _present(
        specversion="1.0",
        id=f"{event.run or 'log'}/{seq}",
        source=_SOURCE + quote(actor.host, safe="", errors="surrogatepass"),
        type=_TYPE + event.type,
        time=instant.wall.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z"),
        subject=where,
        run=event.run or None,
        step=event.step,
        monotonic=f"{instant.monotonic:.6f}",
        boot=instant.boot_id,
        truncated=truncated or None,
        data=_present(
            user={"name": actor.user},
            process={"pid": actor.pid},
            agent={"type": "runbookctl", "version": actor.tool_version},
            host=None if event.host is None else {"name": event.host},
            runbook=event.data,
        ),
    )
    return _dump(envelope)[1:-1].encode("ascii")


def _present(**members: Any) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}


def _record(record: dict[str, Any], data: dict[str, Any]) -> Record:
    controller = unquote(record["source"].removeprefix(_SOURCE), errors="surrogatepass")
    return Record(
        seq=record["seq"],
        time=datetime.fromisoformat(record["time"]),
        monotonic=float(record["monotonic"]),
        boot=record["boot"],
        type=record["type"].removeprefix(_TYPE),
        run=record.get("run", ""),
        step=record.get("step"),
        host=data["host"]["name"] if "host" in data else None,
        data=data["runbook"],
        actor=Actor(data["user"]["name"], controller, data["process"]["pid"], data["agent"]["version"]),
        truncated=record.get("truncated", False),
        hash=record["hash"],
    )


def _dump(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), allow_nan=False, default=_as_dict)


def _as_dict(value: Any) -> dict[str, Any]:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is not a JSON type")


def _ever_shorter(data: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], bool]]:
    if _depth(data) <= _DEEPEST:
        yield data, False
    for longest in _LONGEST_STRINGS:
        shorter: dict[str, Any] = _cut(data, longest, _DEEPEST)
        yield shorter, True
    yield {name: _cut_member(value, shorter[name]) for name, value in data.items()}, True
    yield {"cut": _cut_mark(_dump(data))}, True


def _depth(value: Any) -> int:
    members = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ()
    return 1 + max(map(_depth, members), default=0)


def _cut(value: Any, longest: int, deepest: int) -> Any:
    if isinstance(value, str):
        return value if len(value) <= longest else value[:longest] + _cut_mark(value)
    if not isinstance(value, Mapping | list | tuple):
        return value
    if deepest == 1:
        return _cut_mark(_dump(value))
    if isinstance(value, Mapping):
        return {name: _cut(member, longest, deepest - 1) for name, member in value.items()}
    return [_cut(item, longest, deepest - 1) for item in value]


def _cut_member(value: Any, shorter: Any) -> Any:
    return shorter if len(_dump(shorter)) <= _LONGEST_MEMBER else _cut_mark(_dump(value))


def _cut_mark(text: str) -> str:
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return f"[cut: {len(text)} characters, SHA-256 {digest}]"
