"""Looks secrets up as the product does, and programs of password managers that answer as theirs are documented to."""

from __future__ import annotations

import os
import stat

import pytest

from runner.core.secrets import SecretReference, SecretUnavailableError
from runner.kinds.secrets.lookup import look_up

CANARY = "canary-7f3e!"
"""The secret: no message, and no argument of a program, may hold it."""


def looked_up(text, environ=os.environ):
    """The secret behind the reference `text`."""
    return look_up(SecretReference.parse(text), environ)


def refused(text, environ=os.environ):
    """Why there is none."""
    with pytest.raises(SecretUnavailableError) as caught:
        looked_up(text, environ)
    assert CANARY not in str(caught.value)
    return str(caught.value)


def install(folder, name, code):
    """Put the shell script `code` on a PATH as the program `name`; its arguments are written to `name.args`."""
    program = folder / name
    program.write_text(f'#!/bin/bash\nprintf "%s\\n" "$@" > {folder}/{name}.args\nexport SECRET={CANARY!r}\n{code}\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"}


def arguments(folder, name):
    """The arguments with which the program was called last."""
    return (folder / f"{name}.args").read_text().splitlines()
