"""What the tests of the record share: a clock that ticks, an actor, and logs in directories of their own."""

from __future__ import annotations

import itertools
import subprocess
from datetime import UTC, datetime, timedelta

import pytest

from runner.core.events import Instant
from runner.store.log.audit_log import AuditLog
from runner.store.log.envelope import Actor
from runner.store.small_files import SmallFiles


@pytest.fixture(scope="session")
def clock():
    ticks = itertools.count()

    def now():
        tick = next(ticks)
        return Instant(datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=tick), 1000.5 + tick, "boot-1")

    return now


@pytest.fixture(scope="session")
def actor():
    return Actor(user="alice", host="controller.example", pid=4711, tool_version="0.1.0")


@pytest.fixture(scope="session")
def open_log(clock, actor):
    return lambda directory, **options: AuditLog.open(directory, clock=clock, actor=actor, **options)


@pytest.fixture(scope="session")
def new_log(open_log, tmp_path_factory):
    return lambda: open_log(tmp_path_factory.mktemp("state") / "audit")


@pytest.fixture
def log(open_log, tmp_path):
    with open_log(tmp_path / "audit") as opened:
        yield opened


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 256 KiB; it can be remounted."""
    place = tmp_path / "disk"
    place.mkdir()
    try:
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=256k,mode=700", "tmpfs", place], check=False, capture_output=True
        )
    except FileNotFoundError:
        pytest.skip("needs the mount command")
    if mounted.returncode:
        pytest.skip("needs root and permission to mount a tmpfs")
    yield place
    subprocess.run(["umount", "--lazy", place], check=True)
    for name in ("outbox", "incidents", "leases/called"):  # what it did not take is in memory
        kept = SmallFiles(place / "state" / name)
        for each in kept.names():
            kept.remove(each)
