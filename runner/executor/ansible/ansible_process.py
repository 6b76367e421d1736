"""`ansible-playbook` as a fork of a process that has imported Ansible, in place of a program that imports it again.

Ansible reads its settings while it is imported: whoever forks has had those of the run in its environment by then.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import io
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from runner.executor.ansible import processes

PROGRAM = "ansible-playbook"
_MODULES = ("ansible.cli.playbook", "ansible.executor.playbook_executor")


def prepare() -> bool:
    """Import Ansible, if it is the one that would be started; whether `run` may be used now.

    It is not where Ansible refuses to be imported: the program itself tells why.
    """
    found = shutil.which(PROGRAM)
    if found is None or Path(found) != Path(sys.executable).with_name(PROGRAM):
        return False
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            for name in _MODULES:
                importlib.import_module(name)
    except (Exception, SystemExit):  # noqa: BLE001 - as above
        return False
    # What is imported stays to the end. No fork has to search it for garbage, and copy it by doing so.
    gc.collect()
    gc.freeze()
    return True


def run(
    words: Sequence[str],
    *,
    cwd: str,
    env: Mapping[str, str],
    stdin: IO[Any],
    stdout: IO[Any],
    stderr: IO[Any],
    **_: object,
) -> subprocess.CompletedProcess[str]:
    """What `subprocess.run` does with the same arguments, for the program that was imported."""
    parent = os.getpid()
    child = os.fork()
    if not child:
        processes.die_with_parent(parent)
        _become(words, cwd, env, (stdin, stdout, stderr))
    return subprocess.CompletedProcess(list(words), os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))


def _become(words: Sequence[str], cwd: str, env: Mapping[str, str], streams: Sequence[IO[Any]]) -> None:
    """Be to everybody what the program would be, do what it does, and end."""
    code = 1
    try:
        processes.rename(PROGRAM)
        atexit._clear()  # noqa: SLF001 - there is no other way; what this fork registers is done at its end
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for number, stream in enumerate(streams):
            os.dup2(stream.fileno(), number)
        os.closerange(3, os.sysconf("SC_OPEN_MAX"))
        os.chdir(cwd)
        os.environ.clear()
        os.environ.update(env)
        time.tzset()
        sys.argv = list(words)
        _play()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:  # noqa: BLE001 - a program would print it as well
        traceback.print_exc()
    finally:
        atexit._run_exitfuncs()  # noqa: SLF001 - as a program does
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
        os._exit(code & 0xFF)


def _play() -> None:
    from ansible import constants  # noqa: PLC0415 - it was imported by `prepare`
    from ansible.cli.playbook import main  # noqa: PLC0415

    # As the constants of a program that has just begun have it: a directory of its own, which is gone after it.
    temporary = tempfile.mkdtemp(prefix=f"ansible-local-{os.getpid()}", dir=os.environ["ANSIBLE_LOCAL_TEMP"])
    atexit.register(shutil.rmtree, temporary, ignore_errors=True)
    constants.DEFAULT_LOCAL_TMP = temporary
    main()
