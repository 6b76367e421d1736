"""Before anything is done each host is looked at, over real SSH: what is wrong is a sentence, what is unknown is left."""

from __future__ import annotations

import getpass
import socketserver
import sys
import threading

import pytest
from harness.ssh_lab import script

from runner.executor.host_check import HostCheck

REACHED = ("reachable", "host key", "login", "shell")
GOOD = (*REACHED, f"python for {getpass.getuser()}")


@pytest.fixture
def listening():
    """A port of this machine that does with a connection what a test says; without a word, nothing at all."""
    over = threading.Event()
    servers = []

    def listen(answer=lambda _: over.wait(900)):
        class Answer(socketserver.BaseRequestHandler):
            def handle(self):
                answer(self.request)

        server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Answer)
        servers.append(server)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}).start()
        return server.server_address[1]

    yield listen
    over.set()
    for server in servers:
        server.shutdown()
        server.server_close()


def test_hosts_that_are_well_are_found_so_all_the_way(lab):
    found = lab.preflight([lab.facts("one"), lab.facts("two")], become={}, environ=lab.environ)

    assert found == [HostCheck("one", REACHED), HostCheck("two", REACHED)]
    assert {each.outcome for each in found} == {"passed"}


def test_a_closed_port_is_named_with_its_place(lab):
    found = lab.look(port=1)

    assert (found.outcome, found.passed) == ("unreachable", ())
    assert found.problem == "one (127.0.77.71:1): no connection: Connection refused"
    assert found.hint == "is sshd running there, and is it this port?"


def test_a_port_behind_which_nothing_answers_is_given_up_in_time(lab, listening):
    found = lab.look(address="127.0.0.1", port=listening(), timeout=1)

    assert (found.outcome, found.passed) == ("unreachable", ())
    assert "it takes connections, but does not answer as sshd would" in found.problem


def test_something_else_that_answers_is_not_taken_for_sshd(lab, listening):
    def web(connection):
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        connection.close()

    found = lab.look(address="127.0.0.1", port=listening(web), timeout=2)

    assert (found.outcome, "does not answer as sshd would" in found.problem) == ("unreachable", True)


def test_a_name_that_nobody_knows(lab):
    found = lab.look(address="no-such-host.invalid")

    assert found.problem.startswith(f"one (no-such-host.invalid:{lab.facts().port}): its name is not known: ")


def test_a_key_that_is_not_known_is_shown_and_refused_as_ssh_would(lab, tmp_path):
    (tmp_path / "known").touch()
    found = lab.look(ssh_common_args=f"-o UserKnownHostsFile={tmp_path / 'known'} -o GlobalKnownHostsFile=/dev/null")

    assert (found.outcome, found.passed) == ("unreachable", ("reachable",))
    assert ": its host key is not known: it is ssh-ed25519 SHA256:" in found.problem
    assert f"ssh-keyscan -p {lab.facts().port} 127.0.77.71 >> {tmp_path / 'known'}" in found.hint


@pytest.mark.parametrize("how", ["accept-new", "no"])
def test_a_key_that_is_not_known_is_taken_where_ssh_would_take_it(lab, tmp_path, how):
    (tmp_path / "known").touch()
    options = f"-o StrictHostKeyChecking={how} -o UserKnownHostsFile={tmp_path / 'known'}"

    assert lab.look(ssh_common_args=options).passed == GOOD
    assert (tmp_path / "known").read_text() == ""  # whether it is kept is ssh's to decide, when Ansible comes


def test_where_ansible_checks_no_keys_none_is_checked_here(lab, tmp_path):
    (tmp_path / "known").touch()
    options = f"-o UserKnownHostsFile={tmp_path / 'known'} -o GlobalKnownHostsFile=/dev/null"

    assert lab.look(ssh_common_args=options, host_key_checking=False).passed == GOOD


def test_a_key_that_has_changed_says_what_it_was_and_is_and_how_to_mend_it(lab, tmp_path):
    of_two = lab.up.hosts["two"].directory / "host_key.pub"
    kind, key, *_ = of_two.read_text().split()
    known = tmp_path / "known"
    known.write_text(f"# a comment\n[127.0.77.71]:{lab.facts().port} {kind} {key}\n")
    found = lab.look(ssh_common_args=f"-o UserKnownHostsFile={known}")

    assert (found.outcome, found.passed) == ("unreachable", ("reachable",))
    assert "its host key is not the one that is known: was ssh-ed25519 SHA256:" in found.problem
    assert f"({known}:2), is ssh-ed25519 SHA256:" in found.problem
    assert found.hint.startswith("somebody may be between you and one, or another machine has its address")
    assert f"ssh-keygen -R '[127.0.77.71]:{lab.facts().port}' -f {known}" in found.hint


def test_hashed_names_names_by_pattern_and_aliases_are_known(lab, tmp_path):
    kind, key, *_ = (lab.up.hosts["one"].directory / "host_key.pub").read_text().split()
    known = tmp_path / "known"
    known.write_text(f"[127.0.77.*]:* {kind} {key}\ndb-alias {kind} {key}\n")
    options = f"-o UserKnownHostsFile={known} -o GlobalKnownHostsFile=/dev/null"

    assert lab.look(ssh_common_args=options).passed == GOOD
    assert lab.look(ssh_common_args=f"{options} -o HostKeyAlias=db-alias").passed == GOOD
    assert lab.look(ssh_common_args=f"{options} -o HostKeyAlias=other").outcome == "unreachable"


def test_a_revoked_key_is_refused_though_it_is_known(lab, tmp_path):
    kind, key, *_ = (lab.up.hosts["one"].directory / "host_key.pub").read_text().split()
    place = f"[127.0.77.71]:{lab.facts().port}"
    (tmp_path / "known").write_text(f"{place} {kind} {key}\n@revoked {place} {kind} {key}\n")

    assert "is revoked" in lab.look(ssh_common_args=f"-o UserKnownHostsFile={tmp_path / 'known'}").problem


def test_a_host_that_an_authority_vouches_for_is_left_to_ssh(lab, tmp_path):
    kind, key, *_ = (lab.up.hosts["two"].directory / "host_key.pub").read_text().split()
    (tmp_path / "known").write_text(f"@cert-authority * {kind} {key}\n")
    found = lab.look(ssh_common_args=f"-o UserKnownHostsFile={tmp_path / 'known'} -o GlobalKnownHostsFile=/dev/null")

    assert (found.outcome, found.left) == ("not checked", "the host key is vouched for by a certificate authority")


def test_who_is_not_let_in_is_told_who_offered_what_to_whom(lab):
    found = lab.look(user="nobody")

    assert (found.outcome, found.passed) == ("unreachable", ("reachable", "host key"))
    assert found.problem == (
        f"one (127.0.77.71:{lab.facts().port}): it does not let nobody in: offered {lab.facts().private_key_file}; "
        "it takes publickey"
    )
    assert "authorized_keys of nobody" in found.hint


def test_a_key_file_that_is_not_there_is_named(lab, tmp_path):
    found = lab.look(private_key_file=str(tmp_path / "absent"))

    assert f"offered no key; {tmp_path / 'absent'} is not there" in found.problem


def test_a_way_that_is_given_by_a_command_is_gone_and_what_stops_it_is_told(lab, tmp_path):
    relay = script(
        tmp_path / "relay",
        f"exec {sys.executable} -c '\n"
        "import socket, sys, threading, os\n"
        "peer = socket.create_connection((sys.argv[1], int(sys.argv[2])))\n"
        "def up():\n"
        "    while data := os.read(0, 65536): peer.sendall(data)\n"
        "threading.Thread(target=up, daemon=True).start()\n"
        "while data := peer.recv(65536): os.write(1, data)\n"
        '\' "$@"',
    )
    args = f"-o ProxyCommand='{relay} %h %p' {lab.options()}"

    assert lab.look(ssh_common_args=args).passed == GOOD
    stopped = lab.look(ssh_common_args=f"-o ProxyCommand='echo the gate is shut >&2; exit 1' {lab.options()}")
    assert (stopped.outcome, stopped.passed) == ("unreachable", ())
    assert stopped.problem.endswith(": no way to it: the gate is shut")


def test_a_jump_is_made_as_ssh_makes_it(lab, tmp_path):
    # ssh asks the jump with a file of its own settings, which it gives on
    jump = lab.up.hosts["two"]
    settings = "\n".join(
        [
            "Host gate",
            f"  HostName {jump.address}",
            f"  Port {jump.port}",
            f"  User {jump.user}",
            f"  IdentityFile {jump.client_key}",
            f"  UserKnownHostsFile {jump.known_hosts}",
        ]
    )
    (tmp_path / "config").write_text(f"{settings}\n")
    args = f"-F {tmp_path / 'config'} -o ProxyJump=gate {lab.options()}"

    assert lab.look(ssh_common_args=args).passed == GOOD
    closed = lab.look(ssh_common_args=args, port=1)
    assert (closed.outcome, closed.passed) == ("unreachable", ())
    assert "no way to it: " in closed.problem


def test_a_host_that_repeats_what_it_is_told_has_done_nothing(lab):
    session = lab.up.hosts["one"].directory / "session"
    words = session.read_text()
    try:
        script(session, 'echo "$SSH_ORIGINAL_COMMAND"; echo "$SSH_ORIGINAL_COMMAND" | tr -s "; " "\\n"')
        found = lab.look()
    finally:
        session.write_text(words)

    assert (found.outcome, found.passed) == ("unreachable", ("reachable", "host key", "login"))
    assert " logs in, but no command runs there: " in found.problem


def test_becoming_another_user_is_tried_as_ansible_does_it(lab, tmp_path):
    sudo = script(tmp_path / "sudo", f'echo "$@" > {tmp_path / "words"}; shift 5; exec "$@"')

    found = lab.look(become=["postgres"], become_exe=str(sudo))

    assert found.passed == (*REACHED, "become postgres", "python for postgres")
    assert (tmp_path / "words").read_text().startswith("-H -S -n -u postgres /bin/sh -c ")


def test_becoming_another_user_by_su_is_tried_as_ansible_does_it(lab, tmp_path):
    su = script(tmp_path / "su", f'echo "$@" > {tmp_path / "words"}; shift 2; exec sh -c "$1"')

    found = lab.look(become=["postgres"], become_exe=str(su), become_method="ansible.builtin.su")

    assert found.passed == (*REACHED, "become postgres", "python for postgres")
    assert (tmp_path / "words").read_text().startswith("postgres -c /bin/sh -c ")


def test_who_may_not_become_another_user_is_told_what_is_said_there(lab, tmp_path):
    sudo = script(tmp_path / "sudo", "echo 'sudo: a password is required' >&2; exit 1")
    user = lab.facts().user

    found = lab.look(become=["postgres"], become_exe=str(sudo))

    assert (found.outcome, found.passed) == ("unreachable", REACHED)
    assert found.problem.endswith(f": {user} cannot become postgres: sudo: a password is required")
    assert f"sudoers: {user} ALL=(postgres) NOPASSWD: ALL" in found.hint


def test_one_who_is_already_that_user_becomes_nobody(lab):
    assert lab.look(become=[lab.facts().user], become_exe="/no/such/sudo").passed == GOOD


@pytest.mark.parametrize(
    ("changes", "left"),
    [
        ({"connection": "community.docker.docker"}, "it is reached by community.docker.docker"),
        ({"port": "{{ nowhere }}"}, "what is set cannot be read here: port"),
        ({"ssh_executable": "/usr/bin/tsh"}, "ansible_ssh_executable is /usr/bin/tsh"),
        ({"ssh_common_args": "-o NoSuchOption=1"}, "ssh does not understand its settings: "),
        ({"ssh_extra_args": "-b 127.0.0.1"}, "ssh would bind the connection to an address of this machine"),
        ({"user": "nobody", "inline_key": True}, "it logs in with a key that stands in the inventory"),
        ({"shell_type": "powershell"}, "its shell is powershell"),
        ({"become_method": "community.general.doas"}, "it becomes postgres by doas"),
        ({"become_password": True}, "it becomes postgres with a password"),
    ],
)
def test_what_can_not_be_judged_is_named_and_left_to_ansible(lab, changes, left):
    found = lab.look(become=["postgres"], **changes)

    assert (found.outcome, found.left.startswith(left)) == ("not checked", True), found


def test_a_host_that_is_not_there_is_refused_whatever_else_is_left_to_ansible(lab):
    found = lab.look(become=["postgres"], become_password=True, port=1)

    assert (found.outcome, found.passed) == ("unreachable", ())
    assert found.problem == "one (127.0.77.71:1): no connection: Connection refused"


def test_what_takes_too_long_and_what_is_cancelled_is_not_checked(lab, listening):
    port = listening()
    hosts = [lab.facts("one"), lab.facts("two", address="127.0.0.1", port=port, timeout=30)]

    late = lab.preflight(hosts, become={}, environ=lab.environ, limit=2)
    cancelled = lab.preflight(hosts, become={}, environ=lab.environ, cancelled=lambda: True)

    assert late == [HostCheck("one", REACHED), HostCheck("two", left="no answer within 2 s")]
    assert cancelled == [HostCheck("one", left="cancelled"), HostCheck("two", left="cancelled")]


def test_an_interpreter_that_the_inventory_names_and_that_runs(lab):
    assert lab.look(python=sys.executable).passed == GOOD


@pytest.mark.parametrize("named", [{"python": "auto_silent"}, {}])
def test_an_interpreter_that_ansible_looks_for_is_looked_for_in_its_order(lab, tmp_path, named):
    shim = script(tmp_path / "python3.13", "echo 'pyenv: python3.13: command not found' >&2; exit 127")

    assert lab.look(**named, pythons=["no-such-python", sys.executable, str(shim)]).passed == GOOD
    found = lab.look(**named, pythons=["no-such-python", str(shim), sys.executable])
    assert (found.outcome, found.passed) == ("unreachable", REACHED)
    assert f"{shim}, which Ansible finds first, does not run there for {getpass.getuser()}: pyenv: " in found.problem
    assert "host_vars/one.yml" in found.hint


def test_an_interpreter_that_does_not_run_is_named_with_what_it_says(lab, tmp_path):
    shim = script(tmp_path / "python", "echo 'pyenv: python: command not found' >&2; exit 127")
    found = lab.look(python=str(shim))

    assert (found.outcome, found.passed) == ("unreachable", REACHED)
    assert f"{shim} does not run there for {getpass.getuser()}: pyenv: python: command not found" in found.problem
    assert "ansible_python_interpreter" in found.hint
