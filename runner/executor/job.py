"""What a run asks its executor to do, and how that ended; data that any executor understands."""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, field
from pathlib import Path
from typing import Any, Literal, Self, get_args

from runner.core.deferred import dataclass

Message = dict[str, Any]
"""What an executor reports: a `kind` and what belongs to it. `inventory` comes first, `end` last."""

Handler = Callable[[Message], Literal[False] | None]
"""Takes what an executor reports; False says that nothing may go on."""

Together = Callable[[], AbstractContextManager[None]]
"""Makes a block of what is around the handling of several messages: nothing may go on before its end."""

ENGINE = "RUNBOOK_ENGINE"
"""The environment variable that names how tasks reach their hosts: one of `ENGINES`."""

Engine = Literal["fast", "stock"]
ENGINES: tuple[Engine, ...] = get_args(Engine)
"""`fast` in one process and by one Python on each host, and `stock` as Ansible comes."""

USUAL_ENGINE: Engine = "fast"
"""The one that is used unless another one is named."""

Why = Literal["exited", "cancelled", "deadline", "orphaned", "unread", "refused"]


@dataclass
class Cancellation:
    """A request to stop, made by a signal or from elsewhere; asked a second time, it stops without grace.

    `answered` is how many requests have had their effect: what is begun after that goes on in spite of them.
    """

    requests: list[str] = field(default_factory=list)
    answered: int = 0
    _counts: dict[Callable[[], Sequence[str]], int] = field(default_factory=dict)

    def request(self, why: str) -> None:
        """Ask, once more."""
        self.requests.append(why)

    def listen(self, elsewhere: Callable[[], Sequence[str]]) -> None:
        """From now on `elsewhere` counts as well, which gives every request that another process has made so far."""
        self._counts.setdefault(elsewhere, 0)

    def asked(self) -> int:
        """How often it was asked until now, from everywhere."""
        for elsewhere, count in list(self._counts.items()):
            requests = elsewhere()
            self.requests.extend(requests[count:])
            self._counts[elsewhere] = len(requests)
        return len(self.requests)


@dataclass(frozen=True, slots=True)
class Job:
    """What stays the same over all parts of a run.

    `files` are what the playbook brings along, by their paths from the root of the library. `inventories` are absolute
    paths; `hosts` is the pattern of all hosts the run is about; `environ` is the environment
    of the command, of which children see an allow-listed part. `secrets` are inputs that Ansible is told on the report
    socket only, in place of what `inputs` has for them; `names` asks for the names of all hosts of the inventory, and
    `on` for the hosts that each of these names has, on which steps are done for other hosts; `needs` for the hosts that
    do not have one of these variables. `called` and `successors` ask for the hosts of these patterns: of runbooks that
    do steps of this one, whatever `limit` says, and within it of those that may take over.
    `on_workspace` is told each directory before it is used, `learn` what is secret in the inventory, before any message
    is handled.
    """

    run_id: str
    name: str
    playbook: bytes
    inventories: Sequence[Path]
    limit: str | None
    inputs: Mapping[str, Any]
    hosts: str
    becomes: bool
    environ: Mapping[str, str]
    cancellation: Cancellation
    on_workspace: Callable[[Path], None] = lambda _: None
    learn: Callable[[Collection[str]], object] = lambda _: None
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    names: bool = False
    on: Sequence[str] = ()
    needs: Sequence[str] = ()
    called: Sequence[str] = ()
    successors: Sequence[str] = ()
    files: Mapping[str, bytes] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class JobPart:
    """What one invocation does of a job: the tasks that carry one of `tags`, on the hosts in `limit` only.

    `hosts` says how many there will be; `captured` is what earlier parts kept of each host; `settings` are variables of
    ours that the playbook has defaults for; `deadline` is in seconds. The message `inventory` tells what the steps in
    `render` would do, and the message `end` what those in `render_next` would, as far as that can be said by then.
    """

    tags: Sequence[str]
    limit: Sequence[str] = ()
    hosts: int = 0
    captured: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    deadline: float | None = None
    render: Sequence[str] = ()
    render_next: Sequence[str] = ()


NOTHING = JobPart(tags=("never-anything",))
"""The part in which no task is done."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How a part ended.

    `why` is `exited` (by itself, with `code`), `cancelled`, `deadline`, `orphaned` (a process above it died), `unread`
    (the inventory was not read in time), or `refused` (whoever handled a message did not let it go on). `diagnosis` is
    the tail of what Ansible printed, for a person to read and for nothing else.
    """

    why: Why
    code: int = -1
    diagnosis: str = ""

    def dumps(self) -> str:
        """One line."""
        return json.dumps(asdict(self))

    @classmethod
    def loads(cls, line: str) -> Self:
        """The ending in `line`."""
        return cls(**json.loads(line))


@dataclass(frozen=True, slots=True)
class AbandonedRun:
    """A run whose command died, and what it may have left.

    `hosts` is the pattern of all its hosts, and `attempts` has for each host that it had come to the markers of the
    attempts at a step that have not ended there; `workspaces` are the directories that it had noted.
    """

    run_id: str
    inventories: Sequence[str]
    hosts: str
    becomes: bool
    attempts: Mapping[str, Sequence[str]]
    workspaces: Sequence[Path]
