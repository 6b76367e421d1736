"""What a run asks of whatever executes its playbook; `ansible/` has the real one, `testing.py` one for tests."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

from runner.executor.host_check import HostCheck
from runner.executor.inventory.connection_facts import ConnectionFacts
from runner.executor.job import AbandonedRun, Ending, Handler, Job, JobPart, Message, Together


class Executor(Protocol):
    """Executes parts of a playbook; a failed task is reported, and only what a person must mend is raised."""

    def ready(self, run_id: str, environ: Mapping[str, str]) -> AbstractContextManager[Executor]:
        """An executor that gets ready for the run of that id, of which no more is known yet than its environment.

        Nothing of the run is done before its session; where there is nothing to get ready, it is this one.
        """
        del run_id, environ
        return nullcontext(self)

    def session(self, job: Job) -> AbstractContextManager[Executor]:
        """An executor for all parts of the run of `job`; where each part costs the same by itself, it is this one.

        It may begin with something at once. Jobs of other runs are done as by this one.

        Raises:
            Exception: whatever `job.on_workspace` raised.
        """
        del job
        return nullcontext(self)

    def resolve(self, job: Job, part: JobPart) -> Message:
        """The first message, which names the hosts of every play; nothing is done.

        It tells what the steps that `part` renders would do as well.

        Raises:
            RunbookError: the inventory or the playbook cannot be read, or the job was stopped before they were.
        """

    def execute(self, job: Job, part: JobPart, *, handle: Handler, together: Together = nullcontext) -> Ending:
        """Do `part` of `job`; every message goes to `handle`, and nothing goes on before `handle` has returned.

        Messages that have come by the same time may be handled `together`: nothing goes on before the block has ended.
        It ends as `refused` when `handle` gives False; nothing more is done after that.

        Raises:
            RunbookError: it did not begin, or did not say how it ended.
            Exception: whatever `handle` raised; nothing more was done after that.
        """

    def preflight(
        self,
        hosts: Iterable[ConnectionFacts],
        *,
        become: Mapping[str, Collection[str]],
        environ: Mapping[str, str],
        cancelled: Callable[[], bool],
    ) -> list[HostCheck]:
        """Whether each of `hosts` can be worked on; `become` has whom the runbook becomes there.

        A host that is not in `become` is one on which no machine does anything.
        """

    def clean_up(self, run: AbandonedRun, *, environ: Mapping[str, str]) -> None:
        """End what `run` has left running, here and on its hosts, and remove its workspaces."""
