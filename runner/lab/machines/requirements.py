"""What a lab of machines needs of this one: root, programs and features of the kernel, named where they are absent."""

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from runner.core.errors import InvalidInputError
from runner.core.wording import listed
from runner.lab.machines.control_groups import hierarchies
from runner.lab.machines.namespace_needs import OTHERWISE, absent_group, absent_ids

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

_ROOTLESS: Mapping[str, str] = MappingProxyType(
    {"newuidmap": "uidmap", "unshare": "util-linux", "nsenter": "util-linux", "sh": "dash", "env": "coreutils"}
)

"""The programs that anybody but root needs besides."""

_FEATURES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "overlay": ("file system overlay", "modprobe overlay (CONFIG_OVERLAY_FS)"),
        "cgroup2": ("control groups of version 2", "a kernel with CONFIG_CGROUPS"),
    }
)


_IDS = 65536
"""How many ids of users a machine has: the last one is nobody."""


def require(
    programs: Mapping[str, str],
    *,
    file_systems: Path = Path("/proc/filesystems"),
    ids: Path = Path("/proc/self/uid_map"),
    written: Sequence[Path] | None = None,
) -> None:
    """Return where a lab can be run with `programs`, and all of `written` may be written to by root.

    For anybody else it is where they can have a user namespace in which they are root, as far as that can be known.

    Raises:
        InvalidInputError: it cannot; the error names everything that is absent, and what to install.
    """
    places = [Path("/run"), *hierarchies()] if written is None else written
    rootless = os.geteuid() != 0
    rights = (*absent_ids(), *absent_group()) if rootless else _absent_rights(ids, places)
    absent = [*rights, *_absent_programs({**programs, **_ROOTLESS} if rootless else programs)]
    absent += _absent_features(file_systems)
    if absent:
        needs = "; ".join(what for what, _ in absent)
        hints = dict.fromkeys([*(hint for _, hint in absent), *([OTHERWISE] if rootless else ())])
        raise InvalidInputError(f"the lab cannot run on this machine: {needs}", hint="; ".join(hints))


def _absent_rights(ids: Path, places: Sequence[Path]) -> Iterator[tuple[str, str]]:
    # Root of a user namespace only may lack both: https://man7.org/linux/man-pages/man7/user_namespaces.7.html
    known = sum(int(line.split()[2]) for line in ids.read_text(encoding="ascii").splitlines())
    if known < _IDS:
        yield f"this user namespace has {known} of the {_IDS} users of a machine", OTHERWISE
    if closed := [str(path) for path in places if not os.access(path, os.W_OK)]:
        yield f"nothing can be made in {listed(closed)}: read-only, or of another user namespace", OTHERWISE


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
