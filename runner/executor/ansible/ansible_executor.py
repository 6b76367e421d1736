"""The executor that runs ansible-playbook: each part of a playbook in a supervised process of its own."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, nullcontext
from dataclasses import field, replace
from pathlib import Path
from typing import Literal

from runner.core.deferred import dataclass
from runner.core.duration import comes_true
from runner.core.errors import ExecutionError, InvalidInputError, RunbookError, UnreachableError
from runner.core.ownership import trusted_files
from runner.core.step_tags import GATE
from runner.executor.ansible import processes, workspace
from runner.executor.ansible.callback_socket import CallbackSocket
from runner.executor.ansible.messages import PlaybookInvocation
from runner.executor.ansible.supervision import Limits, Supervision
from runner.executor.ansible.supervisor import supervisors_of
from runner.executor.ansible.teardown import Reap, end_connections, reap_hosts, tear_down
from runner.executor.host_check import HostCheck
from runner.executor.inventory.connection_facts import ConnectionFacts
from runner.executor.inventory.duplicate_keys import HINT, check_json, duplicate_key
from runner.executor.inventory.project_file import check_lookups
from runner.executor.job import ENGINE, USUAL_ENGINE, AbandonedRun, Ending, Handler, Job, JobPart, Message, Together
from runner.executor.python_interpreter import check_here

_VAULT_MESSAGES = ("no vault secrets found", "no vault secrets were found", "The vault password file")
"""What Ansible says when it cannot decrypt something."""
_FORKS = 50
"""Hosts at a time, at most; Ansible starts no more workers than there are hosts."""


@dataclass(frozen=True, slots=True)
class AnsibleExecutor:
    """The real `Executor` of protocol.py.

    `python` runs the supervisor, and the programs beside it come first on Ansible's PATH; `limits` are for what may
    hang, and `reap` ends what an abandoned run has left on its hosts. `supervision` does the parts of the run that it
    is for; a part of any other run is done by itself. What each run would find out again is kept in `cache`.
    """

    python: str = sys.executable
    limits: Limits = field(default_factory=Limits)
    reap: Reap = reap_hosts
    supervision: Supervision | None = None
    cache: Path | None = None

    @contextmanager
    def ready(self, run_id: str, environ: Mapping[str, str]) -> Iterator[AnsibleExecutor]:
        """The same with a supervisor for the run of that id, which imports Ansible meanwhile."""
        with self._supervision(run_id, environ) as supervision:
            yield replace(self, supervision=supervision)

    @contextmanager
    def session(self, job: Job) -> Iterator[AnsibleExecutor]:
        """The same for the run of `job`, of which each part goes on from where the one before has left off."""
        if self.supervision and self._serves(self.supervision, job):
            with _used_up(self.supervision):
                job.on_workspace(self.supervision.workspace)
                yield self
            return
        with self._supervision(job.run_id, job.environ, on_workspace=job.on_workspace) as supervision:
            yield replace(self, supervision=supervision)

    @contextmanager
    def _supervision(
        self, run_id: str, environ: Mapping[str, str], on_workspace: Callable[[Path], object] = lambda _path: None
    ) -> Iterator[Supervision]:
        directory = workspace.make(run_id)
        try:
            on_workspace(directory)
            with _used_up(
                Supervision(run_id, directory, self._environment(environ), python=self.python, cache=self.cache)
            ) as supervision:
                yield supervision
        finally:
            shutil.rmtree(directory, ignore_errors=True)

    def _serves(self, supervision: Supervision, job: Job) -> bool:
        return supervision.serves(job.run_id, self._environment(job.environ))

    def _environment(self, environ: Mapping[str, str]) -> dict[str, str]:
        return workspace.environment(environ, python=self.python)

    def execute(self, job: Job, part: JobPart, *, handle: Handler, together: Together = nullcontext) -> Ending:
        """Do `part` of `job`; every message of our callback plugin goes to `handle`, which ends Ansible with False.

        Raises:
            ExecutionError: Ansible died without having said what happened, or an inventory has a key twice.
            InvalidInputError: others can change an inventory, which may hold programs.
            Exception: whatever `handle` raised; nothing more has run after that.
        """
        kinds: list[str] = []
        refused = False

        def receive(message: Message) -> Message | Literal[False] | None:
            nonlocal refused
            kinds.append(message["kind"])
            if handle(message) is False:
                refused = True
                return False
            return {"secrets": dict(job.secrets)} if message["kind"] == "inventory" and job.secrets else None

        ending = self._invoke(job, part, receive, together)
        if refused:
            return replace(ending, why="refused")
        if ending.why == "exited" and "end" not in kinds:
            raise _without_end(ending, kinds, job.limit)
        return ending

    def resolve(self, job: Job, part: JobPart) -> Message:
        """The callback plugin's first message, which names the hosts of every play; Ansible ends before it acts.

        Raises:
            ExecutionError: Ansible could not read the inventory or the playbook, or was stopped before it had.
        """
        messages: list[Message] = []

        def receive(message: Message) -> Literal[False]:
            messages.append(message)
            return False

        ending = self._invoke(job, part, receive)
        if not messages:
            if ending.why == "exited":
                raise _without_end(ending, (), job.limit)
            raise ExecutionError("stopped before Ansible had named the hosts")
        return messages[0]

    def _invoke(
        self,
        job: Job,
        part: JobPart,
        receive: Callable[[Message], Message | Literal[False] | None],
        together: Together = nullcontext,
    ) -> Ending:
        trusted_files.check(job.inventories, variables_beside=True)
        check_json(job.inventories)
        if self.supervision and self._serves(self.supervision, job):
            return self._do(self.supervision, job, part, receive, together)
        with self._supervision(job.run_id, job.environ, on_workspace=job.on_workspace) as supervision:
            return self._do(supervision, job, part, receive, together)

    def _do(
        self,
        supervision: Supervision,
        job: Job,
        part: JobPart,
        receive: Callable[[Message], Message | Literal[False] | None],
        together: Together,
    ) -> Ending:
        directory, first = supervision.workspace, True

        def check(message: Message) -> Message | Literal[False] | None:
            nonlocal first
            if first and message["kind"] != "inventory":
                raise ExecutionError("the callback plugin reported before the inventory", hint="reinstall runbookctl")
            if first:
                check_lookups(message.pop("looked_up", {}), job.environ)
            first = False
            job.learn(message.pop("secret_values", ()))
            return receive(message)

        try:
            invocation = _prepare(job, part, directory)
            with CallbackSocket(directory / "report", check, together=together) as reports:
                ending = supervision.do(invocation, job.cancellation, reports.connected, limits=self.limits)
        finally:
            workspace.wipe(directory)
        if reports.failure:
            raise reports.failure
        if ending.why == "unread":
            raise _unread(job.inventories, self.limits.inventory)
        return ending

    def preflight(
        self,
        hosts: Iterable[ConnectionFacts],
        *,
        become: Mapping[str, Collection[str]],
        environ: Mapping[str, str],
        cancelled: Callable[[], bool],
    ) -> list[HostCheck]:
        """Whether each of `hosts` can be reached and lets us in, and whether a Python runs where a machine works."""
        environ, given = self._environment(environ), list(hosts)
        checks = check_here([facts for facts in given if facts.local], become=become, environ=environ)
        if remote := [facts for facts in given if not facts.local]:
            from runner.executor.ssh.ssh_preflight import preflight  # noqa: PLC0415 - only a run over a network needs it

            sockets = self.supervision.workspace / workspace.SOCKETS if self.supervision else None
            checks += preflight(remote, become=become, environ=environ, cancelled=cancelled, sockets=sockets)
        return checks

    def clean_up(self, run: AbandonedRun, *, environ: Mapping[str, str]) -> None:
        """End what `run` has left; its supervisor does the same when its command dies, but it may have died as well."""
        self._await_supervisor(run.run_id)
        directory = workspace.make(run.run_id)
        invocation = PlaybookInvocation(
            run_id=run.run_id,
            workspace=str(directory),
            playbook="",
            inventories=tuple(run.inventories),
            hosts=run.hosts,
            becomes=run.becomes,
        )
        earlier = dict.fromkeys((*run.workspaces, *workspace.existing(run.run_id)))
        try:
            environ = self._environment(environ)
            tear_down(invocation, environ, lambda: run.attempts, grace=processes.SHORT, reap=self.reap)
        finally:
            for path in filter(workspace.is_workspace, earlier):
                end_connections(path)
                shutil.rmtree(path, ignore_errors=True)

    def _await_supervisor(self, run_id: str) -> None:
        """Let whoever tears the run down just now come to the end: it would end as well what is done for it next."""
        comes_true(lambda: not supervisors_of(run_id), within=self.limits.supervisor, every=0.02)
        processes.end(lambda: supervisors_of(run_id), grace=0)


@contextmanager
def _used_up(supervision: Supervision) -> Iterator[Supervision]:
    """At the end of the block the supervisor ends, and its workspace is gone."""
    try:
        with closing(supervision):
            yield supervision
    finally:
        shutil.rmtree(supervision.workspace, ignore_errors=True)


def _prepare(job: Job, part: JobPart, directory: Path) -> PlaybookInvocation:
    """Fill the workspace `directory`; what the supervisor is to run there."""
    inputs = {**job.inputs, **part.settings, "runbook_run_id": job.run_id}
    path = workspace.fill(
        directory, job.playbook, name=job.name, inputs=inputs, captured=part.captured, files=job.files
    )
    if part.limit:  # a file, as there may be more hosts than an argument has room for
        (directory / "limit").write_text("".join(f"{host}\n" for host in part.limit))
    return PlaybookInvocation(
        run_id=job.run_id,
        workspace=str(directory),
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
            "RUNBOOK_RENDER_NEXT": ",".join(part.render_next),
            "RUNBOOK_NAMES": "yes" if job.names else "",
            "RUNBOOK_ON": ",".join(job.on),
            "RUNBOOK_NEEDS": ",".join(job.needs),
            "RUNBOOK_CALLED": json.dumps(list(job.called)),
            "RUNBOOK_SUCCESSORS": json.dumps(list(job.successors)),
            "RUNBOOK_RUN_ID": job.run_id,
            ENGINE: job.environ.get(ENGINE) or USUAL_ENGINE,
            processes.MARKER: job.run_id,
        },
        deadline=part.deadline,
    )


def _without_end(ending: Ending, kinds: Sequence[str], limit: str | None) -> RunbookError:
    """Why Ansible ended without the message `end`, as far as what it printed tells."""
    if not kinds and "leaves us with no hosts" in ending.diagnosis:
        left = f"the inventory and --limit {limit} leave" if limit else "the inventory leaves"
        return UnreachableError(f"{left} no host", hint="look at -i, -l and the inventory's groups")
    if duplicate := duplicate_key(ending.diagnosis):
        return ExecutionError(duplicate, hint=HINT)
    if any(words in ending.diagnosis for words in _VAULT_MESSAGES):
        message = "the inventory is encrypted by ansible-vault, and no password that was given decrypts it"
        return InvalidInputError(
            message, hint="name its file: --vault-password-file FILE, or ANSIBLE_VAULT_PASSWORD_FILE"
        )
    when = "before it began" if not kinds else "before it said how it ended"
    lines = [line for line in ending.diagnosis.strip().splitlines() if line.strip()]
    output = "\n".join(lines[-12:]) or "it printed nothing"
    return ExecutionError(
        f"Ansible stopped {when} (exit code {ending.code}):\n{output}", hint="correct what Ansible names"
    )


def _unread(inventories: Sequence[Path], limit: float) -> ExecutionError:
    files = [file for path in inventories for file in (sorted(path.iterdir()) if path.is_dir() else [path])]
    scripts = [file for file in files if file.is_file() and os.access(file, os.X_OK)]
    names = ", ".join(map(str, scripts or inventories))
    hint = f"run `{scripts[0]} --list` and see what it waits for" if scripts else "see what it waits for"
    return ExecutionError(f"Ansible has not read the inventory within {limit:g} s: {names}", hint=hint)
