"""A host takes a fault back once, by itself or when it is told, and nothing of what did it stays."""

from __future__ import annotations

import os
import shlex
import subprocess
import time
from contextlib import suppress

import jinja2
import pytest
from harness import PATIENCE

from runner.lab.drills.undo_script import ARM, TELL, UndoCommand, undo_program

NAME = f"runbook-drill-20260101T000000Z-{os.getpid():08x}"


class HostOfDrill:
    """A directory of this machine as the place of an undo, and how often each of its steps was done."""

    def __init__(self, root):
        self.place, self.done = root / NAME, root / "done"

    def action(self, word="undone", *, after="true", **about):
        code = f'{after}; echo "{word} $VALUE" >>{self.done}'
        return UndoCommand(word, ["sh", "-c", code], 5.0, environment={"VALUE": "a 'b' $c"}, **about)

    def arm(self, *actions, seconds=600):
        text, values = undo_program(str(self.place), "Somebody's drill", actions or [self.action()])
        templates = jinja2.Environment(trim_blocks=True, keep_trailing_newline=True)
        templates.filters["quote"] = lambda value: shlex.quote(str(value))
        program = templates.from_string(text).render(values)
        words = ["sh", "-c", ARM, "sh", str(self.place), str(seconds)]
        return subprocess.run(words, input=program, capture_output=True, text=True, check=True).stdout.strip()

    def tell(self, word):
        words = ["sh", "-c", TELL, "sh", str(self.place), word]
        return subprocess.run(words, capture_output=True, text=True, check=False)

    def lines(self):
        return self.done.read_text().splitlines() if self.done.exists() else []

    def wait_until_gone(self):
        deadline = time.monotonic() + PATIENCE
        while self.place.exists() and time.monotonic() < deadline:
            time.sleep(0.05)


@pytest.fixture
def host(tmp_path):
    made = HostOfDrill(tmp_path)
    yield made
    made.tell("disarm")


ONCE = ["undone a 'b' $c"]


def test_it_is_done_by_itself_at_its_time_and_removes_itself(host):
    assert host.arm(seconds=1) in {"setsid", "systemd-run"}

    host.wait_until_gone()

    assert (host.lines(), host.place.exists()) == (ONCE, False)


def test_it_is_done_when_it_is_told_and_later_there_is_nothing(host):
    host.arm()

    told, later = host.tell("now"), host.tell("now")

    assert (told.returncode, later.stdout, host.lines(), host.place.exists()) == (0, "gone\n", ONCE, False)


def test_two_who_tell_it_at_once_and_its_own_time_make_it_done_once(host):
    host.arm(host.action(after="sleep 0.5"), seconds=1)

    words = ["sh", "-c", TELL, "sh", str(host.place), "now"]
    both = [subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for _ in range(2)]
    codes = [each.wait() for each in both]
    host.wait_until_gone()

    assert (codes, host.lines()) == ([0, 0], ONCE)


def test_what_was_never_broken_is_not_taken_back(host):
    host.arm(seconds=1)

    assert host.tell("disarm").returncode == 0

    assert (host.lines(), host.place.exists()) == ([], False)


def test_its_steps_are_done_in_order_and_one_that_fails_is_told(host):
    host.arm(host.action("first"), host.action("second", after="echo no such disk >&2; exit 3"), host.action("third"))

    told = host.tell("now")

    assert (told.returncode, told.stderr) == (1, "no such disk;exit code 3\n")
    assert host.lines() == ["first a 'b' $c"]


def test_what_has_failed_is_done_when_it_is_told_again(host):
    host.arm(host.action(after=f"test -e {host.done}.mended || exit 3"))

    failed = host.tell("now")
    host.done.with_name("done.mended").touch()
    told = host.tell("now")

    assert (failed.returncode, told.returncode, host.lines(), host.place.exists()) == (1, 0, ONCE, False)


def test_what_a_dead_host_had_begun_is_done_when_it_is_told(host):
    host.arm()
    (host.place / "armed").rename(host.place / "claimed")
    (host.place / "claimed/pid").write_text(f"{os.getpid()}\n")  # somebody else has its number by now

    assert (host.tell("now").returncode, host.lines(), host.place.exists()) == (0, ONCE, False)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a small volume")
def test_a_full_disk_does_not_keep_it_from_being_done(tmp_path):
    small = tmp_path / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k,nr_inodes=64", "none", small], check=True)
    try:
        host = HostOfDrill(small)
        host.done = tmp_path / "done"
        host.arm(host.action(after=f"rm {small}/filled-*"))
        with suppress(OSError):
            for number in range(64):
                (small / f"filled-{number}").touch()

        assert (host.tell("now").returncode, host.lines(), [*small.iterdir()]) == (0, ONCE, [])
    finally:
        subprocess.run(["umount", "--lazy", small], check=True)


def test_others_see_that_it_is_armed_and_nothing_else(host):
    host.arm()

    modes = {path.name: oct(path.stat().st_mode)[-3:] for path in (host.place, host.place / "undo")}
    assert modes == {NAME: "711", "undo": "600"}
    assert (host.place / "armed").is_dir()


def test_what_a_step_reads_and_where_it_is_done(host, tmp_path):
    reading = UndoCommand(
        "reads", ["sh", "-c", f"pwd >>{host.done}; cat >>{host.done}"], 5.0, "{it}'s\n", chdir=str(tmp_path)
    )
    host.arm(reading)

    host.tell("now")

    assert host.lines() == [str(tmp_path), "{it}'s"]


def test_what_the_drill_is_still_doing_there_is_ended_first_and_what_it_has_started_is_not(host):
    environment = {**os.environ, "RUNBOOK_ATTEMPT": NAME}
    doing = subprocess.Popen(["timeout", "300", "sleep", "300"], env=environment, start_new_session=True)
    started = subprocess.Popen(["sleep", "300"], env=environment, start_new_session=True)
    try:
        host.arm()
        host.tell("now")

        assert (doing.wait(timeout=PATIENCE), started.poll(), host.lines()) == (-15, None, ONCE)
    finally:
        started.kill()
        started.wait()
