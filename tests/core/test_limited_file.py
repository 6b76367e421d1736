"""A file that somebody else has put there is read up to a limit, and what is no file is refused at once."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from runner.core.errors import InvalidInputError
from runner.core.limited_file import read_limited


def pipe(path):
    os.mkfifo(path)


def dangling(path):
    path.symlink_to("nowhere")


def loop(path):
    path.symlink_to(path.name)


def listening(path):
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))


def test_a_file_is_read_to_its_limit_and_one_byte_more(tmp_path):
    (tmp_path / "a").write_bytes(b"12345")

    assert [read_limited(tmp_path / "a", most) for most in (3, 4, 5)] == [b"1234", b"12345", b"12345"]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (Path.mkdir, "is a directory, not a file"),
        (pipe, "is a named pipe, not a file"),
        (dangling, "is a link to nowhere, which is not there"),
        (loop, "cannot be read: Too many levels of symbolic links"),
        (listening, "cannot be read: No such device or address"),
        (lambda path: path.symlink_to("/dev/zero"), "is a device, not a file"),
    ],
)
def test_what_is_no_file_is_refused_without_waiting_for_it(tmp_path, make, message):
    make(tmp_path / "a")

    with pytest.raises(InvalidInputError) as caught:
        read_limited(tmp_path / "a", 10)
    assert caught.value.message == message


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_who_may_not_read_it_is_told_what_to_do(tmp_path):
    (tmp_path / "a").write_bytes(b"")
    (tmp_path / "a").chmod(0)

    with pytest.raises(InvalidInputError) as caught:
        read_limited(tmp_path / "a", 10)
    assert (caught.value.message, caught.value.hint) == (
        "cannot be read: Permission denied",
        "give yourself the right to read it",
    )
