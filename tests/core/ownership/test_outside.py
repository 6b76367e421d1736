"""Inside a user namespace, this user and the owners of files are still those that they are outside."""

import json
import os
import subprocess
import sys

import pytest

from runner.core.ownership import outside

INSIDE = """\
import json, os, sys
from pathlib import Path
from runner.core.ownership import outside
paths = [Path(each) for each in sys.argv[1:]]
found = [outside.owner(each, each.lstat()) for each in paths]
print(json.dumps([os.geteuid(), outside.user_id(), outside.is_left(), outside.VARIABLE in os.environ, found]))
"""
ENTER = """\
import os, sys
from runner.core.ownership import outside
number = outside.leave_witness() if sys.argv[1] == "witness" else 99
words = ["unshare", "--user", "--map-root-user", sys.executable, "-c", *sys.argv[2:]]
os.execvpe("unshare", words, {**os.environ, outside.VARIABLE: str(number)})
"""
HOLDS = """\
import os, socket
from pathlib import Path
from runner.core.ownership import outside
os.dup2(0, 99)
with socket.socket(fileno=outside.leave_witness()) as asker:
    asker.send(b"/")
    asker.recv(99)
    pid = Path(f"/proc/self/task/{os.getpid()}/children").read_text().strip()
    print([os.readlink(each).partition(":")[0] for each in Path(f"/proc/{pid}/fd").iterdir()])
"""
STRANGER = 12345


@pytest.fixture
def inside():
    """What a process in a user namespace finds, with a witness outside or without; only one user is known in there."""
    if subprocess.run(["unshare", "--user", "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("this kernel gives no user namespace")

    def ask(how, *paths):
        words = [sys.executable, "-c", ENTER, how, INSIDE, *map(str, paths)]
        return json.loads(subprocess.run(words, capture_output=True, text=True, check=True).stdout)

    return ask


def test_a_witness_says_whose_files_are(inside, tmp_path):
    mine, theirs = tmp_path / "mine", tmp_path / "theirs\nand more"
    for path in (mine, theirs):
        path.touch()
    if os.geteuid() == 0:
        os.chown(theirs, STRANGER, STRANGER)
    whose = [[path.lstat().st_uid, path.lstat().st_gid] for path in (mine, theirs)]

    assert inside("witness", mine, theirs) == [0, os.geteuid(), True, False, whose]


def test_a_witness_holds_nothing_but_what_it_is_asked_by():
    words = [sys.executable, "-c", HOLDS]

    assert subprocess.run(words, input=b"", capture_output=True, check=True).stdout == b"['socket']\n"


def test_what_belongs_to_another_is_nobodys_where_there_is_no_witness(inside, tmp_path):
    (tmp_path / "mine").touch()
    if os.geteuid() == 0:
        os.chown(tmp_path / "mine", STRANGER, STRANGER)
        assert inside("none", tmp_path / "mine")[4] == [[65534, 65534]]
    else:
        assert inside("none", tmp_path / "mine")[4] == [[os.geteuid(), 0]]


def test_outside_of_any_namespace_all_is_as_it_looks(tmp_path):
    status = tmp_path.lstat()

    assert (outside.is_left(), outside.user_id()) == (False, os.geteuid())
    assert outside.owner(tmp_path, status) == (status.st_uid, status.st_gid)
