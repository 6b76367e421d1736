"""A log that somebody else can write, or that is not the one it was, is refused and left alone."""

from __future__ import annotations

import errno
import fcntl
import os
import subprocess

import pytest

from runner.core.errors import AuditError
from runner.core.events import Event, EventType
from runner.store.log import log_file
from runner.store.log.log_reader import read, verify

EVENT = Event(EventType.RUN_STARTED, run="r1")


def test_a_symbolic_link_in_place_of_the_log_is_refused(tmp_path, open_log):
    audit = tmp_path / "audit"
    audit.mkdir(mode=0o700)
    (tmp_path / "elsewhere").touch(mode=0o600)
    (audit / "audit.jsonl").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(AuditError, match=r"open the audit log .*audit\.jsonl: it is a symbolic link") as caught:
        open_log(audit)
    assert caught.value.hint.startswith("Remove the link")
    assert (tmp_path / "elsewhere").read_bytes() == b""


@pytest.mark.parametrize("made", [True, False], ids=["to-a-directory", "to-nothing"])
def test_a_symbolic_link_in_place_of_the_directory_is_refused(tmp_path, open_log, made):
    if made:
        (tmp_path / "elsewhere").mkdir(mode=0o700)
    (tmp_path / "audit").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(AuditError, match="its directory is a symbolic link, or no directory"):
        open_log(tmp_path / "audit")
    assert (tmp_path / "elsewhere").exists() == made


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir], ids=["pipe", "directory"])
def test_what_is_no_file_is_refused(tmp_path, open_log, make):
    (tmp_path / "audit").mkdir(mode=0o700)
    make(tmp_path / "audit" / "audit.jsonl", 0o600)

    with pytest.raises(AuditError, match=r"is not a regular file|Is a directory"):
        open_log(tmp_path / "audit")


@pytest.mark.parametrize("mode", [0o020, 0o002], ids=["group", "world"])
@pytest.mark.parametrize("which", ["file", "directory"])
def test_a_log_that_others_may_write_is_refused(log, open_log, which, mode):
    place = log.path if which == "file" else log.path.parent
    place.chmod(place.stat().st_mode | mode)

    for attempt in (lambda: open_log(log.path.parent), lambda: log.append(EVENT)):
        with pytest.raises(AuditError, match=f"^{place}, .* can be written by others") as caught:
            attempt()
        assert caught.value.hint.endswith(f"chmod go-w {place}")
    assert log.path.read_bytes() == b""


def test_a_log_that_others_may_read_is_accepted(log, open_log):
    log.path.chmod(0o640)
    log.path.parent.chmod(0o750)

    open_log(log.path.parent).close()
    assert log.append(EVENT)[-1].seq == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to give a file away")
@pytest.mark.parametrize("which", ["file", "directory"])
def test_a_log_of_another_user_is_refused_but_may_be_read_by_root(log, open_log, which):
    log.append(EVENT)
    place = log.path if which == "file" else log.path.parent
    os.chown(place, 12345, -1)

    with pytest.raises(AuditError, match=f"^{place}, .* belongs to another user \\(id 12345\\)"):
        open_log(log.path.parent)
    assert (verify(log.path).records, len(list(read(log.path)))) == (1, 1)


def test_a_log_removed_while_open_is_refused(log):
    log.append(EVENT)
    log.path.unlink()

    with pytest.raises(AuditError, match=r"Cannot write the audit log .*: it is not there"):
        log.append(EVENT)
    assert not log.path.exists()


def test_a_log_replaced_by_its_own_copy_while_open_is_refused(log):
    log.append(EVENT)
    copy = log.path.read_bytes()
    log.path.unlink()
    log.path.touch(mode=0o600)
    log.path.write_bytes(copy)

    with pytest.raises(AuditError, match="was replaced by another file while in use"):
        log.append(EVENT)
    assert log.path.read_bytes() == copy


@pytest.mark.parametrize("when", ["before-the-wait", "during-the-wait"])
def test_a_log_that_changes_places_while_a_writer_waits_for_its_turn_is_refused(log, monkeypatch, when):
    true, acquire = log.path.with_suffix(".true"), log_file._acquire
    impostor = log.path.with_suffix(".impostor")
    impostor.touch(mode=0o600)

    def swap():
        log.path.rename(true)
        impostor.rename(log.path)

    def swap_back():
        log.path.rename(impostor)
        true.rename(log.path)

    def wait(*args):
        (swap_back if when == "before-the-wait" else swap)()
        acquire(*args)

    if when == "before-the-wait":
        swap()
    monkeypatch.setattr(log_file, "_acquire", wait)

    with pytest.raises(AuditError, match="was replaced by another file while in use"):
        log.append(EVENT)
    assert [place.read_bytes() for place in log.path.parent.iterdir()] == [b"", b""]


@pytest.mark.parametrize("kept", [0, 1], ids=["emptied", "cut-after-a-record"])
def test_a_log_shorter_than_it_was_is_refused(log, kept):
    log.append(EVENT)
    size = log.path.stat().st_size
    log.append(EVENT)
    os.truncate(log.path, kept * size)

    with pytest.raises(AuditError, match="is shorter than it was: records were removed") as caught:
        log.append(EVENT)
    assert "Keep the file as evidence" in caught.value.hint
    assert log.path.stat().st_size == kept * size


def test_a_turn_ends_even_when_a_fork_has_inherited_the_file(log):
    with log_file.locked(log.path, pin=log._pin) as descriptor:
        inherited = os.dup(descriptor)

    assert log.append(EVENT)[-1].seq == 1
    os.close(inherited)


def test_the_names_of_a_new_log_and_of_every_directory_made_for_it_are_durable(tmp_path, open_log, monkeypatch):
    synced, fsync = set(), os.fsync
    monkeypatch.setattr(os, "fsync", lambda descriptor: synced.add(os.fstat(descriptor).st_ino) or fsync(descriptor))

    open_log(tmp_path / "state" / "audit").close()

    holders = [tmp_path, tmp_path / "state", tmp_path / "state" / "audit"]
    assert {holder.stat().st_ino for holder in holders} <= synced


def test_a_writer_does_not_wait_for_ever(log, monkeypatch):
    monkeypatch.setattr(log_file, "_PATIENCE", 0.05)

    with log.path.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        for attempt in (lambda: log.append(EVENT), lambda: verify(log.path)):
            with pytest.raises(AuditError, match="is held by another process") as caught:
                attempt()
            assert caught.value.hint.endswith(f"fuser {log.path}")
    assert log.append(EVENT)[-1].seq == 1


def test_a_log_on_a_read_only_file_system_can_be_read_but_not_opened(small_disk, open_log):
    with open_log(small_disk / "audit") as log:
        log.append(EVENT)
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)

    with pytest.raises(AuditError, match="the file system is read-only"):
        open_log(small_disk / "audit")
    assert verify(log.path).records == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write to every directory")
def test_a_state_directory_one_may_not_write_is_refused(tmp_path, open_log):
    tmp_path.chmod(0o500)

    try:
        with pytest.raises(AuditError, match="you may not"):
            open_log(tmp_path / "audit")
    finally:
        tmp_path.chmod(0o700)


@pytest.mark.parametrize(
    ("code", "words"), [(errno.EDQUOT, "quota"), (errno.EIO, "disk reports an error"), (errno.EBADF, "Bad file desc")]
)
def test_every_error_of_the_system_says_what_and_how_to_mend(tmp_path, code, words):
    expected = pytest.raises(AuditError, match=f"Cannot write the audit log {tmp_path}: .*{words}")

    with expected as caught, log_file.explained(tmp_path, "write"):
        raise OSError(code, os.strerror(code))
    assert caught.value.hint
