"""A real systemd in a container with a root directory of its own: nothing of it reaches this machine."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from harness import PATIENCE

_ONCE = "[Unit]\nDefaultDependencies=no\n[Service]\nType=oneshot\nExecStart={}\nRemainAfterExit=yes\n"
UNITS = {
    "up": _ONCE.format("/bin/true") + "[Install]\nWantedBy=test.target\n",
    "down": _ONCE.format("/bin/true") + "[Install]\nWantedBy=test.target\n",
    "broken": _ONCE.format("/bin/false"),
    "starting": _ONCE.format("/bin/sleep 1000"),
    "masked": None,
}
"""Services: each comes to be in the state that it is called after."""

_LINKS = ("bin", "sbin", "lib", "lib64")
_TARGET = "[Unit]\nDefaultDependencies=no\nWants=up.service broken.service starting.service\nAfter=up.service broken.service\n"


class SystemdLab:
    """While it is entered, `run` starts a program where that systemd is process 1."""

    def __init__(self, directory):
        self.root, self.name, self._process = directory / "root", f"lab{os.getpid()}", None

    def __enter__(self):
        if not shutil.which("systemd-nspawn") or os.getuid():
            pytest.skip("a systemd needs systemd-nspawn (Debian: systemd-container), and root")
        self._make_root()
        words = [*("systemd-nspawn", "--quiet", "--register=no", "--keep-unit", f"--machine={self.name}")]
        words += [f"--directory={self.root}", "--bind-ro=/usr", "/lib/systemd/systemd", "--unit=test.target"]
        with (self.root.parent / "log").open("wb") as log:
            self._process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + PATIENCE
        while not (self._pid() and self.run("systemctl", "is-failed", "broken.service")[0] == 0):
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.__exit__()
                pytest.skip(f"no systemd can be started here: {(self.root.parent / 'log').read_text()[-300:]}")
            time.sleep(0.1)
        return self

    def __exit__(self, *_):
        if pid := self._pid():
            os.kill(pid, 9)  # process 1 of the container, with which all of it ends
        self._process.terminate()
        self._process.wait(timeout=PATIENCE)

    def run(self, *words):
        """The exit code of a program in the container, and what it prints."""
        done = subprocess.run(
            ["nsenter", f"--target={self._pid()}", "--mount", "--pid", "--ipc", *words],
            *(),
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )
        return done.returncode, done.stdout

    def _pid(self):
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        named = [pid for pid in children if Path(f"/proc/{pid}/comm").read_text() == "systemd\n"]
        return int(named[0]) if named else None

    def _make_root(self):
        """A root directory that has the programs of this machine, and units of its own."""
        units = self.root / "etc" / "systemd" / "system"
        (units / "test.target.wants").mkdir(parents=True)
        for name in ("usr", "var", "run", "tmp", "proc", "sys", "dev", "root"):
            (self.root / name).mkdir()
        for name in _LINKS:
            (self.root / name).symlink_to(f"usr/{name}")
        (self.root / "etc" / "os-release").write_text("ID=test\n")
        (self.root / "etc" / "machine-id").write_text("0" * 31 + "1\n")
        (units / "test.target").write_text(_TARGET)
        for name, text in UNITS.items():
            path = units / f"{name}.service"
            path.symlink_to("/dev/null") if text is None else path.write_text(text)
        (units / "test.target.wants" / "up.service").symlink_to("../up.service")
