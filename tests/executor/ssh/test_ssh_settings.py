"""OpenSSH itself says what it would do, with the options that Ansible would give it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from runner.executor.inventory.connection_facts import ConnectionFacts
from runner.executor.ssh.ssh_settings import NotCheckedError, Settings, settings_of

pytestmark = pytest.mark.skipif(shutil.which("ssh") is None, reason="ssh is not installed: install openssh-client")


@pytest.fixture
def asked(tmp_path):
    """What OpenSSH says with a file of its own settings, and these variables of the host."""

    def ask(config="", **told):
        (tmp_path / "config").write_text(config)
        own = f"-F {tmp_path / 'config'} {told.pop('ssh_common_args', '')}"
        return settings_of(ConnectionFacts.read("db1", {**told, "ssh_common_args": own}), os.environ)

    return ask


def test_its_own_files_count_where_ansible_says_nothing(asked):
    config = "Host db1\n  HostName 10.1.2.3\n  Port 2222\n  User deploy\n  IdentityFile ~/.ssh/deploy\n"
    found = asked(config)

    assert (found.address, found.port, found.user, found.where) == ("10.1.2.3", 2222, "deploy", "10.1.2.3:2222")
    assert found.options["identityfile"] == ("~/.ssh/deploy",)


def test_what_ansible_says_counts_more(asked):
    config = "Host *\n  Port 2222\n  User deploy\n  StrictHostKeyChecking yes\n"
    found = asked(config, address="10.9.9.9", port=2200, user="root", host_key_checking=False, private_key_file="~/k y")

    assert (found.where, found.user) == ("10.9.9.9:2200", "root")
    assert found.first("stricthostkeychecking") in {"no", "false"}
    assert found.options["identityfile"][0].endswith("/k y")


def test_without_a_password_none_is_offered_as_ansible_does_it(asked):
    assert not asked().says("passwordauthentication", default=True)
    assert asked(password=True).says("passwordauthentication", default=True)


@pytest.mark.parametrize(("options", "timeout"), [("", 10.0), ("-o ConnectTimeout=3", 10.0)])
def test_the_first_value_of_an_option_counts_as_ssh_reads_them(asked, options, timeout):
    # Ansible's own timeout stands before the common arguments
    assert asked(ssh_common_args=options).timeout == timeout
    assert asked(timeout=3, ssh_args="").timeout == 3.0
    assert asked(ssh_args="-o ConnectTimeout=7").timeout == 7.0


def test_a_way_by_a_command_is_filled_in(asked):
    found = asked("Host db1\n  HostName 10.1.2.3\n  ProxyCommand nc -x %% %h %p %r\n", user="deploy")

    assert found.proxy == "nc -x % 10.1.2.3 22 deploy"
    assert asked("Host *\n  ProxyCommand none\n").proxy is None


def test_a_way_by_jumps_is_gone_through_the_last_of_them_with_the_same_file(asked, tmp_path):
    found = asked(address="10.1.2.3", ssh_common_args="-J outer,me@inner:2200")

    assert found.proxy == [
        *("ssh", "-F", str(tmp_path / "config"), "-o", "BatchMode=yes", "-o", "ConnectTimeout=10"),
        *("-J", "outer", "-W", "[10.1.2.3]:22", "--", "ssh://me@inner:2200"),
    ]


def test_what_is_filled_in_is_what_ssh_would():
    settings = Settings(ConnectionFacts("db1"), {"hostname": ("h",), "port": ("2222",), "user": ("u",)})

    assert settings.expand("%h:%p %r %n %d %%") == f"h:2222 u db1 {Path.home()} %"
    with pytest.raises(NotCheckedError, match="ssh would fill in %C"):
        settings.expand("/tmp/%C")


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({"ssh_executable": "/opt/wrapper"}, "ansible_ssh_executable is /opt/wrapper"),
        ({"ssh_executable": "/no/such/ssh"}, "ssh cannot be asked for its settings: "),
        ({"ssh_extra_args": "-o 'unclosed"}, "ssh cannot be asked for its settings: No closing quotation"),
        ({"ssh_extra_args": "-o Nonsense=yes"}, "ssh does not understand its settings: "),
    ],
)
def test_where_it_can_not_be_asked_nothing_is_judged(asked, told, message):
    with pytest.raises(NotCheckedError, match=message):
        asked(**told)
