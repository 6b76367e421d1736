"""Runs parts of one compiled playbook, each in a supervised process of its own."""

from __future__ import annotations

import contextlib
import math
import os
import select
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from runner.core import trusted_files
from runner.core.errors import ExecutionError, InvalidInputError, RunbookError, UnreachableError
from runner.core.step_tags import GATE
from runner.executor.ansible import processes, workspace
from runner.executor.ansible.callback_socket import CallbackSocket, Message
from runner.executor.ansible.messages import Ending, Order
from runner.executor.ansible.supervisor import GRACE
from runner.executor.ansible.teardown import REAP_LIMIT, tear_down, unfinished
from runner.executor.inventory.duplicate_keys import HINT, check_json, duplicate_key

_POLL = 0.1
READING = 60.0
"""Seconds in which Ansible has read the inventory; a script of it may hang."""

OBEYING = GRACE + REAP_LIMIT + 4.0
"""Seconds in which a supervisor that is asked to stop has done so, and reported; it may have been stopped itself."""

_LOCKED = ("no vault secrets found", "no vault secrets were found", "The vault password file")
"""What Ansible says when it cannot decrypt something."""
_FORKS = 50
"""Hosts at a time, at most; Ansible starts no more workers than there are hosts."""


class ResolvedOnlyError(Exception):
    """Raised by a handler that wanted to know the hosts, and nothing done."""


@dataclass
class Cancellation:
    """A request to stop, made by a signal or from elsewhere; asked a second time, it stops without grace.

    `answered` is how many requests have had their effect: what is begun after that goes on in spite of them.
    """

    requests: list[str] = field(default_factory=list)
    answered: int = 0
    _heard: dict[Callable[[], Sequence[str]], int] = field(default_factory=dict)

    def request(self, why: str) -> None:
        """Ask, once more."""
        self.requests.append(why)

    def listen(self, elsewhere: Callable[[], Sequence[str]]) -> None:
        """From now on `elsewhere` counts as well, which gives every request that another process has made so far."""
        self._heard.setdefault(elsewhere, 0)

    def asked(self) -> int:
        """How often it was asked until now, from everywhere."""
        for elsewhere, heard in list(self._heard.items()):
            made = elsewhere()
            self.requests.extend(made[heard:])
            self._heard[elsewhere] = len(made)
        return len(self.requests)


@dataclass(frozen=True)
class Job:
    """What stays the same over all parts of a run.

    `inventories` are absolute paths; `hosts` is the pattern of all hosts the run is about; `environ` is the environment
    of the command, of which children see an allow-listed part. `secrets` are inputs that Ansible is told on the report
    socket only, in place of what `inputs` has for them; `names` asks for the names of all hosts of the inventory.
    `learn` is told what is secret in the inventory, before anything else is heard.
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
    on_private: Callable[[Path], None] = lambda _: None
    learn: Callable[[Collection[str]], None] = lambda _: None
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    names: bool = False


@dataclass(frozen=True)
class Part:
    """What one invocation does of a job: the tasks that carry one of `tags`, on the hosts in `limit` only.

    `hosts` says how many there will be; `captured` is what earlier parts kept of each host; `settings` are variables of
    ours that the playbook has defaults for; `deadline` is in seconds. The messages `hello` and `end` tell what the
    steps in `render` would do, as far as that is known by then.
    """

    tags: Sequence[str]
    limit: Sequence[str] = ()
    hosts: int = 0
    captured: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    deadline: float | None = None
    render: Sequence[str] = ()


def execute(job: Job, part: Part, *, handle: Callable[[Message], None]) -> Ending:
    """Do `part` of `job`; every message of our callback plugin goes to `handle`.

    Raises:
        ExecutionError: Ansible died without having said what happened, or an inventory has a key twice.
        InvalidInputError: others can change an inventory, which may hold programs.
        Exception: whatever `handle` raised; nothing more has run after that.
    """
    trusted_files.check(job.inventories, variables_beside=True)
    check_json(job.inventories)
    directory = workspace.make(job.run_id)
    heard: list[str] = []

    def hear(message: Message) -> Message | None:
        heard.append(message["kind"])
        if heard[0] != "hello":
            raise ExecutionError("the callback plugin spoke before it said hello", hint="reinstall runbookctl")
        job.learn(message.pop("secret_values", ()))
        handle(message)
        return {"secrets": dict(job.secrets)} if message["kind"] == "hello" and job.secrets else None

    try:
        job.on_private(directory)
        inputs = {**job.inputs, **part.settings, "runbook_run_id": job.run_id}
        path = workspace.fill(directory, job.playbook, name=job.name, inputs=inputs, captured=part.captured)
        if part.limit:  # a file, as there may be more hosts than an argument has room for
            (directory / "limit").write_text("".join(f"{host}\n" for host in part.limit))
        order = Order(
            run_id=job.run_id,
            private=str(directory),
            playbook=str(path),
            inventories=tuple(map(str, job.inventories)),
            tags=tuple(part.tags),
            skip_tags=(GATE,),
            limit=f"@{directory / 'limit'}" if part.limit else job.limit,
            forks=min(part.hosts or _FORKS, _FORKS),
            hosts=job.hosts,
            becomes=job.becomes,
            environment={
                "RUNBOOK_REPORT_SOCKET": str(directory / "report"),
                "RUNBOOK_RENDER": ",".join(part.render),
                "RUNBOOK_NAMES": "yes" if job.names else "",
                "RUNBOOK_RUN_ID": job.run_id,
                processes.MARKER: job.run_id,
            },
            deadline=part.deadline,
        )
        with CallbackSocket(directory / "report", hear) as reports:
            ending = _supervise(order, job, reports.connected)
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    if reports.failure:
        raise reports.failure
    if ending.why == "unread":
        raise _unread(job.inventories)
    if ending.why == "exited" and "end" not in heard:
        raise _silent(ending, heard, job.limit)
    return ending


def _silent(ending: Ending, heard: Sequence[str], limit: str | None) -> RunbookError:
    if not heard and "leaves us with no hosts" in ending.diagnosis:
        left = f"the inventory and --limit {limit} leave" if limit else "the inventory leaves"
        return UnreachableError(f"{left} no host", hint="look at -i, -l and the inventory's groups")
    if duplicate := duplicate_key(ending.diagnosis):
        return ExecutionError(duplicate, hint=HINT)
    if any(words in ending.diagnosis for words in _LOCKED):
        message = "the inventory is encrypted by ansible-vault, and no password that was given decrypts it"
        return InvalidInputError(
            message, hint="name its file: --vault-password-file FILE, or ANSIBLE_VAULT_PASSWORD_FILE"
        )
    when = "before it began" if not heard else "before it said how it ended"
    lines = [line for line in ending.diagnosis.strip().splitlines() if line.strip()]
    said = "\n".join(lines[-12:]) or "it printed nothing"
    return ExecutionError(
        f"Ansible stopped {when} (exit code {ending.code}):\n{said}", hint="correct what Ansible names"
    )


def _unread(inventories: Sequence[Path]) -> ExecutionError:
    files = [file for path in inventories for file in (sorted(path.iterdir()) if path.is_dir() else [path])]
    scripts = [file for file in files if file.is_file() and os.access(file, os.X_OK)]
    names = ", ".join(map(str, scripts or inventories))
    hint = f"run `{scripts[0]} --list` and see what it waits for" if scripts else "see what it waits for"
    return ExecutionError(f"Ansible has not read the inventory within {READING:g} s: {names}", hint=hint)


def _supervise(order: Order, job: Job, connected: threading.Event) -> Ending:
    processes.adopt_orphans()
    environ = workspace.environment(job.environ, python=sys.executable)
    supervisor = subprocess.Popen(
        [sys.executable, "-P", "-m", "runner.executor.ansible.supervisor", order.run_id, order.private],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environ,
        cwd=order.private,
        start_new_session=True,
    )
    assert supervisor.stdin  # noqa: S101 - it was asked for
    assert supervisor.stdout  # noqa: S101 - it was asked for
    said = b""
    # It may die at any moment, and what was not written yet is written once more when its pipe is closed.
    with contextlib.suppress(BrokenPipeError), supervisor.stdin, supervisor.stdout:
        supervisor.stdin.write(order.dumps().encode() + b"\n")
        supervisor.stdin.flush()
        said, unread = _listen(supervisor, job.cancellation, connected)
    supervisor.wait()
    if said.endswith(b"\n"):
        ending = Ending.loads(said.decode())
        return replace(ending, why="unread") if unread else ending
    # It died before it could report: what it supervised is ours to end now.
    tear_down(order, environ, partial(unfinished, Path(order.private)), grace=processes.SHORT)
    return Ending("orphaned", supervisor.returncode)


def _listen(
    supervisor: subprocess.Popen[bytes], cancellation: Cancellation, connected: threading.Event
) -> tuple[bytes, bool]:
    """What the supervisor reports when it has ended, and whether it was stopped as nobody `connected` in time."""
    assert supervisor.stdin  # noqa: S101 - the caller holds it
    assert supervisor.stdout  # noqa: S101 - the caller holds it
    said, told, unread = b"", cancellation.answered, False
    reading, obeying = time.monotonic() + READING, math.inf
    while True:
        readable, _, _ = select.select([supervisor.stdout], [], [], _POLL)
        if readable:
            chunk = os.read(supervisor.stdout.fileno(), 65536)
            if not chunk:
                return said, unread
            said += chunk
        asked = cancellation.asked()
        late = not unread and not connected.is_set() and time.monotonic() >= reading
        if asked > max(told, 1) or time.monotonic() >= obeying:
            supervisor.kill()  # no grace: what it leaves is ended by whoever waits for it
        if asked > told or late:
            told, unread, obeying = asked, unread or late, min(obeying, time.monotonic() + OBEYING)
            with contextlib.suppress(BrokenPipeError):  # it has just ended: what it said is still to be read
                supervisor.stdin.write(b"cancel\n")
                supervisor.stdin.flush()


def resolve(job: Job, part: Part) -> Message:
    """The callback plugin's first message, which names the hosts of every play; Ansible ends before it does anything.

    It tells what the steps that `part` renders would do as well.

    Raises:
        ExecutionError: Ansible could not read the inventory or the playbook, or was stopped before it had.
    """
    heard: list[Message] = []

    def stop(message: Message) -> None:
        heard.append(message)
        raise ResolvedOnlyError

    with contextlib.suppress(ResolvedOnlyError):
        execute(job, part, handle=stop)
    if not heard:
        raise ExecutionError("stopped before Ansible had named the hosts")
    return heard[0]


NOTHING = Part(tags=("never-anything",))
"""The part in which no task is done."""
