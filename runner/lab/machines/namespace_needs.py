"""What labs without root need of this machine: what must be there before, and each step that the kernel may refuse."""

import os
import pwd
import shlex
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from runner.core.deferred import dataclass
from runner.lab.machines import control_groups

REFUSED = "refused: "
"""What the last line begins with that the script prints where a step fails; the number of the step follows."""

OTHERWISE = "use sudo, or the demo's hosts, which need no root: runbook demo --ssh, runbook drill --backend embedded"
"""What else there is where no lab can be."""

_IDS = 65535
"""How many ids a user needs besides their own, so that a machine has the usual 65536."""

_RANGES = (Path("/etc/subuid"), Path("/etc/subgid"))


@dataclass(frozen=True, slots=True)
class NamespaceStep:
    """Something that the kernel may refuse: its name for people, the shell command that does it, and what allows it."""

    name: str
    command: str
    hint: str


_CONTAINER = "in a container its runtime must allow it"
_ATTRIBUTE = f'{shlex.quote(sys.executable)} -I -S -c \'import os; os.setxattr("/run", "user.runbook", b"")\''

STEPS = (
    # The namespace itself, before any command.
    NamespaceStep(
        "a user namespace",
        "true",
        f"sysctl user.max_user_namespaces=10000 kernel.apparmor_restrict_unprivileged_userns=0; {_CONTAINER}",
    ),
    # What a user has in /run of their own, and how names are resolved, is to be seen as before.
    NamespaceStep(
        "a file system in memory over /run",
        "mount -t tmpfs -o mode=755 run /mnt && for each in user systemd/resolve; do if [ -d /run/$each ]; then "
        "mkdir -p /mnt/$each && mount --rbind /run/$each /mnt/$each; fi; done && mount --no-mtab --move /mnt /run",
        _CONTAINER,
    ),
    NamespaceStep("a network of its own in /sys", "mount -t sysfs sysfs /sys && ip link set lo up", _CONTAINER),
    NamespaceStep(
        "a network bridge",
        "ip link add trial type bridge && ip link delete trial && ip link add trial type veth && ip link delete trial",
        "modprobe bridge veth (CONFIG_BRIDGE, CONFIG_VETH)",
    ),
    NamespaceStep("control groups of version 2", "mount -t cgroup2 cgroup2 /sys/fs/cgroup", _CONTAINER),
    NamespaceStep(
        "a control group below this user's own",
        "mkdir /sys/fs/cgroup/runbook-trial-$$ && rmdir /sys/fs/cgroup/runbook-trial-$$",
        "see systemd's Delegate=yes",
    ),
    NamespaceStep(
        "attributes of files in memory",
        _ATTRIBUTE,
        "a kernel of 6.6 or newer (CONFIG_TMPFS_XATTR)",
    ),
    NamespaceStep(
        "an overlay of file systems",
        "mkdir -p /run/trial/a /run/trial/b /run/trial/c /run/trial/d && mount -t overlay -o "
        "userxattr,lowerdir=/run/trial/a,upperdir=/run/trial/b,workdir=/run/trial/c trial /run/trial/d && "
        "umount /run/trial/d && rm -r /run/trial",
        "a kernel of 5.11 or newer; modprobe overlay (CONFIG_OVERLAY_FS)",
    ),
)
"""What is done in a new namespace, in order."""


def script() -> str:
    """The shell script that does all steps; where one fails, its last line says which, after the step's own words."""
    return "".join(f"{{ {step.command}; }} || {{ echo '{REFUSED}{at}'; exit 1; }}\n" for at, step in enumerate(STEPS))


def absent_ids(ranges: tuple[Path, ...] = _RANGES) -> Iterator[tuple[str, str]]:
    """The files that give this user too few ids of other users, with what to do."""
    for file in ranges:
        if (count := _range(file)) < _IDS:
            login = pwd.getpwuid(os.geteuid()).pw_name
            option = "--add-subuids" if file.name == "subuid" else "--add-subgids"
            yield (
                f"{file} gives {login} {count} of {_IDS} ids",
                f"sudo usermod {option} 200000-265535 {login} (any range that nobody else has)",
            )


def absent_group() -> Iterator[tuple[str, str]]:
    """That this user has no control group and cannot get one, with what to do."""
    if control_groups.hierarchies() and not has_group() and not has_manager():
        parent = control_groups.hierarchies()[0] / "labs"
        login = pwd.getpwuid(os.geteuid()).pw_name
        what = f"the control group {control_groups.own()} is not this user's, and no systemd gives them one"
        given = f"mkdir -p {parent}; chown -R {login} {parent}; echo PID >{parent}/cgroup.procs (PID of their shell)"
        yield what, f"log in where systemd runs services of users; elsewhere let root do: {given}"


def has_group() -> bool:
    """Whether control groups can be made in the one that this process is in, and processes moved to them."""
    own = control_groups.own()
    return os.access(own, os.W_OK) and os.access(own / "cgroup.procs", os.W_OK)


def has_manager() -> bool:
    """Whether systemd runs services of this user, and so has a control group for them."""
    return Path(f"/run/user/{os.geteuid()}/systemd/private").is_socket()


def _range(file: Path) -> int:
    """How many ids the first range of this user in `file` has: subuid(5), subgid(5)."""
    names = (str(os.geteuid()), pwd.getpwuid(os.geteuid()).pw_name)
    with suppress(OSError):
        for line in file.read_text(encoding="utf-8").splitlines():
            who, _, rest = line.partition(":")
            if who in names:
                return int(rest.partition(":")[2])
    return 0
