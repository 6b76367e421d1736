"""Rows are ticked with the keys of a real terminal, and however many there are, the one that counts is seen."""

from __future__ import annotations

import os
import sys

import pexpect
import pytest
from harness import PATIENCE

from runner.cli.prompts.checkboxes import Boxes

ROWS = ("(pid=7)", "(pid=8)", "(pid=9)")


@pytest.mark.parametrize(
    ("keys", "at", "ticked"),
    [
        ("", 0, set()),
        ("tick", 0, {0}),
        ("tick tick", 0, set()),
        ("down tick down down tick", 0, {0, 1}),
        ("up tick", 2, {2}),
        ("all up tick", 2, {0, 1}),
        ("all none other", 0, set()),
    ],
)
def test_what_keys_do(keys, at, ticked):
    boxes = Boxes(ROWS)
    for key in keys.split():
        boxes = boxes.press(key)

    assert (boxes.at, boxes.ticked) == (at, ticked)


def test_the_row_where_the_person_is_is_seen_in_a_long_list():
    boxes = Boxes([f"row {number}" for number in range(100)], at=99, ticked=frozenset({98}))

    assert list(boxes.lines(3)) == ["    [ ] row 97", "    [x] row 98", "  > [ ] row 99"]


PROGRAM = """
import sys, os
from runner.cli.prompts.checkboxes import tick
asked = iter([False] * int(sys.argv[1]))
print("picked", tick(["(pid=7)", "(pid=8)", "(pid=9)"], settled=lambda: next(asked, True)))
"""


def ticking(times=1000, term="xterm-256color"):
    environment = {**os.environ, "TERM": term}
    return pexpect.spawn(
        sys.executable,
        ["-c", PROGRAM, str(times)],
        env=environment,
        timeout=PATIENCE,
        encoding="utf-8",
        dimensions=(20, 60),
    )


@pytest.mark.parametrize(
    ("typed", "picked"),
    [
        ("\x1b[B \r", "[1]"),
        ("\x1bOB\x1bOB k \r", "[1, 2]"),
        ("an\rq", "[]"),
        ("\r \r", "[0]"),
        ("aq", "[]"),
        ("a\r", "[0, 1, 2]"),
        ("xyz \n", "[0]"),
    ],
)
def test_what_is_picked_on_a_terminal(typed, picked):
    child = ticking()
    child.expect(r"\[ \] \(pid=9\)")
    child.send(typed)
    child.expect_exact(f"picked {picked}")
    child.expect(pexpect.EOF)


def test_nothing_is_waited_for_once_it_is_settled_and_the_terminal_is_as_before():
    child = ticking(times=2)
    child.expect_exact("picked None")
    child.expect(pexpect.EOF)


def test_ctrl_c_ends_it():
    child = ticking()
    child.expect(r"\[ \] \(pid=9\)")
    child.sendintr()
    child.expect("KeyboardInterrupt")
    child.expect(pexpect.EOF)
