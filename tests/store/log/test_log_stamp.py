"""The stamp of a log fits as long as nobody but the product has written to it."""

from __future__ import annotations

import os

import pytest

from runner.core.events import Event, EventType
from runner.store.log import log_stamp

RECORD = Event(EventType.STEP_FINISHED, run="r1")


@pytest.fixture
def stamped(log):
    log.append(RECORD)
    log_stamp.write(log.path, log.path.stat(), "first")
    return log


def check(log):
    return log_stamp.check_of(log.path, log.path.stat())


def test_a_log_without_a_stamp_gets_none_by_being_written_to(log):
    log.append(RECORD)

    assert (check(log), log.path.with_name("audit.stamp").exists()) == ("", False)


def test_the_stamp_fits_after_appends_of_any_process(stamped, open_log):
    stamped.append(RECORD)
    with open_log(stamped.path.parent) as other:
        other.append(RECORD, RECORD)
    stamped.append(RECORD)

    assert check(stamped) == "first"


@pytest.mark.parametrize(
    "write",
    [
        lambda path: path.write_bytes(path.read_bytes()),
        lambda path: os.truncate(path, path.stat().st_size),
        lambda path: (path.rename(path.with_name("old")), path.write_bytes(path.with_name("old").read_bytes())),
    ],
    ids=["the-same-bytes", "the-same-size", "another-file"],
)
def test_whoever_else_writes_takes_the_stamp_away_for_good(stamped, open_log, write):
    status = stamped.path.stat()
    write(stamped.path)
    os.utime(stamped.path, ns=(status.st_atime_ns, status.st_mtime_ns))

    assert check(stamped) == ""
    with open_log(stamped.path.parent) as other:
        other.append(RECORD)
    assert check(stamped) == ""


def test_an_append_that_failed_takes_the_stamp_away(stamped, monkeypatch):
    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(5, "broken")))
        with pytest.raises(Exception, match="the disk reports an error"):
            stamped.append(RECORD)

    assert check(stamped) == ""


def test_a_stamp_that_is_a_link_is_neither_read_nor_written(stamped, tmp_path):
    place = stamped.path.with_name("audit.stamp")
    place.rename(tmp_path / "elsewhere")
    place.symlink_to(tmp_path / "elsewhere")
    before = (tmp_path / "elsewhere").read_bytes()

    assert check(stamped) == ""
    log_stamp.write(stamped.path, stamped.path.stat(), "second")
    assert (tmp_path / "elsewhere").read_bytes() == before
