"""The image that all machines begin with: a small Debian, made once, and what the stack adds on each host."""

from __future__ import annotations

import hashlib
import os
import platform
import secrets
import shutil
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fcntl import LOCK_EX, LOCK_NB
from pathlib import Path

from runner.core.errors import InvalidInputError
from runner.lab.directory_locks import lock
from runner.lab.drills.plain_ansible import PlainAnsible
from runner.lab.lab_processes import LabCommand, run
from runner.lab.machines.lab_commands import call
from runner.lab.machines.topology import SITE, USER

STACK = Path(__file__).with_name("stack")
"""What is put on the machines, beside the web shop's program: the recipe of the image."""

PROGRAMS = Path(__file__).parents[1] / "programs"
"""The web shop, its nightly report and its monitoring: the same as the demo's."""

PROVISIONED = "provisioned"
"""The snapshot that comes with an image: every machine as the stack's playbook has left it."""

_PACKAGES = (
    *("systemd", "systemd-sysv", "dbus", "openssh-server", "sudo", "cron", "logrotate", "procps", "psmisc"),
    *("iproute2", "iputils-ping", "nftables", "netbase", "ca-certificates", "openssl", "curl", "jq", "rsync"),
    *("python3", "python3-apt", "python3-psycopg", "python3-psycopg2"),
    *("postgresql", "postgresql-client", "pgbouncer", "nginx-light"),
)
_LEFT_OUT = ("man", "doc", "locale", "info", "lintian")
_BUILDING = "building-"
_KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
_APT = ("Acquire::http", "Acquire::https", "Acquire::Check-Valid-Until", "Acquire::Check-Date")
_PROXIES = ("http_proxy", "https_proxy", "no_proxy")
_ROLES = ("app", "runbook", "monitor", "replicator", "migrator")


@dataclass(frozen=True, slots=True)
class Image:
    """An image in the directory `path`."""

    path: Path

    @property
    def root(self) -> Path:
        """The files of the system."""
        return self.path / "root"

    @property
    def provisioned(self) -> Path:
        """What the stack's playbook has written on each machine: a directory for each."""
        return self.path / PROVISIONED

    def is_provisioned(self) -> bool:
        """Whether the stack is there too."""
        return self.provisioned.is_dir()


def recipe() -> str:
    """What tells images apart: another system, another list of packages or another stack is another image."""
    digest = hashlib.sha256(f"{_suite()} {platform.machine()} {_PACKAGES} {_LEFT_OUT}".encode())
    for path in sorted([*(path for path in STACK.rglob("*") if path.is_file()), *PROGRAMS.glob("*.py")]):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def current_image(cache: Path) -> Image:
    """The image by the recipe of today, in `cache`.

    Raises:
        InvalidInputError: it has not been made yet, or the recipe has changed since.
    """
    image = Image(cache / recipe())
    if not image.is_provisioned():
        raise InvalidInputError(f"the lab's image is not in {cache} yet", hint="make it with runbook lab build")
    return image


@contextmanager
def new_image(cache: Path) -> Iterator[Image]:
    """An image to be made, which takes its place in `cache` after the block; if that fails, nothing is left of it.

    What a making that was killed has left there is removed first.
    """
    cache.mkdir(mode=0o700, parents=True, exist_ok=True)
    for remains in cache.glob(f"{_BUILDING}*"):
        with suppress(OSError), _locked(remains):
            shutil.rmtree(remains)
    directory = Path(tempfile.mkdtemp(prefix=_BUILDING, dir=cache))
    directory.chmod(0o755)
    try:
        with _locked(directory):
            yield Image(directory)
            shutil.rmtree(cache / recipe(), ignore_errors=True)
            directory.replace(cache / recipe())
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def remove_others(cache: Path, *, used: Collection[Path]) -> None:
    """Remove the images of other recipes that are not `used`."""
    for path in cache.glob("?" * len(recipe())):
        if path.is_dir() and path.name != recipe() and path not in used:
            shutil.rmtree(path, ignore_errors=True)


def make_system(image: Image, log: Path) -> None:
    """Install the system from the Debian archive that apt uses on this machine.

    Raises:
        InvalidInputError: apt has no such archive.
        ExecutionError: it cannot be installed; `log` has what mmdebstrap says.
    """
    argv = ["mmdebstrap", "--mode=root", "--variant=minbase", f"--include={','.join(_PACKAGES)}"]
    argv += [f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in _LEFT_OUT]
    argv += [f"--aptopt={line}" for line in _apt_options()]
    argv += [f"--essential-hook=sh '{STACK}/essential.sh' \"$1\"", f"--customize-hook=sh '{STACK}/customize.sh' \"$1\""]
    argv += [_suite(), str(image.root), *_sources()]
    # In a process namespace of its own, which goes with its first process: a killed command leaves no dpkg behind.
    alone = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "--", *argv]
    environment = {name: os.environ[name] for name in _PROXIES if name in os.environ}
    run(LabCommand("mmdebstrap", alone, log, environment=environment))


def install_stack(inventory: Path, *, log: Path, directory: Path) -> None:
    """Install the stack on the machines of `inventory`, with new passwords; what it needs besides is in `directory`.

    Raises:
        ExecutionError: a task failed; the error has the last words of Ansible, and `log` all of them.
    """
    variables = {
        "ansible_user": USER,
        "ansible_python_interpreter": "/usr/bin/python3",
        "programs": [str(path) for path in sorted(PROGRAMS.glob("*.py"))],
        "site": SITE,
        "passwords": {role: secrets.token_hex(16) for role in _ROLES},
    }
    PlainAnsible([inventory], directory).play("the stack", STACK / "provision.yml", variables, log=log)


def _suite() -> str:
    """The release of Debian that this machine has, and so its machines."""
    return platform.freedesktop_os_release().get("VERSION_CODENAME", "")


def _sources() -> list[str]:
    """The lines of sources.list(5) for Debian's archive and its updates, as apt has them configured here."""
    wanted = ("Created-By: Packages", "Origin: Debian", "Component: main")
    output = call("apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE)", *wanted)
    if not output:
        raise InvalidInputError(
            "apt has no archive of Debian on this machine, and the lab's image is made from one",
            hint="run apt-get update; on another distribution the image cannot be made",
        )
    return [f"deb [signed-by={_KEYRING}] {line} main" for line in dict.fromkeys(output.splitlines())]


def _apt_options() -> list[str]:
    """How apt reaches the archive on this machine: its proxies, and how old a list may be."""
    output = call("apt-config", "dump", "--format", '%f "%v";%n', *_APT)
    return [line for line in output.splitlines() if '""' not in line]


@contextmanager
def _locked(directory: Path) -> Iterator[None]:
    descriptor = lock(directory, LOCK_EX | LOCK_NB)
    try:
        yield
    finally:
        os.close(descriptor)
