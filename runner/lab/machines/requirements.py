"""What a lab of machines needs of this one: root, programs and features of the kernel, named where they are absent."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

from runner.core.errors import InvalidInputError
from runner.lab.machines.control_groups import hierarchies

PROGRAMS: Mapping[str, str] = MappingProxyType(
    {
        "systemd-nspawn": "systemd-container",
        "ip": "iproute2",
        "mount": "mount",
        "umount": "mount",
        "setsid": "util-linux",
        "ssh": "openssh-client",
        "ssh-keygen": "openssh-client",
    }
)
"""The programs that every lab needs, and the package of Debian that has each."""

BUILDERS: Mapping[str, str] = MappingProxyType(
    {"mmdebstrap": "mmdebstrap", "apt-get": "apt", "apt-config": "apt", "unshare": "util-linux"}
)
"""The programs that only the making of the image needs besides."""

_FEATURES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "overlay": ("file system overlay", "modprobe overlay (CONFIG_OVERLAY_FS)"),
        "cgroup2": ("control groups of version 2", "a kernel with CONFIG_CGROUPS"),
    }
)


def require(programs: Mapping[str, str], *, file_systems: Path = Path("/proc/filesystems")) -> None:
    """Return where a lab can be run with `programs`.

    Raises:
        InvalidInputError: it cannot; the error names everything that is absent, and what to install.
    """
    absent = [*_absent_rights(), *_absent_programs(programs), *_absent_features(file_systems)]
    if absent:
        needs = "; ".join(what for what, _ in absent)
        hints = dict.fromkeys(hint for _, hint in absent)
        raise InvalidInputError(f"the lab cannot run on this machine: {needs}", hint="; ".join(hints))


def _absent_rights() -> Iterator[tuple[str, str]]:
    if os.geteuid() != 0:
        yield "it is not root who asks for it", "use sudo, or the demo, which needs no root: runbook demo --ssh"


def _absent_programs(programs: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])
    missing = {name: package for name, package in programs.items() if shutil.which(name, path=path) is None}
    if missing:
        packages = " ".join(dict.fromkeys(missing.values()))
        yield f"not installed: {', '.join(missing)}", f"apt-get install {packages}"


def _absent_features(file_systems: Path) -> Iterator[tuple[str, str]]:
    words = file_systems.read_text(encoding="ascii").split()
    for name, (what, remedy) in _FEATURES.items():
        if name not in words:
            yield f"this kernel has no {what}", remedy
    if not hierarchies():
        yield "control groups of version 2 are mounted nowhere", "mount -t cgroup2 none /sys/fs/cgroup"
