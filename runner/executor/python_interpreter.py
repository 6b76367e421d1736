"""Whether a runbook can become whom it needs on a host, and whether the Python that Ansible takes runs for them."""

import os
import re
import shlex
import subprocess
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import cache, partial

from runner.core.ownership.trusted_files import login_of
from runner.executor.host_check import HostCheck, NotCheckedError, UnfitError, last_lines
from runner.executor.inventory.connection_facts import ConnectionFacts

RunCommand = Callable[[str], str]
"""What a command for a shell prints on a host, both its outputs."""

_MARK, _BECAME = "runbook-python-ok", "runbook-become-ok"
_OLDEST = "3, 8"
"""The oldest Python for which ansible-core 2.19 has modules."""

_PROGRAM = (
    f"""import json, sys; print({_MARK!r} if sys.version_info >= ({_OLDEST}) else "it is Python " + sys.version)"""
)
_LAST = "/usr/bin/python3"
"""What Ansible takes where it finds none."""

_TIMEOUT = 10.0
"""Seconds for a program of this machine."""


def try_users(facts: ConnectionFacts, run_command: RunCommand, login: str, users: Collection[str]) -> Iterator[str]:
    """What was found good, in words: that `login` becomes each of `users`, and that a Python runs for them.

    Raises:
        NotCheckedError: that cannot be judged here.
        UnfitError: something of it does not work.
    """
    for user in sorted(users) or [login]:
        run_as = run_command
        if user != login:  # Ansible does not become who it is
            run_as = try_becoming(facts, run_command, login, user)
            yield f"become {user}"
        try_python(facts, run_command, user, run_as)
        yield f"python for {user}"


def try_python(facts: ConnectionFacts, run_command: RunCommand, user: str, run_as: RunCommand) -> None:
    """That the Python which Ansible would take on the host of `facts` runs for `user`, as whom `run_as` does a command.

    Raises:
        UnfitError: it does not.
    """
    python, found_by = _interpreter(facts, run_command)
    output = run_as(f"/bin/sh -c {shlex.quote(f'{python} -c {shlex.quote(_PROGRAM)}')}")
    if _MARK not in output:
        raise UnfitError(
            f"{python}{found_by} does not run there for {user}: {_cause(output)}",
            hint=f"install Python 3 there, or name one that runs for {user} as ansible_python_interpreter in "
            f"host_vars/{facts.host}.yml, like /usr/bin/python3; a shim of pyenv needs the environment of a login "
            "shell, which Ansible does not give it",
        )


def _interpreter(facts: ConnectionFacts, run_command: RunCommand) -> tuple[str, str]:
    """The Python that Ansible takes, and in words how it comes to it where the inventory does not name it."""
    if facts.python and not facts.python.startswith("auto"):
        return facts.python, ""
    looked_for = "; ".join(f"command -v {shlex.quote(name)}" for name in facts.pythons)
    lines = run_command(f"/bin/sh -c {shlex.quote(looked_for)}").splitlines()
    pythons = [line.strip() for line in lines if line.startswith("/")]
    return (pythons[0], ", which Ansible finds first,") if pythons else (_LAST, ", as Ansible finds no other,")


def _cause(output: str) -> str:
    """A program that is no Python, like a shim, says the cause first; Python itself says it last."""
    lines = [line for line in output.splitlines() if line.strip()]
    return last_lines(output if lines[:1] == ["Traceback (most recent call last):"] else "".join(lines[:1]))


def try_becoming(facts: ConnectionFacts, run_command: RunCommand, login: str, user: str) -> RunCommand:
    """What does a command as `user`, whom `login` can become: that is tried, as Ansible would do it.

    Raises:
        NotCheckedError: it takes more than sudo or su without a password, or is a template.
        UnfitError: it does not work.
    """
    become = _becoming(facts, user)
    output = run_command(become(f"/bin/sh -c {shlex.quote(f'echo {_BECAME}')}"))
    if _BECAME not in output:
        message = f"{login} cannot become {user}: {last_lines(output)}"
        raise UnfitError(message, hint=_hint(output, facts.become_method.rpartition(".")[2], login, user))
    return lambda command: run_command(become(command))


def _becoming(facts: ConnectionFacts, user: str) -> Callable[[str], str]:
    """What makes of a command for whoever logs in one that is done as `user`, as Ansible would write it."""
    if "{{" in user:
        raise NotCheckedError(f"whom it becomes, {user}, is only known when the step begins")
    method = facts.become_method.rpartition(".")[2]
    if method not in {"sudo", "su"} or facts.become_password:
        how = f"by {method}" if method not in {"sudo", "su"} else "with a password"
        raise NotCheckedError(f"it becomes {user} {how}")
    program, flags, name = facts.become_exe or method, facts.become_flags, shlex.quote(user)
    if method == "su":
        return lambda command: f"{program} {flags or ''} {name} -c {shlex.quote(command)}"
    return lambda command: f"{program} {'-H -S -n' if flags is None else flags} -u {name} {command}"


def _hint(output: str, method: str, login: str, user: str) -> str:
    if re.search(rf"\b{method}\b.*(?:not found|No such file)", output):
        other = ", or set ansible_become_method: su, where root logs in" if method == "sudo" else ""
        return f"install {method} there{other}"
    if re.search(r"unknown user|does not exist", output):
        return f"create {user} there, or name another one as become_user"
    if method == "su":
        return f"let root log in there, as su asks {login} for a password, or become {user} by sudo"
    sudoers = f"{login} ALL=({user}) NOPASSWD: ALL"
    return f"let {login} do so there (sudoers: {sudoers}), or set ansible_become_password in a vault"


def check_here(
    hosts: Iterable[ConnectionFacts], *, become: Mapping[str, Collection[str]], environ: Mapping[str, str]
) -> list[HostCheck]:
    """What there is to know of each of `hosts`, which are this machine; `become` has whom the runbook becomes there.

    One that is not in it is left out: no machine does anything there. Ansible works in the environment `environ`.
    What is the same of several hosts is asked once.
    """
    run_command = cache(partial(_run_command, environ))
    return [_look(facts, become[facts.host], run_command) for facts in hosts if facts.host in become]


def _look(facts: ConnectionFacts, users: Collection[str], run_command: RunCommand) -> HostCheck:
    if "python" in facts.strange:
        return HostCheck(facts.host, left="its ansible_python_interpreter cannot be read here")
    passed: list[str] = []
    try:
        passed.extend(try_users(facts, run_command, login_of(os.geteuid()), users))
    except NotCheckedError as error:
        return HostCheck(facts.host, tuple(passed), left=str(error))
    except UnfitError as error:
        problem = f"{facts.host} (this machine): {error.message}"
        return HostCheck(facts.host, tuple(passed), problem=problem, hint=error.hint)
    return HostCheck(facts.host, tuple(passed))


def _run_command(environ: Mapping[str, str], command: str) -> str:
    try:
        return subprocess.run(
            ["/bin/sh", "-c", command],
            env=dict(environ),
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_TIMEOUT,
            check=False,
        ).stdout.decode(errors="replace")
    except subprocess.TimeoutExpired:
        return f"no answer within {_TIMEOUT:g} s"
