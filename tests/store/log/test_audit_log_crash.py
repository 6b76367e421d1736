"""Killed writers, torn lines and full disks: nothing acknowledged is lost, nothing is mended in silence."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import random
import subprocess
import sys
import time

import pytest
from harness import PATIENCE

from runner.core.errors import AuditError
from runner.core.events import Event, EventType
from runner.store.log.log_reader import read, verify

PREAMBLE = """
import itertools, os, sys
from datetime import UTC, datetime
from pathlib import Path
from runner.core.errors import AuditError
from runner.core.events import Event, EventType, Instant
from runner.store.log.audit_log import AuditLog
from runner.store.log.envelope import Actor
from runner.store.log.log_reader import verify
def clock():
    return Instant(datetime.now(UTC), 0.0, "boot-1")
log = AuditLog.open(Path(sys.argv[1]), clock=clock, actor=Actor("alice", "controller", os.getpid(), "0.1.0"))
def finished(size):
    return Event(EventType.STEP_FINISHED, run="r1", data={"text": "x" * size})
"""
WRITER = (
    PREAMBLE
    + """
for number in itertools.count():
    head = log.append(*[finished(number % 700)] * (number % 3 + 1))[-1]
    os.write(1, f"{head.seq} {head.hash}\\n".encode())
"""
)
LIMITED = (
    PREAMBLE
    + """
import resource
log.append(finished(10))
before = log.path.read_bytes()
resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 300, resource.RLIM_INFINITY))
try:
    log.append(finished(10), finished(1000))
except AuditError as error:
    print(error.message, error.hint, sep="\\n")
assert log.path.read_bytes() == before
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
log.append(finished(1000))
print(verify(log.path).records)
"""
)
# The directory is made durable first, by an fsync that is not the record's.
DIES = "sync(descriptor) if stat.S_ISDIR(os.fstat(descriptor).st_mode) else os._exit(9)"


def finished(text="x"):
    return Event(EventType.STEP_FINISHED, run="r1", data={"text": text})


def report(torn):
    return {"torn_bytes": len(torn), "torn_sha256": hashlib.sha256(torn).hexdigest()}


def recoveries(path):
    return [record.data for record in read(path) if record.type == EventType.LOG_RECOVERED]


def tear(path, torn):
    with path.open("ab") as file:
        file.write(torn)


def killed_after_a_while(directory, chance):
    """What three writers had acknowledged when they were killed, as (seq, hash)."""
    command = [sys.executable, "-c", WRITER, directory]
    writers = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(3)]
    try:
        first = [writer.stdout.readline() for writer in writers]
        time.sleep(chance.uniform(0.005, 0.05))
    finally:
        for writer in writers:
            writer.kill()
        rest = [writer.communicate()[0] for writer in writers]
    lines = b"".join(first + rest).decode().splitlines()
    return {(int(seq), digest) for seq, digest in map(str.split, lines)}


def test_no_acknowledged_record_is_lost_when_three_writers_are_killed_again_and_again(tmp_path, open_log):
    chance, acknowledged = random.Random(1), set()
    for _ in range(8):
        acknowledged |= killed_after_a_while(tmp_path / "audit", chance)
        with open_log(tmp_path / "audit") as log:
            log.append(finished())
        verify(log.path)

    kept = {(record.seq, record.hash) for record in read(log.path)}
    assert len(acknowledged) >= 8 * 3
    assert acknowledged - kept == set()


def test_a_last_line_torn_at_any_byte_is_cut_and_reported(tmp_path, open_log):
    with open_log(tmp_path / "audit") as log:
        log.append(finished("first"), finished("second"))
        whole = log.path.read_bytes()
        log.append(finished("third"))
    last = log.path.read_bytes()[len(whole) :]

    for cut in range(1, len(last)):
        log.path.write_bytes(whole + last[:cut])
        open_log(tmp_path / "audit").close()

        assert log.path.read_bytes().startswith(whole)
        assert recoveries(log.path) == [report(last[:cut])]
        assert verify(log.path).records == 3


def test_a_first_line_torn_at_its_only_record_is_cut_and_reported(log, open_log):
    tear(log.path, b'{"seq":1,"spec')

    with open_log(log.path.parent) as reopened:
        assert reopened.append(finished())[-1].seq == 2
    assert recoveries(log.path) == [report(b'{"seq":1,"spec')]
    assert verify(log.path).recoveries == 1


@pytest.mark.parametrize("torn", [b"\0", b"\0" * 200_000, b"x" * 2000], ids=["short", "longer-than-a-line", "usual"])
def test_bytes_left_torn_by_another_writer_are_cut_and_reported_by_the_next_append(log, torn):
    log.append(finished("before"))
    tear(log.path, torn)

    assert log.append(finished("after"))[-1].seq == 3

    assert [record.type for record in read(log.path)] == ["step.finished", "log.recovered", "step.finished"]
    assert recoveries(log.path) == [report(torn)]
    assert verify(log.path).head == log.head


def test_a_report_belongs_to_no_run(log, open_log):
    log.append(finished())
    tear(log.path, b"torn")

    open_log(log.path.parent).close()

    [record] = [record for record in read(log.path) if record.type == EventType.LOG_RECOVERED]
    assert (record.run, record.step, record.host, record.actor.user) == ("", None, None, "alice")
    assert json.loads(log.path.read_bytes().splitlines()[-1])["subject"] == "log"
    assert verify(log.path).runs == 1


def test_a_file_that_may_not_grow_takes_no_torn_record_and_goes_on_afterwards(tmp_path):
    child = subprocess.run(
        [sys.executable, "-c", LIMITED, tmp_path / "audit"],
        check=True,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )

    message, hint, records = child.stdout.splitlines()
    assert message.endswith("audit.jsonl: it has reached the largest size allowed")
    assert hint.startswith("Raise the limit")
    assert records == "2"


def appended_until_refused(log):
    appended = 0
    while True:
        try:
            log.append(finished("x" * 3000))
        except AuditError as error:
            return appended, error
        appended += 1


def test_a_full_disk_takes_no_torn_record_and_goes_on_afterwards(small_disk, open_log):
    with open_log(small_disk / "audit") as log:
        appended, error = appended_until_refused(log)
        full = log.path.read_bytes()
        assert (verify(log.path).records, full.count(b"\n")) == (appended, appended)
        with pytest.raises(AuditError, match="the disk is full"):
            log.append(finished("x" * 3000))
        assert log.path.read_bytes() == full

        subprocess.run(["mount", "-o", "remount,size=2m", small_disk], check=True)
        log.append(finished("x" * 3000))
    assert appended > 10
    assert error.message.endswith("audit.jsonl: the disk is full")
    assert error.hint.startswith("Free some space")
    assert verify(log.path).records == appended + 1


def fill(place):
    with place.open("wb", buffering=0) as ballast, contextlib.suppress(OSError):
        while True:
            ballast.write(b"x" * 4096)


def test_a_torn_line_on_a_full_disk_stays_until_it_can_be_reported(small_disk, open_log):
    torn, page = b"x" * 100, 4096
    with open_log(small_disk / "audit") as log:
        log.append(finished())
        log.append(finished("x" * (page - len(torn) - 2 * log.path.stat().st_size + 1)))
    tear(log.path, torn)
    fill(small_disk / "ballast")
    before = log.path.read_bytes()
    assert len(before) == page  # else the report fits into the space the file has already

    for _ in range(2):
        with pytest.raises(AuditError, match="the disk is full"):
            open_log(small_disk / "audit")
        assert log.path.read_bytes() == before

    (small_disk / "ballast").unlink()
    open_log(small_disk / "audit").close()
    assert recoveries(log.path) == [report(torn)]


@pytest.mark.parametrize("call", ["pwrite", "ftruncate", "fsync"])
def test_a_crash_in_the_middle_of_a_repair_never_hides_that_there_was_something_to_repair(tmp_path, open_log, call):
    with open_log(tmp_path / "audit") as log:
        log.append(finished("before"))
    torn = b"x" * 2000
    tear(log.path, torn)
    dying = f"import os, stat; os.{call} = lambda descriptor, *rest, sync=os.fsync: {DIES}\n" + PREAMBLE

    child = subprocess.run([sys.executable, "-c", dying, tmp_path / "audit"], check=False, timeout=PATIENCE)
    assert child.returncode == 9
    with open_log(tmp_path / "audit") as log:
        log.append(finished("after"))

    assert report(torn) in recoveries(log.path)
    assert [record.data["text"] for record in read(log.path, run="r1")] == ["before", "after"]
    verify(log.path)


@pytest.mark.parametrize("error", [OSError(errno.EIO, "Input/output error"), KeyboardInterrupt()], ids=repr)
def test_a_record_that_did_not_reach_the_disk_is_taken_back(log, monkeypatch, error):
    log.append(finished("before"))
    before = log.path.read_bytes()

    def fail(descriptor):
        raise error

    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", fail)
        with pytest.raises(AuditError if isinstance(error, OSError) else KeyboardInterrupt):
            log.append(finished("lost"))
    assert (log.path.read_bytes(), log.head.seq) == (before, 1)

    log.append(finished("after"))
    assert [record.data["text"] for record in read(log.path)] == ["before", "after"]
    assert verify(log.path).head == log.head


def test_a_torn_record_that_could_not_be_taken_back_is_reported_by_the_next_append(log, monkeypatch):
    log.append(finished("before"))

    def half(descriptor, data, offset, write=os.pwrite):
        if len(data) < 50:
            raise OSError(errno.EIO, "Input/output error")
        return write(descriptor, data[: len(data) // 2], offset)

    def fail(*_):
        raise OSError(errno.EIO, "Input/output error")

    size = log.path.stat().st_size
    with monkeypatch.context() as broken:
        broken.setattr(os, "pwrite", half)
        broken.setattr(os, "ftruncate", fail)
        with pytest.raises(AuditError, match="the disk reports an error"):
            log.append(finished("lost"))
    torn = log.path.read_bytes()[size:]

    log.append(finished("after"))
    assert torn
    assert recoveries(log.path) == [report(torn)]
    assert verify(log.path).records == 3
