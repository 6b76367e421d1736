"""What a program prints is read to its end, or for as long as there is time and room."""

from __future__ import annotations

import subprocess

import pytest

from runner.executor.ssh.program_output import read_within


@pytest.mark.parametrize(
    ("words", "seconds", "read"),
    [
        ("printf one; printf two", 60, ("onetwo", True)),
        ("printf '\\377'", 60, ("\ufffd", True)),
        ("printf one; exec sleep 60", 0.5, ("one", False)),
        ("exec sleep 60", 0, ("", False)),
    ],
)
def test_a_program_that_ends_and_one_that_hangs(words, seconds, read):
    with subprocess.Popen(["/bin/sh", "-c", words], stdout=subprocess.PIPE) as process:
        try:
            assert read_within(process.stdout, seconds) == read
        finally:
            process.kill()


def test_one_that_prints_for_ever_is_not_read_for_ever():
    with subprocess.Popen(["/usr/bin/yes"], stdout=subprocess.PIPE) as process:
        try:
            text, is_all = read_within(process.stdout, 60)
        finally:
            process.kill()

    assert (text[:4], is_all, 65536 <= len(text) < 2 * 65536) == ("y\ny\n", False, True)
