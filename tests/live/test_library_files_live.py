"""What lies beside a runbook is taken as it is, by the command as by plain ansible-playbook."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import yaml
from harness import PATIENCE

VALUES = {"version": "1.10", "mode": "0755", "answer": "yes", "slots": [1, {"a": "no"}], "on": False}
"""Texts that YAML, or Ansible, would like to take for something else."""
USES = "|".join(["{{ user }}", "{{ listen }}", *(f"{{{{ {name} }}}}" for name in VALUES)])


def test_files_beside_the_runbook_arrive_as_they_are(bench):
    runbooks, out = bench.directory / "runbooks", bench.directory / "out"
    (runbooks / "files" / "site").mkdir(parents=True)
    (runbooks / "files" / "site" / "index").write_bytes(b"\xff\x00")
    (runbooks / "files" / "motd.j2").write_text("{{ version }} for {{ user }}\n")
    (runbooks / "values.yml").write_text(yaml.safe_dump(VALUES))
    copy = {"src": "files/site/", "dest": f"{out}/site/", "mode": "0644"}
    template = {"src": "files/motd.j2", "dest": f"{out}/motd", "mode": "0644"}
    seen = {"command": ["printenv", "REGION"], "that": "stdout == 'north'"}
    bench.write(
        {"id": "copy", "name": "Copy", "module": {"ansible.builtin.copy": copy}, "verify": [seen]},
        {
            "id": "motd",
            "name": "Motd",
            "module": {"ansible.builtin.template": template},
            "verify": [{"that": "result.changed"}],
        },
        {
            "id": "tell",
            "name": "Tell",
            "shell": f'echo "$REGION|$USES" > {out}/told',
            "env": {"USES": USES},
            "verify": [{"exit": 0}],
        },
        values="values.yml",
        env={"REGION": "north"},
        inputs={"user": {"default": "app", "help": "Who"}, "listen": {"default": "80", "help": "Where"}},
    )

    ran = bench.run()

    assert ran.code == 0, ran
    by_command = {path.name: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    assert by_command == {
        "index": b"\xff\x00",
        "motd": b"1.10 for app\n",
        "told": b"north|app|80|1.10|0755|yes|[1, {'a': 'no'}]|false\n",
    }
    for path in out.rglob("*"):
        path.unlink() if path.is_file() else None
    words = [Path(sys.executable).with_name("ansible-playbook"), "-i", bench.inventory, "playbooks/RUN-900.yml"]
    environment = {"PATH": os.environ["PATH"], "HOME": str(bench.directory), "LC_ALL": "C.UTF-8"}
    plain = subprocess.run(
        words, cwd=bench.directory, env=environment, capture_output=True, check=False, timeout=PATIENCE
    )
    assert plain.returncode == 0, plain
    assert {path.name: path.read_bytes() for path in out.rglob("*") if path.is_file()} == by_command
