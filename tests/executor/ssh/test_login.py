"""A host lets us in with what OpenSSH would offer, and what only Ansible could offer is left to it."""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import suppress

import paramiko
import pytest

from runner.executor.host_check import NotCheckedError, UnfitError
from runner.executor.inventory.connection_facts import ConnectionFacts
from runner.executor.ssh import login
from runner.executor.ssh.ssh_settings import Settings


@pytest.fixture
def agent(tmp_path):
    """An agent of the test's own: `agent(key)` has it hold a key, and gives the environment that leads to it."""
    socket = tmp_path / "agent"
    process = subprocess.Popen(["ssh-agent", "-D", "-a", str(socket)], stdout=subprocess.DEVNULL)
    environ = {**os.environ, "SSH_AUTH_SOCK": str(socket)}

    def hold(key):
        for _ in range(200):
            with suppress(subprocess.CalledProcessError):
                subprocess.run(["ssh-add", "-q", str(key)], env=environ, check=True, stderr=subprocess.DEVNULL)
                return {"SSH_AUTH_SOCK": str(socket)}
        raise AssertionError("the agent takes no key")

    yield hold
    process.terminate()
    process.wait()


@pytest.fixture
def key(lab, tmp_path):
    """A copy of the key that the hosts let in."""
    for suffix in ("", ".pub"):
        shutil.copy(f"{lab.facts().private_key_file}{suffix}", tmp_path / f"key{suffix}")
    (tmp_path / "key").chmod(0o600)
    return tmp_path / "key"


def test_the_agent_s_key_lets_in_where_no_file_has_one(lab, agent, key):
    options = f"{lab.options('IdentityFile=/nonexistent')} -o IdentitiesOnly=no".replace(" -o IdentitiesOnly=yes", "")
    given = {"private_key_file": "/nonexistent", "ssh_common_args": options}

    assert lab.look(**given).problem
    assert lab.look(environ=agent(key), **given).passed[2:] == ("login", "shell", f"python for {lab.facts().user}")


def test_with_identities_only_the_agent_offers_no_more_than_the_files_name(lab, agent, key):
    environ = agent(key)
    key.unlink()

    assert lab.look(environ=environ, private_key_file="/nonexistent").outcome == "unreachable"
    # The public half is enough to name a key that the agent holds
    assert lab.look(environ=environ, private_key_file=str(key)).outcome == "passed"


def test_an_agent_that_is_switched_off_or_gone_offers_nothing(lab, agent, key, tmp_path):
    environ = agent(key)
    off = lab.options("IdentityAgent=none")

    assert lab.look(environ=environ, private_key_file="/nonexistent", ssh_common_args=off).outcome == "unreachable"
    gone = {"SSH_AUTH_SOCK": str(tmp_path / "gone")}
    assert lab.look(environ=gone, private_key_file="/nonexistent").outcome == "unreachable"


def test_a_key_with_a_passphrase_is_of_no_use_unless_the_agent_holds_it(lab, agent, key):
    environ = agent(key)
    subprocess.run(["ssh-keygen", "-q", "-p", "-f", str(key), "-P", "", "-N", "long enough"], check=True)
    found = lab.look(private_key_file=str(key))

    assert f"offered no key; {key} needs a passphrase, and no agent holds it (ssh-add)" in found.problem
    assert lab.look(environ=environ, private_key_file=str(key)).outcome == "passed"


def test_a_key_that_others_may_read_is_ignored_by_ssh_and_so_here(lab, key):
    key.chmod(0o644)

    assert f"{key} can be read by others, so ssh ignores it (chmod 600)" in lab.look(private_key_file=str(key)).problem


def test_what_is_no_key_that_is_known_here_is_left_to_ssh(lab, key):
    key.write_text("-----BEGIN OPENSSH PRIVATE KEY-----\nnonsense\n-----END OPENSSH PRIVATE KEY-----\n")
    key.with_name("key.pub").unlink()
    found = lab.look(private_key_file=str(key))

    assert (found.outcome, found.left.startswith(f"not tried: {key}: ")) == ("not checked", True)


@pytest.mark.parametrize("option", ["PKCS11Provider=/no/lib.so", "CertificateFile=/no/cert.pub"])
def test_tokens_and_certificates_elsewhere_are_left_to_ssh(lab, option):
    found = lab.look(private_key_file="/nonexistent", ssh_common_args=lab.options(option))

    assert (found.outcome, found.left.startswith("not tried: ")) == ("not checked", True)


class Server:
    """A transport to a host that takes `takes`, and answers each key as `answers` says."""

    def __init__(self, takes, *answers):
        self.takes, self.answers, self.active = takes, list(answers), True

    def auth_none(self, user):
        if self.takes is None:
            return
        raise paramiko.BadAuthenticationType("no", self.takes)

    def auth_publickey(self, user, key):
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def is_active(self):
        return self.active


def settings(key=None, *, password=False, **options):
    given = {"user": ("deploy",), **({"identityfile": (str(key),)} if key else {})}
    return Settings(
        ConnectionFacts("db1", password=password), given | {name: (value,) for name, value in options.items()}
    )


def test_a_host_that_wants_nothing_lets_in():
    login.log_in(Server(None), settings(), {})


def test_a_password_is_never_tried_here():
    with pytest.raises(NotCheckedError, match="it logs in with a password"):
        login.log_in(Server(["publickey", "password"]), settings(password=True), {})


@pytest.mark.parametrize(
    ("takes", "option"), [("gssapi-with-mic", "gssapiauthentication"), ("hostbased", "hostbasedauthentication")]
)
def test_other_ways_in_are_left_to_ssh_where_they_are_switched_on(takes, option):
    with pytest.raises(NotCheckedError, match=f"it may log in by {takes}"):
        login.log_in(Server(["publickey", takes]), settings(**{option: "yes"}), {})
    with pytest.raises(UnfitError, match=f"offered no key; it takes publickey, {takes}"):
        login.log_in(Server(["publickey", takes]), settings(**{option: "no"}), {})


def test_a_second_factor_is_left_to_ansible(key):
    with pytest.raises(NotCheckedError, match="after a key it asks for keyboard-interactive"):
        login.log_in(Server(["publickey"], ["keyboard-interactive"]), settings(key), {})


@pytest.mark.parametrize("answer", [EOFError(), paramiko.SSHException("gone")])
def test_a_host_that_hangs_up_is_not_judged(key, answer):
    with pytest.raises(NotCheckedError, match="it hung up while"):
        login.log_in(Server(["publickey"], answer), settings(key), {})


def test_a_host_that_takes_no_more_keys_is_not_judged(key):
    server = Server(["publickey"], paramiko.AuthenticationException("no"))
    server.active = False

    with pytest.raises(NotCheckedError, match="it hung up after 1 keys"):
        login.log_in(server, settings(key), {})
