"""What sshd needs of a machine is found, made and taken away, or its absence is explained."""

import os
import pwd
from fcntl import LOCK_SH

import pytest

from runner.core.errors import InvalidInputError
from runner.lab.directory_locks import lock
from runner.lab.sshd import Account, Programs, privilege_separation

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root's sshd locks itself up")


@pytest.fixture
def separation(tmp_path):
    """Where the sshd of this machine would lock itself up."""
    return tmp_path / "sshd"


def shared(separation, *, used=False):
    """It is there for the block, on a machine on which no sshd runs, or one that has come to use it."""
    return privilege_separation(separation, is_used=lambda: used)


def test_without_openssh_it_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(InvalidInputError) as caught:
        Programs.find(servers=str(tmp_path), sftp=str(tmp_path))

    assert (caught.value.message, caught.value.hint) == (
        "sshd, sftp-server, ssh-keygen is not installed",
        "install openssh-server",
    )


@pytest.mark.parametrize("shell", ["/usr/sbin/nologin", "/bin/false", "/no/such/shell"])
def test_an_account_that_nobody_can_log_in_to_is_refused(monkeypatch, shell):
    entry = pwd.struct_passwd(("deploy", "x", 1000, 1000, "", "/home/deploy", shell))
    monkeypatch.setattr(pwd, "getpwuid", lambda _: entry)

    with pytest.raises(InvalidInputError, match="nobody can log in as deploy"):
        Account.own()


@as_root
def test_the_directory_is_there_for_the_block(separation):
    with shared(separation):
        during = separation.stat()

    assert (during.st_uid, during.st_mode & 0o022, separation.exists()) == (0, 0, False)


@as_root
def test_the_machines_own_directory_stays(separation):
    separation.mkdir()

    with shared(separation):
        pass

    assert list(separation.iterdir()) == []


@as_root
def test_it_stays_for_another_demo_and_goes_with_the_last(separation):
    with shared(separation):
        other = lock(separation, LOCK_SH)
    between = separation.exists()
    os.close(other)
    with shared(separation):
        pass

    assert (between, separation.exists()) == (True, False)


@as_root
def test_it_stays_for_an_sshd_that_came_to_use_it(separation):
    with shared(separation, used=True):
        pass

    assert separation.exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="only an ordinary user's sshd needs no directory")
def test_an_ordinary_user_needs_none(separation):
    with shared(separation):
        assert not separation.exists()
