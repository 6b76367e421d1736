"""The only module that uses ansible-runner, which starts `ansible-playbook`, or forks it from what was imported here.

Ansible reads its settings while it is imported: whoever forks it has had those of the run in its environment by then.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import gc
import importlib
import inspect
import io
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import IO, Any, NoReturn

from runner.executor.ansible import processes
from runner.executor.ansible import workspace as files
from runner.executor.ansible.ansible_settings import REPORTING, settings
from runner.executor.ansible.left_pythons import LeftPythons
from runner.executor.ansible.messages import PlaybookInvocation
from runner.executor.ansible.parsed_files import remembered
from runner.executor.ansible.read_playbook import ParsedPlaybook, copy_nothing_of
from runner.executor.job import ENGINE
from runner.executor.left_out import left_out, plugins_left_out

with plugins_left_out("ansible_runner.utils.importlib_compat"):
    from ansible_runner import runner as ansible_runner
    from ansible_runner.interface import init_runner

_PROGRAM = "ansible-playbook"
_USUAL = ("command", "shell", "assert", "set_fact")
"""The actions of most tasks."""
_MODULES = ("ansible.cli.playbook", "ansible.executor.playbook_executor")


def prepare(cache: Path | None = None) -> bool:
    """Import Ansible, if it is the one that would be started; whether `run` may be used now.

    It is not where Ansible refuses to be imported: the program itself tells why. What it reads of its own files is kept
    in the directory `cache` for the next.
    """
    found = shutil.which(_PROGRAM)
    if found is None or Path(found) != Path(sys.executable).with_name(_PROGRAM):
        return False
    try:
        with (
            _never_searched_for_garbage(),
            remembered(cache),
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
        ):
            with _without_paramiko():
                for name in _MODULES:
                    importlib.import_module(name)
            _ask_for_paramiko_seldom()
            _read_what_stays_once()
            _load_plugins()
            _look_at_engine()
    except (Exception, SystemExit):  # noqa: BLE001 - as above
        return False
    return True


@contextlib.contextmanager
def _never_searched_for_garbage() -> Iterator[None]:
    """What the block imports stays to the end: neither it nor a fork, which would copy it by doing so, searches it."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


@contextlib.contextmanager
def _without_paramiko() -> Iterator[None]:
    """Nothing in the block imports paramiko, a tenth of all; the connection plugin that needs it imports it later.

    Ansible imports it for the transport `smart`, where it stands for an ssh of before 2010.
    """
    from ansible import constants  # noqa: PLC0415 - as below

    if constants.DEFAULT_TRANSPORT == "smart":
        yield
        return
    with left_out("paramiko"):
        yield
    sys.modules.pop("ansible.module_utils.compat.paramiko", None)  # it remembers that


def _ask_for_paramiko_seldom() -> None:
    """Let a connection be asked for without an import of paramiko, where what is said needs none."""
    from ansible.playbook.attribute import ConnectionFieldAttribute, FieldAttribute  # noqa: PLC0415 - as below

    stock = ConnectionFieldAttribute.__get__

    def get(self: Any, *words: Any) -> Any:
        said = FieldAttribute.__get__(self, *words)
        return stock(self, *words) if said in ("smart", "persistent") else said

    ConnectionFieldAttribute.__get__ = get


def _read_what_stays_once() -> None:
    """Let Ansible look once, for all forks, at what it reads again each time it begins.

    It is the documentation of plugins which have no options, and what the classes of its options for the command line
    take.
    """
    from ansible.cli.arguments import option_helpers  # noqa: PLC0415 - as below
    from ansible.plugins.loader import PluginLoader  # noqa: PLC0415 - as below

    stock, known = PluginLoader._load_config_defs, set()  # noqa: SLF001 - there is no other way

    def load(self: Any, name: str, module: Any, path: str) -> None:
        if (self.class_name, name, path) not in known:
            stock(self, name, module, path)
            known.add((self.class_name, name, path))

    PluginLoader._load_config_defs = load  # noqa: SLF001 - as above
    option_helpers.inspect = SimpleNamespace(signature=functools.cache(inspect.signature))


def _load_plugins() -> None:
    """Load what every invocation looks for: whoever does so again finds it."""
    from ansible.plugins import loader  # noqa: PLC0415 - it is imported for `prepare` only

    loader.init_plugin_loader()
    # Not `vars_loader`: Ansible would take it for begun then, and read no group_vars.
    for plugins in (loader.shell_loader, loader.become_loader, loader.callback_loader):
        list(plugins.all(class_only=True))
    for functions in (loader.filter_loader, loader.test_loader):
        list(functions.all())
    for plugins, names in (
        (loader.connection_loader, ["ansible.builtin.local", "ansible.builtin.ssh"]),
        (loader.strategy_loader, ["ansible.builtin.linear"]),
        (loader.inventory_loader, ["host_list", "script", "auto", "yaml", "ini", "toml"]),
        (loader.cache_loader, ["memory"]),
        (loader.lookup_loader, ["ansible.builtin.env"]),
        (loader.action_loader, [f"ansible.builtin.{name}" for name in _USUAL]),
    ):
        for name in names:
            plugins.get(name, class_only=True)


def _look_at_engine() -> None:
    """Import the fast engine, and see whether it was made for this Ansible: each invocation that asks finds the answer.

    Where that fails, it fails there as well, and is told. The callback plugin has made known where the engine is.
    """
    with contextlib.suppress(Exception):
        importlib.import_module("runbook_engine")
        if not importlib.import_module("runbook_stock_way").unlike():
            importlib.import_module("runbook_kept").PLUGINS.learn(_USUAL)


def play(
    invocation: PlaybookInvocation,
    *,
    by_fork: bool,
    playbook: ParsedPlaybook | None = None,
    pythons: LeftPythons | None = None,
) -> int:
    """Run ansible-playbook as `invocation` says, in this process's clean environment; its exit code.

    It is a program that is started, or `by_fork` what was imported here, which has the `playbook` as it was read, and
    the `pythons` that earlier parts have left.

    What happened is not asked here: a managed host can forge what ansible-runner believes, so our own callback plugin
    reports past it, on the socket that the environment names.
    """
    directory = Path(invocation.workspace)
    if not shutil.which(_PROGRAM):
        # ansible-runner would report no more than a failed run.
        print("ansible-playbook is not on PATH, nor beside this Python; pip install ansible-core", file=sys.stderr)  # noqa: T201
        return 127
    runner = init_runner(
        private_data_dir=str(directory),
        playbook=invocation.playbook,
        # A list of absolute paths: a relative string would become the name of a host.
        inventory=list(invocation.inventories),
        tags=",".join(invocation.tags) or None,
        skip_tags=",".join(invocation.skip_tags) or None,
        limit=invocation.limit,
        forks=invocation.forks,
        cmdline=f"--extra-vars @{directory / files.INPUTS}",
        fact_cache_type="memory",
        envvars=settings(directory) | invocation.environment,
        quiet=True,
        # Without a cancel callback ansible-runner replaces the signal handlers of its process.
        cancel_callback=lambda: False,
    )
    # ansible-runner's setter knows only its own.
    runner.config.env |= REPORTING
    # Without a terminal there is nothing that could prompt, and nothing that could hang.
    runner.runner_mode = "subprocess"
    with Path(os.devnull).open("rb") as nothing, (directory / "output").open("ab") as output:
        runner.config.input_fd, runner.config.output_fd, runner.config.error_fd = nothing, output, output
        if by_fork:  # it starts its program by this name
            ansible_runner.run_subprocess = partial(run, playbook=playbook, pythons=pythons)
        runner.run()
    return int(runner.rc)


def run(
    words: Sequence[str],
    *,
    cwd: str,
    env: Mapping[str, str],
    stdin: IO[Any],
    stdout: IO[Any],
    stderr: IO[Any],
    playbook: ParsedPlaybook | None = None,
    pythons: LeftPythons | None = None,
    **_: object,
) -> subprocess.CompletedProcess[str]:
    """What `subprocess.run` does with the same arguments, for the program that was imported."""
    parent = os.getpid()
    child = os.fork()
    if not child:
        processes.die_with_parent(parent)
        end_as_program(partial(_become, words, cwd, env, (stdin, stdout, stderr), playbook, pythons))
    return subprocess.CompletedProcess(list(words), os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))


def _become(
    words: Sequence[str],
    cwd: str,
    env: Mapping[str, str],
    streams: Sequence[IO[Any]],
    playbook: ParsedPlaybook | None,
    pythons: LeftPythons | None,
) -> None:
    """Be to everybody what the program would be, and do what it does."""
    atexit._clear()  # noqa: SLF001 - there is no other way; what this fork registers is done at its end
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number, stream in enumerate(streams):
        os.dup2(stream.fileno(), number)
    first = 3
    for kept in sorted([*(pythons.descriptors if pythons else ()), os.sysconf("SC_OPEN_MAX")]):
        os.closerange(first, kept)
        first = kept + 1
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    time.tzset()
    sys.argv = list(words)
    _play(playbook, pythons)


def end_as_program(does: Callable[[], None]) -> NoReturn:
    """End this fork as a program ends that `does` this: with its exit code, and with what it has registered done."""
    code = 1
    try:
        does()
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


def _play(playbook: ParsedPlaybook | None, pythons: LeftPythons | None) -> None:
    from ansible import cli, constants  # noqa: PLC0415 - they were imported by `prepare`
    from ansible.cli.playbook import main  # noqa: PLC0415
    from ansible.executor import playbook_executor  # noqa: PLC0415

    # As the constants of a program that has just begun have it: a directory of its own, which is gone after it.
    temporary = tempfile.mkdtemp(prefix=f"ansible-local-{os.getpid()}", dir=os.environ["ANSIBLE_LOCAL_TEMP"])
    atexit.register(shutil.rmtree, temporary, ignore_errors=True)
    constants.DEFAULT_LOCAL_TMP = temporary
    cli.init_plugin_loader = lambda *_: None  # `prepare` has done so
    # It would load every connection plugin there is, for no more than that a worker finds it.
    playbook_executor.connection_loader = SimpleNamespace(all=lambda **_: [])
    copy_nothing_of(playbook)
    way = sys.modules.get("runbook_stock_way")
    if way and os.environ.get(ENGINE) == "fast" and not way.unlike():
        sys.modules["runbook_kept"].PLUGINS.take_place()  # before it reads the playbook, which asks for them first
        vars(sys.modules["runbook_engine"])["LEFT"] = pythons
    main()
