"""Ends what a run has begun and not ended, here and on its hosts, and nothing that an ended step has left."""

from __future__ import annotations

import contextlib
import json
import subprocess
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from runner.executor.ansible import processes
from runner.executor.ansible.messages import Order

REAP_LIMIT = 6.0
"""Seconds that the clean-up on the hosts may take."""

BEGUN = "begun"
"""The file in the private directory in which the callback plugin notes each task's begin and end on each host."""

Unfinished = Mapping[str, Sequence[str]]
"""Each host on which something was begun and has not ended, with the markers of the attempts at a step among that."""


def unfinished(private: Path) -> Unfinished:
    """What was begun and of which our callback plugin never heard the end, by the notes in `private`.

    Its worker or its connection may have been killed: Ansible ends by itself then, with an exit code like any other,
    while the task may go on on its host.
    """
    begun: dict[tuple[str, str], list[str]] = {}
    with contextlib.suppress(OSError, ValueError):
        for line in (private / BEGUN).read_text().splitlines():
            host, task, *attempt = json.loads(line[1:])
            if line[0] == "+":
                begun[host, task] = attempt
            else:
                begun.pop((host, task), None)
    hosts: dict[str, list[str]] = {}
    for (host, _), attempt in begun.items():
        hosts.setdefault(host, []).extend(attempt)
    return hosts


def tear_down(
    order: Order,
    environ: Mapping[str, str],
    left: Callable[[], Unfinished],
    *,
    roots: Iterable[int] = (),
    grace: float,
) -> None:
    """End what does the run, and what `left()` says was begun and has not ended, here and on the hosts.

    `environ` is what `private.environment` lets through: no setting of the user's may keep Ansible from it. What
    descends from `roots` is ended as well; `grace` is how many seconds it has here to stop by itself.
    """

    def here() -> list[int]:
        attempts = (attempt for attempts in left().values() for attempt in attempts)
        return processes.belonging({order.run_id, *attempts}, roots)

    processes.end(here, grace=grace)
    # Another process may have been killed in the midst of the same; and no connection of old is to be trusted.
    own = f"reap-{Path(order.private).name}"
    processes.end(lambda: processes.belonging({own}), grace=0)
    end_connections(Path(order.private))
    if hosts := left():
        _reap(order, environ, hosts, own)
        processes.end(lambda: processes.belonging({own}), grace=0)
        end_connections(Path(order.private))


def _reap(order: Order, environ: Mapping[str, str], hosts: Unfinished, own: str) -> None:
    """The same on `hosts`, with an Ansible that carries the marker `own`."""
    from runner.executor.ansible.ansible_runner_adapter import settings  # noqa: PLC0415 - only a torn-down run pays for the import

    private = Path(order.private)
    variables = {
        "runbook_hosts": order.hosts,
        "runbook_became": order.becomes,
        "runbook_markers": {host: [order.run_id, *attempts] for host, attempts in hosts.items()},
    }
    command = ["ansible-playbook", "--extra-vars", f"@{private / 'reap.json'}", str(Path(__file__).parent / "reap.yml")]
    command += [word for path in order.inventories for word in ("--inventory", path)]
    command += ["--limit", f"@{private / 'reap.hosts'}", "--forks", str(order.forks)]
    with contextlib.suppress(subprocess.TimeoutExpired, OSError):
        (private / "reap.json").write_text(json.dumps(variables))
        (private / "reap.hosts").write_text("".join(f"{host}\n" for host in hosts))
        subprocess.run(
            command,
            env={**environ, **settings(private), **order.environment, processes.MARKER: own},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=REAP_LIMIT,
            check=False,
        )


def end_connections(private: Path) -> None:
    """End the ssh masters that Ansible keeps; their command line names the private directory."""
    processes.end(lambda: processes.naming(str(private / "ssh")), grace=0.2)
