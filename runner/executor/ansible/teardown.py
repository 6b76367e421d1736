"""Ends what a run has begun and not ended, here and on its hosts, and nothing that an ended step has left."""

from __future__ import annotations

import contextlib
import json
import subprocess
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from runner.executor.ansible import processes
from runner.executor.ansible.ansible_settings import settings
from runner.executor.ansible.messages import PlaybookInvocation
from runner.executor.ansible.workspace import SOCKETS

REAP_LIMIT = 6.0
"""Seconds that the clean-up on the hosts may take."""

BEGUN = "begun"
"""The file in the workspace in which the callback plugin notes each task's begin and end on each host."""

Unfinished = Mapping[str, Sequence[str]]
"""Each host on which something was begun and has not ended, with the markers of the attempts at a step among that.

What is done there for another host counts as well.
"""


def unfinished(directory: Path) -> Unfinished:
    """What was begun and of which our callback plugin never saw the end, by the notes in `directory`.

    Its worker or its connection may have been killed: Ansible ends by itself then, with an exit code like any other,
    while the task may go on on its host.
    """
    begun: dict[tuple[str, str], tuple[str, list[str]]] = {}
    with contextlib.suppress(OSError, ValueError):
        for line in (directory / BEGUN).read_text().splitlines():
            on, host, task, *attempt = json.loads(line[1:])
            if line[0] == "+":
                begun[host, task] = on, attempt
            else:
                begun.pop((host, task), None)
    hosts: dict[str, list[str]] = {}
    for on, attempt in begun.values():
        hosts.setdefault(on, []).extend(attempt)
    return hosts


Reap = Callable[[PlaybookInvocation, Mapping[str, str], Unfinished, str], None]
"""Ends on its hosts what an invocation has left there, in an environment, with a marker of its own."""


def reap_hosts(invocation: PlaybookInvocation, environ: Mapping[str, str], hosts: Unfinished, marker: str) -> None:
    """End what was begun on `hosts` and has not ended there, with an Ansible that carries `marker`."""
    directory = Path(invocation.workspace)
    variables = {
        "runbook_hosts": invocation.hosts,
        "runbook_became": invocation.becomes,
        "runbook_markers": {host: [invocation.run_id, *attempts] for host, attempts in hosts.items()},
    }
    command = ["ansible-playbook", "--extra-vars", f"@{directory / 'reap.json'}"]
    command += [str(Path(__file__).parent / "reap.yml")]
    command += [word for path in invocation.inventories for word in ("--inventory", path)]
    command += ["--limit", f"@{directory / 'reap.hosts'}", "--forks", str(invocation.forks)]
    with contextlib.suppress(subprocess.TimeoutExpired, OSError):
        (directory / "reap.json").write_text(json.dumps(variables))
        (directory / "reap.hosts").write_text("".join(f"{host}\n" for host in hosts))
        subprocess.run(
            command,
            env={**environ, **settings(directory), **invocation.environment, processes.MARKER: marker},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=REAP_LIMIT,
            check=False,
        )


def tear_down(
    invocation: PlaybookInvocation,
    environ: Mapping[str, str],
    left: Callable[[], Unfinished],
    *,
    roots: Iterable[int] = (),
    grace: float,
    reap: Reap = reap_hosts,
) -> None:
    """End what does the run, and what `left()` says was begun and has not ended, here and on the hosts.

    `environ` is what `workspace.environment` lets through: no setting of the user's may keep Ansible from it. What
    descends from `roots` is ended as well; `grace` is how many seconds it has here to stop by itself.
    """
    directory = Path(invocation.workspace)

    def here() -> list[int]:
        attempts = (attempt for attempts in left().values() for attempt in attempts)
        return processes.belonging({invocation.run_id, *attempts}, roots)

    processes.end(here, grace=grace)
    # Another process may have been killed in the midst of the same; and no connection of old is to be trusted.
    own = f"reap-{directory.name}"
    processes.end(lambda: processes.belonging({own}), grace=0)
    end_connections(directory)
    if hosts := left():
        reap(invocation, environ, hosts, own)
        processes.end(lambda: processes.belonging({own}), grace=0)
        end_connections(directory)


def end_connections(directory: Path) -> None:
    """End the ssh masters that Ansible keeps; their command line names the workspace `directory`."""
    processes.end(lambda: processes.naming(str(directory / SOCKETS)), grace=0.2)
