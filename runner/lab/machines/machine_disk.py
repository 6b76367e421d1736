"""The disk of a machine: layers that it shares with others, and what it writes itself, in memory."""

import os
import uuid
from collections.abc import Sequence
from pathlib import Path

from runner.lab.machines import user_namespace
from runner.lab.machines.lab_commands import call
from runner.lab.machines.lab_teardown import mounted, unmount
from runner.lab.machines.ssh_access import Access
from runner.lab.machines.topology import Machine, Topology

_SIZE = "2g"
_SSHD = """\
HostKey /etc/ssh/ssh_host_ed25519_key
UseDNS no
UsePAM no
PasswordAuthentication no
PrintMotd no
MaxStartups 100
MaxSessions 100
"""


def mount(unit: str, disk: Path, layers: Sequence[Path]) -> bool:
    """Mount a new disk at `disk`/root, over `layers`; False where one is mounted already, which stays as it is.

    https://docs.kernel.org/filesystems/overlayfs.html
    """
    root, memory = disk / "root", disk / "memory"
    if str(root) in mounted(unit):
        return False
    unmount(unit)
    for directory in (root, memory):
        directory.mkdir(parents=True, exist_ok=True)
    call("mount", "-t", "tmpfs", "-o", f"size={_SIZE},mode=755", unit, memory)
    work = memory / "work"
    changes(disk).mkdir(mode=0o755)
    work.mkdir()
    options = [f"lowerdir={':'.join(map(str, layers))}", f"upperdir={changes(disk)}", f"workdir={work}"]
    # Only root of the whole machine may write the attributes in which an overlay keeps its notes otherwise.
    options += ["userxattr"] if user_namespace.is_inside() else []
    call("mount", "-t", "overlay", "-o", ",".join(options), unit, root)
    return True


def changes(disk: Path) -> Path:
    """What the machine has written over its layers."""
    return disk / "memory" / "changes"


def furnish(root: Path, machine: Machine, topology: Topology, access: Access) -> None:
    """Give the disk at `root` what is this lab's own: the names in its network, and who may log in."""
    _write(root / "etc/hostname", f"{machine.name}\n")
    _write(root / "etc/hosts", topology.hosts_file())
    _write(root / "etc/machine-id", f"{uuid.uuid4().hex}\n")
    # An empty one: with name servers that nobody reaches, each sudo would wait for them.
    _write(root / "etc/resolv.conf", "")
    _write(root / "etc/ssh/sshd_config.d/lab.conf", _SSHD)
    _write(root / "etc/ssh/ssh_host_ed25519_key", access.host_key(machine).read_text(encoding="ascii"), mode=0o600)
    for home in (root / "root", root / "home/ops"):
        directory, owner = home / ".ssh", home.stat().st_uid
        directory.mkdir(mode=0o700, exist_ok=True)
        os.chown(directory, owner, owner)
        _write(directory / "authorized_keys", access.public_key(), owner=owner)


def _write(path: Path, text: str, *, mode: int = 0o644, owner: int = 0) -> None:
    """Write `path` anew, whatever the layers have there: it may be a symbolic link that leads out of the disk."""
    path.unlink(missing_ok=True)
    path.touch(mode=mode)
    os.chown(path, owner, owner)
    path.write_text(text, encoding="utf-8")
