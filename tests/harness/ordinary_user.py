"""A user who is not root, whom only the commands that are run as them know: this machine's files of users stay."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from runner.core.duration import comes_true
from runner.lab.machines import control_groups
from runner.lab.machines.image import PROVISIONED, Image

LOGIN, UID, FIRST = "rbtester", 64321, 400_000_000
_FILES = {
    "passwd": "{login}:x:{uid}:{uid}::{home}:/bin/sh",
    "group": "{login}:x:{uid}:",
    "subuid": "{login}:{first}:65536",
    "subgid": "{login}:{first}:65536",
}
_OPAQUE = """\
import os, sys
for path in sys.stdin.read().split("\\0"):
    if path: os.setxattr(path, "user.overlay.opaque", b"y")
"""


class OrdinaryUser:
    """Somebody with a home, a range of ids and a control group of their own, all of which go with the block."""

    login, uid = LOGIN, UID

    def __enter__(self):
        if os.geteuid() != 0 or not control_groups.hierarchies() or not shutil.which("newuidmap"):
            pytest.skip("an ordinary user needs root, control groups of version 2 and newuidmap (Debian: uidmap)")
        self.home = Path(tempfile.mkdtemp(prefix="ordinary-", dir="/var/tmp"))
        self.group = control_groups.hierarchies()[0] / f"ordinary-{os.getpid()}"
        self.group.mkdir()
        for path in (self.home, self.group, *(self.group / f"cgroup.{name}" for name in ("procs", "subtree_control"))):
            os.chown(path, UID, UID)
        self.etc = self.home.with_name(f"{self.home.name}.etc")
        self.etc.mkdir(mode=0o755)
        for name, line in _FILES.items():
            own = line.format(login=LOGIN, uid=UID, first=FIRST, home=self.home)
            (self.etc / name).write_text(f"{(Path('/etc') / name).read_text()}{own}\n")
        done = self.run(sys.executable, "-c", "import runner")
        if done.returncode != 0:
            self.__exit__()
            pytest.skip(f"an ordinary user cannot read this Python, or the package: {done.stderr[-300:]}")
        return self

    def __exit__(self, *_):
        control_groups.remove(self.group.name)
        for path in (self.home, self.etc):
            shutil.rmtree(path)

    def run(self, *words, groups=True, before="", check=False):
        """What a command prints and how it ends; `before` is done as root, for it alone; without `groups` it has none."""
        script = f"{self._known_to_it()}\n{before}\n"
        script += f"echo $$ >{self.group}/cgroup.procs\n" if groups else ""
        script += f'cd {self.home}; exec ${{inside:+/usr/sbin/chroot $inside}} setpriv --reuid={UID} --regid={UID} --clear-groups "$@"'
        return subprocess.run(
            ["unshare", "--mount", "sh", "-ec", script, "sh", *map(str, words)],
            capture_output=True,
            text=True,
            env=self.environment,
            check=check,
        )

    @property
    def environment(self):
        """What the user's commands are given."""
        path = f"{Path(sys.executable).parent}:/usr/bin:/bin"
        return {"HOME": str(self.home), "PATH": path, "LANG": "C.UTF-8"}

    def processes(self):
        """Everything that the user runs."""
        return [pid for path in self.group.rglob("cgroup.procs") for pid in path.read_text().split()]

    def is_alone(self):
        """Whether nothing of the user is left but their files."""
        return comes_true(lambda: not self.processes(), within=10, every=0.01) and not [
            path for path in self.group.iterdir() if path.is_dir()
        ]

    def adopt(self, image: Image):
        """Give the user a copy of root's image, as theirs would be: the same owners and notes of the overlay, inside."""
        target = self.home / ".cache/runbook/lab" / image.path.name
        self.run("mkdir", "-p", target, check=True)
        tar = ["tar", "--create", "--numeric-owner", f"--directory={image.path}", "--exclude=root/dev/*", "."]
        with subprocess.Popen(tar, stdout=subprocess.PIPE) as packed:
            assert packed.stdout is not None
            self._inside(
                ["tar", "--extract", "--numeric-owner", "--same-permissions", f"--directory={target}"], packed.stdout
            )
        found = [
            path for path, _, _ in os.walk(image.path / PROVISIONED) if "trusted.overlay.opaque" in os.listxattr(path)
        ]
        paths = "\0".join(str(target / Path(path).relative_to(image.path)) for path in found)
        with tempfile.TemporaryFile() as file:
            file.write(paths.encode())
            file.seek(0)
            self._inside([sys.executable, "-c", _OPAQUE], file)

    def _inside(self, words, stdin):
        script = f'{self._known_to_it()}\nexec setpriv --reuid={UID} --regid={UID} --clear-groups "$@"'
        namespace = ["unshare", "--user", "--map-root-user", "--map-auto", *words]
        subprocess.run(["unshare", "--mount", "sh", "-ec", script, "sh", *map(str, namespace)], stdin=stdin, check=True)

    def _known_to_it(self):
        """The shell commands, in a mount namespace, after which the user is known and may read this Python."""
        lines = [f"mount --bind {self.etc / name} /etc/{name}" for name in _FILES]
        prefix = Path(sys.base_prefix)
        closed = [path for path in reversed(prefix.parents) if not path.stat().st_mode & 0o001]
        if closed:
            open_, kept = shlex.quote(str(closed[0])), shlex.quote(str(self.etc / "python"))
            lines += [f"mkdir -p {kept} && mount --bind {prefix} {kept}", f"mount -t tmpfs -o mode=755 test {open_}"]
            lines += [f"mkdir -p {prefix} && mount --bind {kept} {prefix}"]
        return "\n".join(lines)
