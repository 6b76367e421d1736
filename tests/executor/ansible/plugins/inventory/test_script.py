"""An inventory that is a program: a key that it prints twice ends Ansible, which else would miss the first one's hosts."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from runner.executor.ansible.ansible_settings import settings

PROGRAM = "#!/bin/sh\nif [ $1 = --list ]; then echo '{}'; else echo '{}'; fi\n"


def read(directory, listed, of_host):
    """The exit code of Ansible's own command that reads the inventory, what it prints, and what it complains of."""
    program = directory / "hosts"
    program.write_text(PROGRAM.format(listed, of_host))
    program.chmod(0o755)
    for name in ("home", "tmp"):
        (directory / name).mkdir(exist_ok=True)
    (directory / "ansible.cfg").touch()
    ran = subprocess.run(
        [Path(sys.executable).with_name("ansible-inventory"), "-i", program, "--list"],
        env={"PATH": "/usr/bin:/bin", "HOME": str(directory), "LC_ALL": "C.UTF-8", **settings(directory)},
        capture_output=True,
        text=True,
        check=False,
    )
    return ran.returncode, ran.stdout, ran.stderr


@pytest.mark.parametrize(
    ("listed", "of_host", "key"),
    [
        ('{"web": {"hosts": ["h1"]}, "web": {"hosts": ["h2"]}, "_meta": {"hostvars": {}}}', "{}", "web"),
        ('{"web": {"hosts": ["h1"]}}', '{"port": 1, "port": 2}', "port"),
    ],
)
def test_a_key_that_is_printed_twice_ends_ansible(tmp_path, listed, of_host, key):
    code, shown, complaint = read(tmp_path, listed, of_host)

    assert (code != 0, shown) == (True, "")
    assert (
        f"{tmp_path}/hosts prints the key '{key}' twice; Ansible would take the last, and miss the first" in complaint
    )


def test_another_one_is_read_as_ever(tmp_path):
    code, shown, complaint = read(tmp_path, '{"web": {"hosts": ["h1"]}}', '{"port": 1}')

    assert (code, json.loads(shown)["_meta"]["hostvars"]) == (0, {"h1": {"port": 1}}), complaint
