"""Whether a Python runs on a host for whom a runbook needs it: the one that Ansible takes, found as it finds it."""

from __future__ import annotations

import os
import pwd
import shlex
import subprocess
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import cache, partial

from runner.executor.host_check import HostCheck, NotCheckedError, UnfitError, last
from runner.executor.inventory.connection_facts import ConnectionFacts

Say = Callable[[str], str]
"""What a command for a shell prints on a host, both its outputs."""

_MARK = "runbook-python-ok"
_OLDEST = "3, 8"
"""The oldest Python for which ansible-core 2.19 has modules."""

_PROGRAM = (
    f"""import json, sys; print({_MARK!r} if sys.version_info >= ({_OLDEST}) else "it is Python " + sys.version)"""
)
_LAST = "/usr/bin/python3"
"""What Ansible takes where it finds none."""

_PATIENCE = 10.0
"""Seconds for a program of this machine."""


def try_python(reach: ConnectionFacts, say: Say, user: str, becoming: str = "") -> None:
    """That the Python which Ansible would take on the host of `reach` runs for `user`, whom `becoming` makes of us.

    Raises:
        UnfitError: it does not.
    """
    python, found_by = _interpreter(reach, say)
    said = say(f"{becoming}/bin/sh -c {shlex.quote(f'{python} -c {shlex.quote(_PROGRAM)}')}")
    if _MARK not in said:
        raise UnfitError(
            f"{python}{found_by} does not run there for {user}: {_cause(said)}",
            hint=f"install Python 3 there, or name one that runs for {user} as ansible_python_interpreter in "
            f"host_vars/{reach.host}.yml, like /usr/bin/python3; a shim of pyenv needs the environment of a login "
            "shell, which Ansible does not give it",
        )


def _interpreter(reach: ConnectionFacts, say: Say) -> tuple[str, str]:
    """The Python that Ansible takes, and in words how it comes to it where the inventory does not name it."""
    if reach.python and not reach.python.startswith("auto"):
        return reach.python, ""
    looked_for = "; ".join(f"command -v {shlex.quote(name)}" for name in reach.pythons)
    lines = say(f"/bin/sh -c {shlex.quote(looked_for)}").splitlines()
    found = [line.strip() for line in lines if line.startswith("/")]
    return (found[0], ", which Ansible finds first,") if found else (_LAST, ", as Ansible finds no other,")


def _cause(said: str) -> str:
    """A program that is no Python, like a shim, says the cause first; Python itself says it last."""
    lines = [line for line in said.splitlines() if line.strip()]
    return last(said if lines[:1] == ["Traceback (most recent call last):"] else "".join(lines[:1]))


def becoming(reach: ConnectionFacts, user: str) -> str:
    """What stands before a command of whoever logs in, so that it is done as `user`, as Ansible would write it.

    Raises:
        NotCheckedError: that takes more than sudo without a password.
    """
    method = reach.become_method.rpartition(".")[2]
    if method != "sudo" or reach.become_password:
        how = f"by {method}" if method != "sudo" else "with a password"
        raise NotCheckedError(f"it becomes {user} {how}")
    flags = "-H -S -n" if reach.become_flags is None else reach.become_flags
    return f"{reach.become_exe or 'sudo'} {flags} -u {user} "


def check_here(
    hosts: Iterable[ConnectionFacts], *, become: Mapping[str, Collection[str]], environ: Mapping[str, str]
) -> list[HostCheck]:
    """What there is to know of each of `hosts`, which are this machine; `become` has whom the runbook becomes there.

    One that is not in it is left out: no machine does anything there. Ansible works in the environment `environ`.
    What is the same of several hosts is asked once.
    """
    say = cache(partial(_say, environ))
    return [_look(reach, become[reach.host], say) for reach in hosts if reach.host in become]


def _look(reach: ConnectionFacts, users: Collection[str], say: Say) -> HostCheck:
    if "python" in reach.strange:
        return HostCheck(reach.host, left="its ansible_python_interpreter cannot be read here")
    mine, passed = _login(), []
    try:
        for user in sorted(users) or [mine]:
            try_python(reach, say, user, becoming(reach, user) if user != mine else "")
            passed.append(f"python for {user}")
    except NotCheckedError as error:
        return HostCheck(reach.host, tuple(passed), left=str(error))
    except UnfitError as error:
        problem = f"{reach.host} (this machine): {error.message}"
        return HostCheck(reach.host, tuple(passed), problem=problem, hint=error.hint)
    return HostCheck(reach.host, tuple(passed))


def _login() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return f"user {os.geteuid()}"


def _say(environ: Mapping[str, str], command: str) -> str:
    try:
        return subprocess.run(
            ["/bin/sh", "-c", command],
            env=dict(environ),
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_PATIENCE,
            check=False,
        ).stdout.decode(errors="replace")
    except subprocess.TimeoutExpired:
        return f"no answer within {_PATIENCE:g} s"
