"""Plain Ansible that is imported once for many commands: a fork of the process that has imported it does each.

Of the second that a small play takes, two thirds are the import. As a program, with a socket as its standard input, it
does each command that comes there as a line of JSON, one after the other, and answers with the exit code.
"""

import importlib
import json
import os
import runpy
import select
import socket
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import field
from pathlib import Path
from typing import Any

from runner.core.deferred import dataclass
from runner.core.errors import ExecutionError
from runner.executor.ansible import processes
from runner.lab.lab_processes import LabCommand, run, running

_IMPORTED = (
    "ansible.cli.inventory",
    "ansible.cli.playbook",
    "ansible.executor.process.worker",
    "ansible.plugins.action.command",
    "ansible.plugins.callback.default",
    "ansible.plugins.connection.ssh",
    "ansible.plugins.inventory.yaml",
    "ansible.plugins.strategy.linear",
    "ansible.plugins.vars.host_group_vars",
)
"""What nearly every command imports."""


@contextmanager
def kept_ansible() -> Iterator[Callable[[LabCommand], None]]:
    """What does each `python -m ansible ...` as `run` does, until the block ends."""
    with ExitStack() as stack:
        yield _KeptAnsible(stack).run


@dataclass(slots=True)
class _KeptAnsible:
    """The process that has imported Ansible in an `environment`; the `stack` ends it."""

    stack: ExitStack
    environment: Mapping[str, str] = field(default_factory=dict)
    orders: socket.socket | None = None
    turn: threading.Lock = field(default_factory=threading.Lock)

    def run(self, command: LabCommand) -> None:
        """Do `command`, as soon as those of other threads are done.

        Raises:
            ExecutionError: its exit code is not 0.
        """
        if command.leaves:  # what is kept here ends with all that it has started
            run(command)
            return
        with self.turn:  # an answer does not say to whom it is
            self._do(command)

    def _do(self, command: LabCommand) -> None:
        orders = self._orders(command)
        order = {"argv": [*map(str, command.argv[3:])], "log": str(command.log), "attempt": _attempt(command)}
        try:
            orders.sendall(json.dumps(order).encode() + b"\n")
            answer = orders.recv(8)
        except ConnectionError:  # somebody has ended it just now
            answer = b""
        except BaseException:  # an interrupt: what is going on ends, as its answer would be taken for the next one's
            self._end()
            raise
        if answer != b"0":
            if not answer:
                self._end()
                raise ExecutionError(f"{command.name} failed", hint="somebody ended the process that did it")
            raise command.failure()

    def _orders(self, command: LabCommand) -> socket.socket:
        """Where the orders go to; Ansible is imported anew where `command` has other settings, or somebody ended it."""
        settings = {name: value for name, value in command.environment.items() if name != processes.MARKER}
        if self.orders is None or settings != self.environment or _is_over(self.orders):
            self._end()
            ours, theirs = socket.socketpair()
            argv = [sys.executable, "-m", __name__]
            started = LabCommand("Ansible", argv, command.log.with_name("ansible.log"), settings)
            with theirs:
                self.stack.enter_context(ours)
                self.stack.enter_context(running(started, stdin=theirs.fileno()))
            self.orders, self.environment = ours, settings
        return self.orders

    def _end(self) -> None:
        self.orders = None
        self.stack.close()


def _is_over(orders: socket.socket) -> bool:
    """Whether nobody reads the orders any more: what says nothing unasked is readable only where it has ended."""
    return bool(select.select([orders], [], [], 0)[0])


def _attempt(command: LabCommand) -> str:
    return command.environment.get(processes.MARKER, "")


def main() -> None:
    """Do each command that comes on standard input, until that ends; all that one leaves ends with it."""
    processes.adopt_orphans()
    for module in _IMPORTED:
        importlib.import_module(module)
    with socket.socket(fileno=os.dup(0)) as answers, answers.makefile("r", encoding="utf-8") as orders:
        for line in orders:
            child = _forked(json.loads(line), answers)
            _, status = os.waitpid(child, 0)
            processes.end(lambda: processes.descendants(os.getpid()), grace=0)
            answers.sendall(str(os.waitstatus_to_exitcode(status)).encode())


def _forked(order: Mapping[str, Any], answers: socket.socket) -> int:
    """The process that does `order` as `python -m ansible` would.

    It does not hold `answers`: whoever waits there is to see at once that nobody answers any more.
    """
    parent = os.getpid()
    if child := os.fork():
        return child
    code: object = 70
    try:
        processes.die_with_parent(parent)
        os.setsid()
        os.close(answers.fileno())
        with Path(order["log"]).open("wb") as log, Path(os.devnull).open("rb") as nothing:
            for source, target in ((nothing, 0), (log, 1), (log, 2)):
                os.dup2(source.fileno(), target)
        os.environ[processes.MARKER] = order["attempt"]
        sys.argv = ["ansible", *order["argv"]]
        runpy.run_module("ansible", run_name="__main__", alter_sys=True)
        code = 0
    except SystemExit as ended:
        code = ended.code or 0
    except BaseException:  # noqa: BLE001 - it goes where Ansible's own words go
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code & 0xFF if isinstance(code, int) else 1)


if __name__ == "__main__":
    main()
