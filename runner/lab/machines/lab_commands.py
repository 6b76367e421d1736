"""The programs of the system that the lab is made with: how each is run, and what one says that fails."""

import subprocess
from pathlib import Path

from runner.core.errors import ExecutionError

_PATIENCE = 120.0
"""Seconds for one program; each of them takes milliseconds, or copies a host's disk."""


def call(*argv: str | Path, script: str = "") -> str:
    """What `argv` prints, given `script` on its standard input.

    Raises:
        ExecutionError: it cannot be started, fails, or does not end; the error has the program's own last words.
    """
    words = [str(word) for word in argv]
    try:
        done = subprocess.run(words, input=script, capture_output=True, text=True, timeout=_PATIENCE, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ExecutionError(f"{words[0]} cannot be run: {error}") from None
    if done.returncode != 0:
        raise ExecutionError(f"{' '.join(words[:4])} failed", hint=done.stderr.strip()[-500:] or "it said nothing")
    return done.stdout


def succeeds(*argv: str | Path, script: str = "") -> bool:
    """Whether `argv` exits with 0: for what is done in any case, whether or not there is something to do."""
    try:
        call(*argv, script=script)
    except ExecutionError:
        return False
    return True
