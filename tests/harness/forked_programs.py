"""The supervisor of a run, forked from a process that has imported what it needs, in place of being started.

Half of what it costs is to start Python and to import. A fork does the same in the same place: a child of whoever
starts it, with its streams, environment, directory and session. Of Ansible itself, which the supervisor imports,
nothing is imported before, as it reads its configuration while it is: each run has its own. But its two large files of
constants are parsed once. What looks for processes by their words or their environment does not find a fork: tests
about that start the real program.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import importlib.util
import inspect
import os
import pickle
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from functools import partial
from pathlib import Path

import yaml

_SUPERVISOR = "runner.executor.ansible.supervisor"
_ADAPTER = "runner.executor.ansible.ansible_runner_adapter"
_NEEDED = "import sys; own = set(sys.modules); import ansible.cli.playbook, ansible.executor.playbook_executor; print(*{*sys.modules} - own)"
_CONSTANTS = {"base.yml": yaml.CSafeLoader, "ansible_builtin_runtime.yml": yaml.CBaseLoader}
"""Files in Ansible's own directory `config`, and the loaders that it reads them with."""

_start = subprocess.Popen._execute_child
_signature = inspect.signature(_start)


def prepare():
    """Import what Ansible and its adapter will import, but Ansible itself, and fork from now on."""
    asked = subprocess.run([sys.executable, "-c", _NEEDED], capture_output=True, text=True, check=True)
    for name in sorted(asked.stdout.split()):
        if name.partition(".")[0] not in {"ansible", "ansible_collections", "__main__"}:
            with suppress(ImportError):  # a part of another one that is no module to import
                importlib.import_module(name)
    importlib.import_module(_ADAPTER)
    subprocess.Popen._execute_child = _execute_child
    _parse_constants()
    gc.collect()
    gc.freeze()


def end(does):
    """Do this, and end as a program that has done it, but for what it would throw away, which takes longest."""

    def done():
        try:
            does()
        finally:
            threading._shutdown()

    sys.modules[_ADAPTER].end_as_program(done)


def _parse_constants():
    """Let `yaml.load` answer at once for what is the same in every run; what it answers is whoever asks's own."""
    parse, known = yaml.load, {}
    directory = Path(importlib.util.find_spec("ansible").origin).parent / "config"
    for name, loader in _CONSTANTS.items():
        content = (directory / name).read_bytes()
        known[loader, content] = pickle.dumps(parse(content, loader))

    def load(stream, Loader):  # noqa: N803 - as it is called
        content = stream.read() if hasattr(stream, "read") else stream
        found = known.get((Loader, content)) if isinstance(content, bytes) else None
        return pickle.loads(found) if found else parse(content, Loader)

    yaml.load = load


def _execute_child(process, *words):
    """In place of the method of `subprocess.Popen` that starts a program."""
    given = _signature.bind(process, *words).arguments
    program = _forked(given)
    if program is None:
        _start(process, *words)
        return
    process.pid = os.fork()
    if process.pid == 0:
        sys.modules[_ADAPTER].end_as_program(partial(_become, program, given))
    process._child_created = True
    pipes = ("p2cread", "p2cwrite", "c2pread", "c2pwrite", "errread", "errwrite")
    process._close_pipe_fds(*(given[name] for name in pipes))


def _forked(given):
    """What a fork does that is to be the program, if it is the supervisor."""
    words = list(map(str, given["args"])) if isinstance(given["args"], list | tuple) else []
    return (lambda: _supervise(words[3:])) if words[:4] == [sys.executable, "-P", "-m", _SUPERVISOR] else None


def _supervise(words):
    sys.argv = words
    importlib.import_module(_SUPERVISOR).main(words[2])


def _become(program, given):
    """Be to everybody what the program would be, and do it."""
    _forget_what_the_parent_was()
    if given["start_new_session"]:
        os.setsid()
    for source, target in ((given["p2cread"], 0), (given["c2pwrite"], 1), (given["errwrite"], 2)):
        if source not in {-1, target}:
            os.dup2(source, target)
        os.set_inheritable(target, True)  # noqa: FBT003 - it has no name
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    streams = (open(number, mode, closefd=False) for number, mode in enumerate("rww"))  # noqa: SIM115 - they stay
    sys.stdin, sys.stdout, sys.stderr = streams
    os.chdir(given["cwd"] or ".")
    if given["env"] is not None:
        os.environ.clear()
        os.environ.update(given["env"])
    time.tzset()
    program()


def _forget_what_the_parent_was():
    """Whatever a new program would not have: what is done at the end, ways to hear of signals, a cached directory."""
    gc.freeze()  # garbage of the parent's, whose end would close files that are others by now
    atexit._clear()
    signal.set_wakeup_fd(-1)
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        if callable(signal.getsignal(number)):
            signal.signal(number, signal.SIG_DFL)
    for number in (signal.SIGPIPE, signal.SIGXFSZ):  # as Python has it when it starts: an exception says so
        signal.signal(number, signal.SIG_IGN)
    tempfile.tempdir = None
