"""A process that does what it is told about locks, one line at a time, and says how it went."""

from __future__ import annotations

import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from runner.core.errors import LockedError
from runner.core.events import Instant
from runner.store.locks.holder import Holder
from runner.store.locks.host_locks import Locks


def clock():
    return Instant(datetime.now(UTC), time.monotonic(), "boot-1")


def say(words):
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


def main(directory, user):
    locks = Locks(Path(directory), clock=clock)
    held = None
    for line in sys.stdin:
        word, *rest = line.split()
        if word == "take":  # at that moment, these names
            while time.monotonic() < float(rest[0]):
                pass
            at = time.monotonic()
            holder = Holder(f"run-{user}", "RUN-001", user, "ctl", os.getpid(), clock())
            try:
                held = locks.take(rest[1:], holder)
            except LockedError as error:
                answer = f"refused {error.message}"
            else:
                answer = "won"
            say(f"{at} {answer}")
        elif word == "fork":  # a child that gives back what is not its own, and outlives this process
            if os.fork() == 0:
                held.release()
                say("forked")
                time.sleep(float(rest[0]))
                os._exit(0)
        elif word == "release":
            if held:
                held.release()
            held = None
            say("released")


if __name__ == "__main__":
    main(*sys.argv[1:])
