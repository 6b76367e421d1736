"""This machine's own system, begun anew by systemd in a root directory of its own: what it changes is in memory only."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from harness import PATIENCE
from runner.core.duration import comes_true
from runner.lab.machines import control_groups

_START = """\
mount -t tmpfs test /run
mount -t tmpfs -o size=3g test "$1/memory" && mkdir "$1/memory/changes" "$1/memory/work"
mount -t overlay -o "lowerdir=/,upperdir=$1/memory/changes,workdir=$1/memory/work" test "$1/root"
cp "$2"/passwd "$2"/group "$2"/subuid "$2"/subgid "$1/root/etc/"
echo "$5:*:20000::::::" >>"$1/root/etc/shadow"
for each in $3; do chmod o+x "$1/root$each"; done
exec systemd-nspawn --quiet --boot --directory="$1/root" --machine="$4" --register=no --keep-unit --private-network \\
  --link-journal=no --console=pipe --capability=all -- --unit=basic.target
"""
# systemd-nspawn hides parts of /proc and /sys, so that the kernel lets no user have ones of their own, as they can on a
# machine that is none of its containers.
_OPEN = """\
umount /proc/kmsg /proc/sys/kernel/random/boot_id && mkdir -p /opt/sys && mount -t sysfs sysfs /opt/sys
systemctl start "user@$1.service"
"""


class DebianMachine:
    """While it is entered, `user` has services of systemd there, as after a login."""

    def __init__(self, user):
        self.user, self.unit = user, f"debian-{os.getpid()}"

    def __enter__(self):
        self._place = Path(tempfile.mkdtemp(prefix="debian-", dir="/var/tmp"))
        for name in ("memory", "root"):
            (self._place / name).mkdir()
        control_groups.create(self.unit)
        words = ["unshare", "--mount", "sh", "-ec", _START, "sh", self._place, self.user.etc]
        words += [" ".join(map(str, Path(sys.base_prefix).parents)), self.unit, self.user.login]
        environment = {**os.environ, "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1", "SYSTEMD_NSPAWN_API_VFS_WRITABLE": "1"}
        with (self._place / "log").open("wb") as log:
            self._process = subprocess.Popen(
                control_groups.inside(self.unit, list(map(str, words))),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
            )
        up = ["systemctl", "is-active", "--quiet", "basic.target"]
        comes_true(
            lambda: self._process.poll() is not None or self.run(*up).returncode == 0, within=PATIENCE, every=0.1
        )
        opened = self.run("sh", "-ec", _OPEN, "sh", str(self.user.uid))
        if opened.returncode != 0:
            words = (self._place / "log").read_text()[-300:] + opened.stderr[-300:]
            self.__exit__()
            pytest.skip(f"no systemd can be started with this machine's system: {words}")
        return self

    def __exit__(self, *_):
        control_groups.remove(self.unit)
        self._process.wait()
        shutil.rmtree(self._place)

    def run(self, *words):
        """What a command of root prints there, and how it ends."""
        found = control_groups.processes(f"{self.unit}/payload/init.scope")
        target = [f"--target={found[0]}"] if found else ["--target=0"]
        kinds = ("--mount", "--pid", "--net", "--ipc", "--uts", "--cgroup")
        return subprocess.run(["nsenter", *target, *kinds, *words], capture_output=True, text=True, check=False)

    def run_as_user(self, *words):
        """The same for a command of the user, in a control group that is root's."""
        uid = self.user.uid
        unit = ["systemd-run", "--quiet", "--pipe", "--wait", f"--uid={uid}", f"--gid={uid}"]
        unit += [f"--setenv={name}={value}" for name, value in self.user.environment.items()]
        return self.run(*unit, f"--working-directory={self.user.home}", *map(str, words))
