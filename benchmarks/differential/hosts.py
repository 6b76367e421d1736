"""The hosts of a comparison, of this machine or of real sshd, and the inventory that says all that an inventory can."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from runner.kinds.ansible_yaml import dump
from runner.lab.hosts import ssh_hosts

HOSTS = ("a", "b", "c")
SECRETS = {"token": "t0ken of the comparison & more", "vaulted": "vaulted 'text' of the comparison"}
PASSWORD = "open\n"  # noqa: S105 - it hides nothing
Variables = dict[str, Any]

PYTHON = next((path for path in ("/usr/bin/python3",) if Path(path).exists()), sys.executable)
"""One that everybody may start, whom a step may become as well."""
BECOMES = """#!/bin/sh
user=root
while :; do case $1 in -u) user=$2; shift 2;; -*) shift;; *) break;; esac; done
export HOME="$(getent passwd "$user" | cut -d: -f6)"
exec setpriv --reuid "$user" --regid "$(id -g "$user")" --init-groups -- "$@"
"""
"""Becomes another user, with the words that sudo is given, where this machine has no sudo."""

FLAVOURS: tuple[tuple[float, Variables], ...] = (
    (0.2, {"ansible_python_interpreter": None}),
    (0.1, {"ansible_python_interpreter": "{{ here }}/python"}),
    (0.03, {"ansible_python_interpreter": "/no/such/python"}),
    (0.08, {"ansible_pipelining": False}),
    (0.08, {"ansible_shell_executable": "/bin/bash"}),
    (0.05, {"ansible_ssh_retries": 1}),
    (0.2, {"ansible_become_method": "su", "ansible_become_exe": None, "ansible_become_flags": "-s /bin/sh"}),
    (0.01, {"runbook_engine": "stock"}),
    (0.03, {"ansible_syslog_facility": "LOG_LOCAL7"}),
)
"""How often a host is reached, or is set up, in another way than the others, and in which; None: without it."""


def flavours(random: Random) -> dict[str, Variables]:
    """What is special about each host."""
    return {
        name: {key: value for chance, keys in FLAVOURS if random.random() < chance / 2 for key, value in keys.items()}
        for name in HOSTS
    }


@contextmanager
def hosts_in(directory: Path, *, ssh: bool, python: str = PYTHON) -> Iterator[dict[str, Variables]]:
    """The variables by which three hosts are reached, of real sshd or of this machine; `python` does the modules."""
    here = {"ansible_connection": "local", "ansible_python_interpreter": python}
    if not ssh:
        yield {name: dict(here) for name in HOSTS}
        return
    with ssh_hosts(directory, {name: f"127.0.76.{100 + number}" for number, name in enumerate(HOSTS)}) as up:
        yield {name: {**host.variables(), "ansible_python_interpreter": python} for name, host in up.hosts.items()}


def unreachable(variables: Mapping[str, Any]) -> Variables:
    """The same host at a port where nobody listens."""
    away = {"ansible_connection": "ssh", "ansible_host": variables.get("ansible_host", "127.0.0.1"), "ansible_port": 9}
    return {**variables, **away}


def write_inventory(directory: Path, hosts: Mapping[str, Variables], places: Path, common: Variables) -> None:
    """An inventory of a directory with groups, group_vars, host_vars and an encrypted value, for hosts in `places`."""
    becomes = {"ansible_become_method": "sudo", "ansible_become_exe": "{{ here }}/becomes"}
    own = {
        name: {
            key: value for key, value in {**becomes, **of_host, "here": str(places / name)}.items() if value is not None
        }
        for name, of_host in hosts.items()
    }
    groups = {"pair": {"hosts": {name: own[name] for name in HOSTS[:2]}}, "rest": {"hosts": {"c": own["c"]}}}
    everywhere = {"runbook_environment": "lab", "motto": "of {{ flavour }}", **common}
    files = {
        "hosts.yml": dump({"all": {"vars": {"runbook_environment": "lab"}, "children": groups}}),
        "group_vars/all.yml": dump({**everywhere, "flavour": "plain", "nested": {"parts": ["{{ motto }}", 2]}}),
        "group_vars/pair/vault.yml": encrypted(f"vaulted: {dump_text(SECRETS['vaulted'])}\n"),
        "group_vars/rest.yml": dump({"vaulted": "in clear"}),
        "host_vars/b.yml": dump({"flavour": "special"}),
    }
    for name, text in files.items():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_text(text, encoding="utf-8")


def dump_text(text: str) -> str:
    """The text as YAML has it in one line."""
    return f"'{text.replace(chr(39), chr(39) * 2)}'"


@cache
def encrypted(text: str) -> str:
    """What Ansible's own program makes of `text`."""
    program = Path(sys.executable).with_name("ansible-vault")
    reading, writing = os.pipe()
    os.write(writing, PASSWORD.encode())
    os.close(writing)
    command = [program, "encrypt", "--vault-password-file", f"/dev/fd/{reading}"]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=True, pass_fds=[reading])
    os.close(reading)
    return done.stdout


def furnish(places: Path) -> None:
    """A directory for each host, open to everybody, with a repository of one commit and a Python of another name."""
    identity = {f"GIT_{who}_{what}": "a@b" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    dates = dict.fromkeys(("GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"), "2026-01-01T00:00:00Z")
    environment = {**os.environ, **identity, **dates, "GIT_CONFIG_GLOBAL": "/dev/null"}
    for name in HOSTS:
        repository = places / name / "repository"
        repository.mkdir(parents=True)
        (places / name).chmod(0o777)
        (repository / "file").write_text("text\n", encoding="utf-8")
        for words in (["init", "-q", "-b", "main"], ["add", "file"], ["commit", "-q", "-m", "file"]):
            subprocess.run(["git", *words], cwd=repository, env=environment, check=True)  # noqa: S607 - as users have it
        programs = {"python": f'#!/bin/sh\nexec {PYTHON} "$@"\n', "becomes": BECOMES}
        for program, text in programs.items():
            (places / name / program).write_text(text, encoding="utf-8")
            (places / name / program).chmod(0o755)
