"""A step for each item with Ansible for real: by the command, killed and gone on with, undone, and by plain Ansible."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

from harness import PATIENCE


def steps(place):
    """Steps that find files below `place`, and move each of them to another directory."""
    env = {"NAME": "{{ item }}", "FROM": f"{place}/from", "TO": f"{place}/to"}
    return [
        {
            "id": "find",
            "name": "Find",
            "effect": "read",
            "command": ["ls", "-1", f"{place}/from"],
            "capture": {"stuck": "stdout.splitlines()"},
            "verify": [{"exit": 0}],
        },
        {
            "id": "move",
            "name": "Move",
            "each": "{{ stuck }}",
            "shell": f'mv "$FROM/$NAME" "$TO/$NAME"; echo "$NAME" >> {place}/log',
            "env": env,
            "capture": {"code": "rc"},
            "verify": [{"exit": 0}, {"says": "It is there", "command": ["test", "-e", f"{place}/to/{{{{ item }}}}"]}],
            "undo": {"shell": 'mv "$TO/$NAME" "$FROM/$NAME"', "env": env, "verify": [{"exit": 0}]},
        },
        {
            "id": "none",
            "name": "Nothing",
            "each": "{{ stuck | select('equalto', 'absent') | list }}",
            "command": ["rm", "{{ item }}"],
            "verify": [{"exit": 0}],
        },
        {
            "id": "count",
            "name": "Count",
            "effect": "read",
            "command": ["echo", "{{ code | join(' ') }}"],
            "verify": [{"that": "stdout == '0 0 0'"}],
        },
    ]


def test_each_item_is_done_once_and_undone_and_plain_ansible_does_the_same(bench):
    place = bench.directory / "place"
    for name in ("from", "to/b"):
        (place / name).mkdir(parents=True)
    (place / "to" / "b" / "b").mkdir()  # so that b cannot be moved yet
    for name in "abc":
        (place / "from" / name).write_text("")
    bench.write(*steps(place))

    failed = bench.run()
    assert (failed.code, (place / "log").read_text()) == (1, "a\n"), failed
    (place / "to" / "b" / "b").rmdir()
    (place / "to" / "b").rmdir()
    (place / "from" / "later").write_text("")  # which is none of those that the run has begun with
    resumed = bench.command("resume", "last")
    assert (resumed.code, (place / "log").read_text()) == (0, "a\nb\nc\n"), resumed

    undone = bench.command("undo", "last", "--yes")
    assert (undone.code, sorted(path.name for path in (place / "from").iterdir())) == (0, ["a", "b", "c", "later"]), (
        undone
    )

    (place / "from" / "later").unlink()
    words = [Path(sys.executable).with_name("ansible-playbook"), "-i", bench.inventory, "playbooks/RUN-900.yml"]
    environment = {"PATH": os.environ["PATH"], "HOME": str(bench.directory), "LC_ALL": "C.UTF-8"}
    plain = subprocess.run(
        words, cwd=bench.directory, env=environment, capture_output=True, check=False, timeout=PATIENCE
    )
    assert plain.returncode == 0, plain
    assert sorted(path.name for path in (place / "to").iterdir()) == ["a", "b", "c"]

    head = (bench.directory / "playbooks" / "RUN-900.yml").read_text().partition("---")[0]
    takes_back = next(line for line in head.splitlines() if "step-undo-move" in line).removeprefix("#")
    typed = shlex.split(takes_back.replace("VALUE", '["a", "c"]'))
    back = subprocess.run([*words, *typed], cwd=bench.directory, env=environment, check=False, timeout=PATIENCE)
    assert (back.returncode, sorted(path.name for path in (place / "from").iterdir())) == (0, ["a", "c"])
