"""Secrets of this machine: a variable, a file, what a program prints; never a hang, never a secret in a message."""

from __future__ import annotations

import os
import sys

import pytest
from harness.secret_stores import install, looked_up, refused


def test_a_variable_of_the_environment():
    assert looked_up("env:A", {"A": " it's {{ a }} secret "}) == " it's {{ a }} secret "
    assert refused("env:A", {}) == "the environment variable A is not set"


@pytest.mark.parametrize(("content", "secret"), [("a\n", "a"), ("a\r\n", "a"), ("a\nb\n\n", "a\nb\n"), (" a ", " a ")])
def test_a_file_without_the_line_break_at_its_end(tmp_path, content, secret):
    (tmp_path / "key").write_text(content, newline="")

    assert looked_up(f"file:{tmp_path}/key") == secret


def test_a_file_that_is_not_there_or_no_text(tmp_path):
    (tmp_path / "key").write_bytes(b"hunter2\xff")

    assert refused(f"file:{tmp_path}/absent") == f"{tmp_path}/absent cannot be read: No such file or directory"
    assert refused(f"file:{tmp_path}/key") == f"{tmp_path}/key is not text in UTF-8"


def test_what_never_ends_or_is_too_long_is_no_file_with_a_secret(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "long").write_text("hunter2" * 10_000)

    assert refused(f"file:{tmp_path}/pipe") == f"{tmp_path}/pipe is a named pipe, not a file"
    assert refused("file:/dev/zero") == "/dev/zero is a device, not a file"
    assert refused(f"file:{tmp_path}/long") == f"{tmp_path}/long is longer than 64 KiB, and no secret"


def test_what_a_command_prints(tmp_path):
    script = tmp_path / "give it.sh"
    script.write_text('#!/bin/sh\n[ -t 0 ] || printf "%s\\n" "$1 of $WHOSE"\n')
    script.chmod(0o755)

    assert looked_up(f"command:'{script}' 'the key'", {**os.environ, "WHOSE": "mine"}) == "the key of mine"
    assert looked_up("command:echo $HOME") == "$HOME"  # there is no shell


@pytest.mark.parametrize("line", ["false", "/absent/program", f"{sys.executable} -c 'print(4); exit(1)'"])
def test_a_command_that_does_not_succeed_gives_nothing_away(line):
    message = refused(f"command:{line}")

    assert message == (
        "the program /absent/program is not installed, or is not on PATH"
        if line.startswith("/absent")
        else f"{line.split()[0]} ended with exit code 1: it must print the secret without asking anybody; type: {line}"
    )
    assert refused("command:echo 'a") == "a quotation in the command is not closed"


def test_what_is_asked_for_is_nowhere():
    assert refused("prompt") == "is asked for, and there is nobody to ask"


def test_a_command_that_fails_after_it_has_printed_the_secret_gives_nothing_away(tmp_path):
    environ = install(tmp_path, "give", 'echo "$SECRET"; echo "$SECRET" >&2; exit 3')

    assert refused("command:give it", environ) == (
        "give ended with exit code 3: it must print the secret without asking anybody; type: give it"
    )
