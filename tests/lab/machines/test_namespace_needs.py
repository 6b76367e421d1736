"""What a lab without root needs and does not find is named, with what to do about it; the kernel's refusals are real."""

import sys

import pytest
from harness.ordinary_user import FIRST, LOGIN

from runner.lab.machines.namespace_needs import OTHERWISE, STEPS, script

pytestmark = pytest.mark.live

UP = (sys.executable, "-m", "runner", "lab", "up")
RANGES = f"sudo usermod --add-sub{{}}ids 200000-265535 {LOGIN} (any range that nobody else has)"


def refusal(done):
    """The error and the hint of a command that was refused, without the words before."""
    error, hint = done.stderr.splitlines()
    assert (done.returncode, done.stdout) == (2, "")
    return error.removeprefix("error: the lab cannot run "), hint.removeprefix("hint: ")


def test_who_has_no_ids_for_the_users_of_a_machine_is_told_which_command_gives_them(ordinary_user):
    few = f"echo {LOGIN}:{FIRST}:1000 >/tmp/subuid; mount --bind /tmp/subuid /etc/subuid; : >/tmp/subgid; "
    done = ordinary_user.run(*UP, before=f"mount -t tmpfs test /tmp; {few} mount --bind /tmp/subgid /etc/subgid")

    assert refusal(done) == (
        f"on this machine: /etc/subuid gives {LOGIN} 1000 of 65535 ids; /etc/subgid gives {LOGIN} 0 of 65535 ids",
        f"{RANGES.format('u')}; {RANGES.format('g')}; {OTHERWISE}",
    )


def test_who_has_no_control_group_is_told_how_root_gives_one(ordinary_user):
    error, hint = refusal(ordinary_user.run(*UP, groups=False))

    assert error.startswith("on this machine: the control group /")
    assert error.endswith(" is not this user's, and no systemd gives them one")
    assert f"chown -R {LOGIN} " in hint


def test_programs_that_only_this_needs_are_named_with_their_package(ordinary_user):
    done = ordinary_user.run(*UP, before="mount --bind /dev/null $(command -v newuidmap)")

    assert refusal(done) == ("on this machine: not installed: newuidmap", f"apt-get install uidmap; {OTHERWISE}")


def test_a_kernel_that_gives_no_namespace_is_named_with_its_own_words(ordinary_user):
    # Given: whoever has another root directory than the first may have none: clone(2).
    other = "mkdir -p /mnt/root; mount --rbind / /mnt/root; inside=/mnt/root"

    # When
    error, hint = refusal(ordinary_user.run(*UP, before=f"mount -t tmpfs test /mnt; {other}"))

    # Then
    assert error == "without root, as a user namespace is refused: unshare: unshare failed: Operation not permitted"
    assert hint == f"{STEPS[0].hint}; {OTHERWISE}"


def test_each_step_that_is_refused_ends_the_script_with_its_number(ordinary_user):
    # Given: without a namespace of a network, /sys of one's own is refused, the third step.
    words = ["unshare", "--user", "--map-root-user", "--map-auto", "--mount", "sh", "-c", script()]

    # When
    done = ordinary_user.run(*words)

    # Then
    assert (done.returncode, done.stdout) == (1, "refused: 2\n")
    assert "permission denied" in done.stderr
    assert [step.name for step in STEPS[2:3]] == ["a network of its own in /sys"]
