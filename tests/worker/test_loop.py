"""The loop looks until it is told to stop, whatever a look comes to, and keeps systemd informed."""

from __future__ import annotations

import socket

from runner.core.errors import AuditError
from runner.worker.loop import loop, systemd_notify

PAUSE = 2.5


def watched(*looks):
    """What was shown, complained of, waited and notified while there were `looks`, of which some raise."""
    left, shown, complaints, waits, lines = list(looks), [], [], [], []

    def look():
        found = left.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    def stopped(seconds):
        waits.append(seconds)
        return not left

    loop(look, shown.append, complaints.append, lambda: PAUSE, stopped, lines.append)
    return shown, complaints, waits, lines


def test_it_looks_at_once_and_after_each_wait_until_it_is_stopped():
    shown, complaints, waits, lines = watched("first", "second")

    assert (shown, complaints, waits) == (["first", "second"], [], [PAUSE] * 2)
    assert lines == ["READY=1", "WATCHDOG=1", "WATCHDOG=1", "STOPPING=1"]


def test_a_look_that_fails_is_told_once_and_the_next_is_made():
    full = AuditError("the disk is full")
    shown, complaints, *_ = watched(full, full, "third", full, AuditError("no such directory"), "last")

    assert shown == ["third", "last"]
    assert complaints == ["the disk is full", "the disk is full", "no such directory"]


def test_systemd_hears_of_it_by_its_socket(tmp_path):
    for name, address in (("named", str(tmp_path / "notify")), ("abstract", f"@runbook-test-{tmp_path.name}")):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
            systemd.bind(address.replace("@", "\0", 1) if name == "abstract" else address)
            systemd_notify({"NOTIFY_SOCKET": address})("READY=1")
            assert systemd.recv(100) == b"READY=1", name


def test_where_no_systemd_listens_nothing_is_told(tmp_path):
    systemd_notify({})("READY=1")
    systemd_notify({"NOTIFY_SOCKET": str(tmp_path / "nobody")})("READY=1")
