"""A yes is void when anything that decides what the step does has become another thing, and it is said what.

`RUNBOOK_SINGLY=yes` tries each change in a run of its own.
"""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml
from harness import PATIENCE
from harness.bench import step

from runner.executor.ansible import workspace

SINGLY = os.environ.get("RUNBOOK_SINGLY") == "yes"
PASSWORD = "none of your business\n"


@functools.cache
def vaulted(text):
    """What Ansible's own program makes of `text`, encrypted with the password."""
    with tempfile.NamedTemporaryFile("w") as password:
        password.write(PASSWORD)
        password.flush()
        program = Path(sys.executable).with_name("ansible-vault")
        words = [str(program), "encrypt_string", "--vault-password-file", password.name, text]
        environment = workspace.environment(os.environ, python=sys.executable)
        return subprocess.run(words, capture_output=True, text=True, check=True, env=environment).stdout


@dataclass
class Waiting:
    """A run that waits for an approval of its second step, in a library with an inventory directory of its own."""

    bench: object
    process: object = None

    @property
    def variables(self):
        return self.bench.directory / "inventory" / "group_vars" / "all.yml"

    @property
    def state(self):
        (run,) = (self.bench.state / "runs").iterdir()
        return run / "run.json"

    def start(self, **changes):
        directory = self.bench.directory
        (directory / "one").mkdir()
        (directory / "two").mkdir()
        self.variables.parent.mkdir(parents=True)
        hosts = {"here": {"ansible_connection": "local", "ansible_host": "127.0.0.1"}}
        looker = {
            "ansible_connection": "local",
            "ansible_user": "{{ who }}",
            "runbook_python": "{{ '/usr/bin/python3' if who == 'nobody' else '/bin/python3' }}",
        }
        children = {"others": {"hosts": {"looker": looker}}}
        (directory / "inventory" / "hosts.yml").write_text(
            yaml.safe_dump({"all": {"hosts": hosts, "children": children}})
        )
        script = directory / "inventory" / "more.sh"
        script.write_text(
            '#!/bin/sh\necho \'{"all": {"hosts": ["here"]}, "_meta": {"hostvars": {"here": {"scripted": "a"}}}}\'\n'
        )
        script.chmod(0o755)
        for name, text in COLLECTION.items():
            path = directory / "collections" / "ansible_collections" / "acme" / "tools" / name
            path.parent.mkdir(parents=True)
            path.write_text(text)
        self.bench.environment["ANSIBLE_COLLECTIONS_PATH"] = str(directory / "collections")
        self.set(
            root="{{ base }}/one",
            base=str(directory),
            word="old",
            who="nobody",
            step_for="here",
            secret=self.vaulted("first-one"),
        )
        look = step("look", "echo 7", effect="read", capture={"job": "stdout"})
        act = step(
            "act",
            "echo $WHAT {{ word }} $JOB {{ count }} {{ scripted }} > done",
            env={"WHAT": "{{ word }}", "JOB": "{{ job }}", "KEY": "{{ secret }}"},
            chdir="{{ root }}",
            approve={"says": "Go?", "expires": "120s"},
        )
        inputs = {"count": {"type": "int", "default": 1, "help": "How many"}}
        (directory / "runbooks").mkdir()
        (directory / "runbooks" / "sizes.yml").write_text("size: 1\n")
        steps = [look, {key: value for key, value in {**act, **changes}.items() if value}]
        self.bench.write(*steps, hosts="here", inputs=inputs, values="sizes.yml")
        words = ("run", "RUN-900", "-i", str(directory / "inventory"), "--json", "--wait", "120s")
        self.process = self.bench.started(*words)
        self.bench.asks(self.process)
        return self

    def vaulted(self, text):
        password = self.bench.directory / "password"
        password.write_text(PASSWORD)
        self.bench.environment["ANSIBLE_VAULT_PASSWORD_FILE"] = str(password)
        return vaulted(text)

    def set(self, **variables):
        """Write the variables of the group; what is vaulted is YAML already."""
        fixed = {
            "runbook_environment": "local",
            "ansible_python_interpreter": sys.executable,
            "ansible_remote_tmp": str(self.bench.directory / "tmp"),
        }
        plain = {name: text for name, text in variables.items() if not text.startswith("!vault")}
        rest = "".join(f"{name}: {text}\n" for name, text in variables.items() if text.startswith("!vault"))
        self.variables.write_text(yaml.safe_dump({**fixed, **plain}) + rest)

    def replace(self, path, old, new):
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    def approve(self):
        subject = self.bench.pending()[0]["subject"]
        return self.bench.command("approve", "last", "--subject", subject[:12])

    def ended(self):
        out, _ = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, [json.loads(line) for line in out.splitlines() if line.startswith("{")]


def edit_state(waiting, key, change):
    state = json.loads(waiting.state.read_text())
    change(state[key])
    waiting.state.write_text(json.dumps(state))


def variables(old, new):
    return lambda waiting: waiting.replace(waiting.variables, old, new)


def revault(waiting):
    text = waiting.variables.read_text()
    waiting.variables.write_text(text[: text.index("secret:")] + f"secret: {waiting.vaulted('second-one')}\n")


def file(name, old, new):
    return lambda waiting: waiting.replace(waiting.bench.directory / name, old, new)


COLLECTION = {
    "plugins/modules/push.py": """
DOCUMENTATION = "{module: push, short_description: Push, options: {from_here: {type: path, description: A file}}}"
""",
    "plugins/action/push.py": """
from pathlib import Path
from ansible.plugins.action import ActionBase

class ActionModule(ActionBase):
    def run(self, tmp=None, task_vars=None):
        return super().run(tmp, task_vars) | {"text": Path(self._task.args["from_here"]).read_text()}
""",
}
"""Of a collection, a module of which a part runs on this machine and reads a file here."""


@dataclass(frozen=True)
class Way:
    """A change that makes a yes void, what is said of it, and the keys that the step has for it."""

    change: Callable[[Waiting], None]
    sentence: str
    keys: Mapping[str, object] = field(default_factory=dict)


WHO = variables("who: nobody", "who: daemon")
WORD = variables("word: old", "word: new")
BROUGHT = file("runbooks/contacts.yml", "\n", "\n\n")
BROUGHT_CODE = file("collections/ansible_collections/acme/tools/plugins/action/push.py", "super()", "super( )")
NO_SHELL = dict.fromkeys(("shell", "env", "chdir"))
SCRIPTED = "a" if SINGLY else "b"
"""What the inventory script says of the host by then."""

WAYS = {
    "env": Way(WORD, "environment WHAT was `old` and is now `new`"),
    "argv": Way(
        WORD,
        f"what is done was `echo $WHAT old $JOB 1 a > done` and is now `echo $WHAT new $JOB 1 {SCRIPTED} > done`",
    ),
    "chdir by a template in group_vars": Way(variables("{{ base }}/one", "{{ base }}/two"), "args chdir was `"),
    "inventory script": Way(file("inventory/more.sh", '"a"', '"b"'), "inventory script "),
    "input": Way(
        lambda waiting: edit_state(waiting, "inputs", lambda inputs: inputs.update(count=2)),
        "the input count was `1` and is now `2`",
    ),
    "captured value": Way(
        lambda waiting: edit_state(waiting, "captured", lambda captured: captured["here"].update(job="8")),
        "the captured value job was `7` and is now `8`",
    ),
    "host address": Way(
        file("inventory/hosts.yml", "127.0.0.1", "127.0.0.2"),
        "the setting ansible_host was `127.0.0.1` and is now `127.0.0.2`",
    ),
    "user": Way(
        variables("who: nobody", "who: nobody\nansible_user: root"),
        "the setting ansible_user was not set and is now `root`",
    ),
    "interpreter": Way(variables(sys.executable, "/usr/bin/python3"), "the setting ansible_python_interpreter was `"),
    "become by the inventory": Way(
        variables("who: nobody", "who: nobody\nansible_become: true"), "become was not set and is now `{"
    ),
    "vault value's reference": Way(revault, "environment KEY was `vault:secret (ciphertext "),
    "policy of the inventory": Way(
        variables("runbook_environment: local", "runbook_environment: local\nrunbook_policy: {four_eyes: true}"), "four"
    ),
    "class of the environment": Way(
        variables("runbook_environment: local", "runbook_environment: lab"),
        "environment was `local` and is now `lab`",
    ),
    "playbook file": Way(
        file("playbooks/RUN-900.yml", "RUN-900 |", "RUN-900  |"), "the playbook file RUN-900.yml was `"
    ),
    "file of values": Way(file("runbooks/sizes.yml", "1", "2"), "the runbook file sizes.yml was `"),
    "runbook file": Way(file("runbooks/RUN-900.yml", "A trial", "A test"), "the runbook file RUN-900.yml was `"),
    "become": Way(WHO, "become user was `nobody` and is now `daemon`", {"become_user": "{{ who }}"}),
    "variable of a check": Way(
        WHO,
        "the variable who was `nobody` and is now `daemon`",
        {"verify": [{"command": ["test", "{{ word }}", "!=", "{{ who }}"]}]},
    ),
    "variable of a condition": Way(
        WHO,
        "the variable who was `nobody` and is now `daemon`",
        {"verify": [{"that": "who in ['nobody', 'daemon']"}]},
    ),
    "variable of the undo": Way(
        WHO,
        "the variable hostvars[step_for].who was `nobody` and is now `daemon`",
        {"undo": {"command": ["rm", "-r", "{{ hostvars[step_for].who }}"], "verify": [{"exit": 0}]}},
    ),
    "variable of another host in a check": Way(
        WHO,
        "the variable hostvars['looker']['ansible_user'] was `nobody` and is now `daemon`",
        {"verify": [{"that": "hostvars['looker']['ansible_user'] in ['nobody', 'daemon']"}]},
    ),
    "variable of a host that is only known later": Way(
        WHO, "the variable hostvars was `as it is by now (", {"verify": [{"that": "hostvars[stdout].who != 'root'"}]}
    ),
    "connection of the machine that looks": Way(
        WHO,
        "the machine that looks, looker.ansible_user was `nobody` and is now `daemon`",
        {"verify": [{"port": {"open": 9, "from": "looker"}}]},
    ),
    "interpreter of the machine that looks": Way(
        WHO, "the variable runbook_python of looker was `/usr/bin/python3` and is now `/bin/python3`"
    ),
    "file that a module brings": Way(
        BROUGHT,
        "/runbooks/contacts.yml was `",
        {
            **NO_SHELL,
            "module": {"ansible.builtin.copy": {"src": "{{ base }}/runbooks/contacts.yml", "dest": "{{ base }}/done"}},
            "verify": [{"command": ["test", "-e", "{{ base }}/done"]}],
        },
    ),
    "code of a collection": Way(
        BROUGHT_CODE,
        "the file collection acme.tools was `",
        {**NO_SHELL, "module": {"acme.tools.push": {"from_here": "x"}}, "verify": [{"that": "result.text == ''"}]},
    ),
    "file that a part of a module reads here": Way(
        BROUGHT,
        "/runbooks/contacts.yml was `",
        {
            **NO_SHELL,
            "module": {"acme.tools.push": {"from_here": "{{ base }}/runbooks/contacts.yml"}},
            "verify": [{"that": "result.text == ''"}],
        },
    ),
}
TOGETHER = {
    "of the files": [name for name, way in WAYS.items() if not way.keys and way.change is not WHO],
    "of a step's templates": [name for name, way in WAYS.items() if way.change is WHO],
    **{name: [name] for name, way in WAYS.items() if way.change in (BROUGHT, BROUGHT_CODE)},
}
"""Those whose changes do not keep each other from being seen."""

CASES = {name: [name] for name in WAYS} if SINGLY else TOGETHER


def test_each_way_is_tried():
    assert sorted(name for names in CASES.values() for name in names) == sorted(WAYS)


@pytest.mark.parametrize("case", CASES)
def test_a_yes_is_void_and_the_sentence_says_what_has_changed(bench, case):
    ways = [WAYS[name] for name in CASES[case]]
    looks = [look for way in ways for look in way.keys.get("verify", [])]
    keys = {key: value for way in ways for key, value in way.keys.items()} | ({"verify": looks} if looks else {})
    waiting = Waiting(bench).start(**keys)

    for change in dict.fromkeys(way.change for way in ways):
        change(waiting)
    approved = waiting.approve()
    code, events = waiting.ended()

    assert (approved.code, code) == (0, 4), (approved, events)
    assert not list(bench.directory.rglob("done"))
    (problem,) = events[-1]["problems"]
    assert problem.startswith("the approval of act is void: ")
    assert [way.sentence for way in ways if way.sentence not in problem] == [], problem
    (voided,) = [event["data"] for event in events if event["type"] == "gate.voided"]
    assert voided["changes"] == problem.removeprefix("the approval of act is void: ").split("; ")
    assert "second-one" not in json.dumps(events)
    assert "first-one" not in json.dumps(events)


def test_where_nothing_has_changed_it_is_done_and_both_are_recorded(bench):
    waiting = Waiting(bench).start()

    (asked,) = waiting.bench.pending()
    approved = waiting.approve()
    code, events = waiting.ended()

    assert (approved.code, code) == (0, 0), (approved, events)
    assert (bench.directory / "one" / "done").read_text() == "old old 7 1 a\n"
    gate = next(event["data"] for event in events if event["type"] == "gate.asked")
    begun = next(event["data"] for event in events if event["type"] == "step.intended" and event["step"] == "act")
    action = gate["context"]["hosts"]["here"]
    assert gate["context"] == asked["context"]
    assert begun["command"] == action["text"]
    lines = action["text"].splitlines()
    assert lines[0] == "echo $WHAT old $JOB 1 a > done"
    assert lines[1:4] == [f"chdir: {bench.directory}/one", "env WHAT=old", "env JOB=7"]
    assert lines[4].startswith("env KEY='vault:secret (ciphertext ")
    assert action["captured"] == {"job": "7"}
