"""The unit of the watch is one that systemd itself accepts, whatever the names of directories are."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from harness import PATIENCE

from runner.core.errors import InvalidInputError
from runner.worker.systemd_unit import WatchUnit

STATE, TEMPORARY = Path("/srv/team/.runbook"), Path("/tmp")


def unit(state=STATE, *command):
    words = command or ("/bin/sh", "--state-dir", str(state), "watch")
    return WatchUnit(command=words, user="root", state=state, temporary=TEMPORARY)


def line(text, key):
    return next(each for each in text.splitlines() if each.startswith(f"{key}="))


def test_it_says_who_looks_where_and_that_it_is_restarted_for_ever():
    text = unit().text()

    assert line(text, "ExecStart") == "ExecStart=/bin/sh --state-dir /srv/team/.runbook watch"
    assert line(text, "User") == "User=root"
    assert line(text, "ReadWritePaths") == "ReadWritePaths=/srv/team/.runbook /tmp"
    assert line(text, "Restart") == "Restart=always"
    assert line(text, "StartLimitIntervalSec") == "StartLimitIntervalSec=0"


def test_what_systemd_would_read_otherwise_is_escaped():
    text = unit(Path('/srv/a b/50%"$HOME')).text()

    assert line(text, "ReadWritePaths") == 'ReadWritePaths="/srv/a b/50%%\\"$HOME" /tmp'
    assert line(text, "ExecStart") == 'ExecStart=/bin/sh --state-dir "/srv/a b/50%%\\"$$HOME" watch'


def test_a_path_that_no_unit_can_name_is_refused():
    with pytest.raises(InvalidInputError, match="holds a control character"):
        unit(Path("/srv/a\nExecStartPre=/bin/false")).text()


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed")
@pytest.mark.parametrize("name", ["state", "a b 50% $HOME"])
def test_systemd_verifies_it(tmp_path, name):
    path = tmp_path / "runbook-watch.service"
    path.write_text(unit(tmp_path / name).text())

    verified = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(path)],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )

    assert (verified.returncode, verified.stderr) == (0, "")
