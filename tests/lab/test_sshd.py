"""What sshd needs of a machine is found, made and taken away, or its absence is explained."""

import os
import pwd
from fcntl import LOCK_SH

import pytest

from runner.core.errors import InvalidInputError
from runner.lab import sshd
from runner.lab.directory_locks import lock
from runner.lab.sshd import Account, Programs, privilege_separation

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root's sshd locks itself up")


@pytest.fixture
def separation(tmp_path, monkeypatch):
    """A machine on which no sshd runs; `directory` is where its sshd would lock itself up."""
    directory = tmp_path / "sshd"
    monkeypatch.setattr(sshd, "_SEPARATION", directory)
    monkeypatch.setattr(sshd, "_MARK", directory / "mark")
    monkeypatch.setattr(sshd, "_sshd_runs", lambda: False)
    return directory


def test_without_openssh_it_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sshd, "_SERVERS", str(tmp_path))
    monkeypatch.setattr(sshd, "_SFTP", str(tmp_path))

    with pytest.raises(InvalidInputError) as caught:
        Programs.find()

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
    with privilege_separation():
        during = separation.stat()

    assert (during.st_uid, during.st_mode & 0o022, separation.exists()) == (0, 0, False)


@as_root
def test_the_machines_own_directory_stays(separation):
    separation.mkdir()

    with privilege_separation():
        pass

    assert list(separation.iterdir()) == []


@as_root
def test_it_stays_for_another_demo_and_goes_with_the_last(separation):
    with privilege_separation():
        other = lock(separation, LOCK_SH)
    between = separation.exists()
    os.close(other)
    with privilege_separation():
        pass

    assert (between, separation.exists()) == (True, False)


@as_root
def test_it_stays_for_an_sshd_that_came_to_use_it(separation, monkeypatch):
    with privilege_separation():
        monkeypatch.setattr(sshd, "_sshd_runs", lambda: True)

    assert separation.exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="only an ordinary user's sshd needs no directory")
def test_an_ordinary_user_needs_none(separation):
    with privilege_separation():
        assert not separation.exists()
