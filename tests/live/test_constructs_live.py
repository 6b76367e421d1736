"""A procedure with every construct, by Ansible: killed with all its processes, gone on with, and taken back.

`RUNBOOK_TEST_KILLS` says at how many instants, `RUNBOOK_TEST_SEED` at which ones.
"""

from __future__ import annotations

import json
import os
import random
import re
import signal
import time

import pytest
from harness import PATIENCE
from harness.bench import runbook_text
from harness.places import Place, Tree, kill

KILLS = int(os.environ.get("RUNBOOK_TEST_KILLS", "1"))
SEED = int(os.environ.get("RUNBOOK_TEST_SEED", "1"))
RECORDS = 75
"""About as many records as the run makes."""
NAMES = ["drain-here", "move-a", "move-b", "first", "web", "inner", "last"]
BACKWARDS = [f"undo-{name}" for name in reversed(NAMES[:-1])]
ROLE = """\
- name: Write it down
  ansible.builtin.shell: echo web >> "$LOG"
  environment: {LOG: "{{ log }}"}
  changed_when: true
"""


def note(log, name, also=""):
    """A step that writes a line with its name, and one that takes it back; whoever looks finds the line."""
    keys = {"LOG": str(log), "NAME": name}
    looks = {"says": "It is written", "command": ["grep", "-qx", name, str(log)]}
    undo = {"shell": 'echo "undo-$NAME" >> "$LOG"', "env": keys, "verify": [{"exit": 0}]}
    return {
        "shell": f'{also}echo "$NAME" >> "$LOG"',
        "env": keys,
        "verify": [looks],
        "undo": undo,
        "on_failure": "stop",
    }


def write(bench, log):
    """A library with a runbook that has all of them; the branch that is taken takes away what it was chosen by."""
    log.touch()
    flag = log.with_name("locked")
    flag.touch()
    role = bench.directory / "playbooks" / "roles" / "web" / "tasks" / "main.yml"
    role.parent.mkdir(parents=True)
    role.write_text(ROLE)
    bench.hosts(here={"log": str(log)}, lb1={})
    inner = {"id": "inner", "name": "Inner", **note(log, "inner")}
    (bench.directory / "runbooks").mkdir()
    (bench.directory / "runbooks" / "RUN-901.yml").write_text(runbook_text(inner, id="RUN-901"))
    branches = [
        {"if": {"command": ["test", "-e", str(flag)]}, "says": "It is locked", "then": [named("first", log, flag)]},
        {"else": {"then": [named("other", log)]}},
    ]
    find = {"id": "find", "name": "Find", "effect": "read", "shell": "echo a; echo b", "verify": [{"exit": 0}]}
    web = {key: value for key, value in named("web", log).items() if key not in {"shell", "env"}}
    helps = {key: named("inner", log)[key] for key in ("verify", "on_failure")}
    bench.write(
        {**find, "capture": {"stuck": "stdout.splitlines()"}},
        {"id": "drain", "name": "Drain", "on": "lb1", **note(log, "drain-{{ step_host }}")},
        {"id": "move", "name": "Move", "each": "{{ stuck }}", **note(log, "move-{{ item }}")},
        {"id": "way", "name": "Is it locked?", "decide": branches},
        {**web, "effect": "change", "role": "web"},
        {"id": "help", "name": "Help", "run": "RUN-901", **helps},
        {key: value for key, value in named("last", log).items() if key != "undo"},
        hosts="here",
    )


def named(name, log, flag=None):
    return {"id": name, "name": name.capitalize(), **note(log, name, f"rm -f {flag}; " if flag else "")}


def go_on(place, told):
    """Resume until it has passed; of what is in doubt somebody says what the lines show."""
    words = []
    for _ in range(len(NAMES)):
        ran = place.bench.command("resume", "last", "--json", *words)
        if any(each in ran.err for each in ("has not started", "never began", "there are no runs yet")):
            ran = place.bench.run()
        if ran.code == 0 or "has passed" in ran.err:
            return
        told.append(f"{words}: exit code {ran.code}, {ran.out[-500:]} {ran.err}")
        words = answers(place, ran)
    pytest.fail("\n".join(told))


WRITES = {"drain": "drain-here", "move[1]": "move-a", "move[2]": "move-b", "help/inner": "inner"}


def answers(place, ran):
    """What somebody types who has looked into the log, of all that is named there as in doubt."""
    hint = json.loads(ran.out.splitlines()[-1])["hint"] if ran.out else ""
    names = [name.strip("'") for name in re.findall(r"--done (\S+)", hint)]
    return [word for name in names for word in ("--done" if is_done(place, name) else "--redo", name)]


def is_done(place, name):
    """Whether what is in doubt is done: of an undo, whether nothing of its step is left."""
    whole = name.replace("undo-", "")
    written = WRITES.get(whole, whole)
    stands = written in place.done and f"undo-{written}" not in place.done
    return stands != (whole != name)


@pytest.mark.parametrize("seed", range(SEED, SEED + KILLS))
def test_killed_at_any_instant_each_thing_is_done_once_and_what_stands_is_named(bench, seed):
    # Given
    place, pick = Place(bench, "local"), random.Random(seed)
    write(bench, place.log)
    process = bench.started("run", "RUN-900", "-i", str(bench.inventory), "--yes", "--json")
    # When all of its processes die at once
    audit, records = bench.state / "audit" / "audit.jsonl", pick.randrange(RECORDS)
    while process.poll() is None and (audit.read_bytes() if audit.exists() else b"").count(b"\n") < records:
        time.sleep(0.02)
    time.sleep(pick.uniform(0.0, 0.4))
    pids = Tree(process.pid).all
    for sign in (signal.SIGSTOP, signal.SIGKILL):
        for pid in pids:
            kill(pid, sign)
    out, err = process.communicate(timeout=PATIENCE)
    told = [f"seed {seed}: {out[-500:]} {err}"]
    # Then somebody goes on with it, in every other of them
    if seed % 2:
        go_on(place, told)
        assert place.done == NAMES, "\n".join(told)
    done = place.done
    # And what was done is taken back, newest first, but for what cannot be, which is named
    undone = bench.command("undo", "last", "--yes", "--json")
    for _ in NAMES:
        if not (words := answers(place, undone)):
            break
        told.append(f"{words}: {undone.out[-500:]} {undone.err}")
        undone = bench.command("undo", "last", "--yes", "--json", *words)
    told.append(f"exit code {undone.code}, {undone.out[-500:]} {undone.err}")
    assert done == NAMES[: len(done)], "\n".join(told)
    back = place.done[len(done) :]
    assert back == [name for name in BACKWARDS if name in back], "\n".join(told)
    assert {f"undo-{name}" for name in done} - {"undo-last"} <= set(back), "\n".join(told)
    stands = "Last is not undone on here" in undone.out + undone.err
    assert stands or "last" not in done, "\n".join(told)
    place.nothing_is_left()
