"""A host's key is judged by the lines that are known of it, and by how strict ssh is."""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from runner.executor.host_check import NotCheckedError, UnfitError
from runner.executor.inventory.connection_facts import ConnectionFacts
from runner.executor.ssh.host_keys import KnownHost, fingerprint, judge, known_hosts_of
from runner.executor.ssh.ssh_settings import Settings

KIND = "ssh-ed25519"
OLD, NEW = (base64.b64encode(word).decode() for word in (b"the old key", b"the new key"))


def line(key, *, marker="", kind=KIND, ported=True):
    return KnownHost(marker, kind, key, Path("/known"), 7, ported)


def settings(**options):
    given = {"hostname": "db1.example", "port": "2222", "userknownhostsfile": "/known", **options}
    return Settings(ConnectionFacts("db1"), {name: (value,) for name, value in given.items()})


@pytest.mark.parametrize(
    ("known", "strict", "verdict"),
    [
        ([line(NEW)], "yes", None),
        ([line(OLD), line(NEW)], "yes", None),
        ([line(NEW, ported=False)], "yes", None),
        ([], "no", None),
        ([], "accept-new", None),
        ([], "ask", "is not known"),
        ([], "yes", "is not known"),
        ([line(OLD, ported=False)], "ask", "is not known"),
        ([line(OLD)], "yes", "is not the one that is known"),
        ([line(OLD)], "accept-new", "is not the one that is known"),
        ([line(OLD, kind="ssh-rsa")], "ask", "is not the one that is known"),
        ([line(OLD)], "no", None),
        ([line(NEW), line(NEW, marker="@revoked")], "no", "is revoked"),
    ],
)
def test_what_ssh_would_say(known, strict, verdict):
    given = settings(stricthostkeychecking=strict)
    if verdict is None:
        judge(given, known, KIND, NEW)
        return
    with pytest.raises(UnfitError, match=verdict):
        judge(given, known, KIND, NEW)


def test_a_key_that_has_changed_names_both_and_what_to_do():
    with pytest.raises(UnfitError) as caught:
        judge(settings(), [line(OLD, kind="ssh-rsa"), line(OLD)], KIND, NEW)

    assert caught.value.message == (
        f"its host key is not the one that is known: was {KIND} {fingerprint(OLD)} (/known:7), "
        f"is {KIND} {fingerprint(NEW)}"
    )
    assert "only then ssh-keygen -R '[db1.example]:2222' -f /known" in caught.value.hint


@pytest.mark.parametrize(
    ("options", "known"),
    [
        ({"knownhostscommand": "/usr/bin/keys"}, []),
        ({"verifyhostkeydns": "yes"}, []),
        ({}, [line(OLD, marker="@cert-authority")]),
    ],
)
def test_what_ssh_learns_elsewhere_is_left_to_it(options, known):
    with pytest.raises(NotCheckedError):
        judge(settings(**options), known, KIND, NEW)


@pytest.mark.parametrize(("address", "is_exempt"), [("127.0.0.1", True), ("localhost", True), ("10.0.0.1", False)])
def test_this_machine_is_exempt_where_ssh_exempts_it(address, is_exempt):
    given = settings(hostname=address, nohostauthenticationforlocalhost="yes")
    if is_exempt:
        judge(given, [], KIND, NEW)
        return
    with pytest.raises(UnfitError):
        judge(given, [], KIND, NEW)


needs_keygen = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="ssh-keygen is not installed")


@needs_keygen
def test_the_fingerprint_is_the_one_that_people_compare(tmp_path):
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "key"], check=True)
    told = subprocess.run(["ssh-keygen", "-lf", tmp_path / "key.pub"], check=True, capture_output=True, text=True)

    assert fingerprint((tmp_path / "key.pub").read_text().split()[1]) == told.stdout.split()[1]


@needs_keygen
def test_every_file_is_asked_by_the_name_that_ssh_looks_for(tmp_path):
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "key"], check=True)
    key = (tmp_path / "key.pub").read_text().split()[1]
    mine, everybodys = tmp_path / "my hosts", tmp_path / "everybodys"
    mine.write_text(f"# mine\n[db1.example]:2222 {KIND} {key}\n@revoked [db1.example]:* {KIND} {key}\n")
    everybodys.write_text(f"db1.example {KIND} {key}\nother {KIND} {key}\n")
    subprocess.run(["ssh-keygen", "-q", "-H", "-f", everybodys], check=True, capture_output=True)
    files = {"userknownhostsfile": str(mine), "globalknownhostsfile": f"{everybodys} /no/such/file"}

    assert known_hosts_of(settings(**files), os.environ) == [
        KnownHost("", KIND, key, mine, 2),
        KnownHost("@revoked", KIND, key, mine, 3),
        KnownHost("", KIND, key, everybodys, 1, ported=False),
    ]
    assert [each.path for each in known_hosts_of(settings(**files, port="22"), os.environ)] == [everybodys]
    assert known_hosts_of(settings(**files, hostkeyalias="other"), os.environ)[0].line == 2
