"""A fork of what has imported Ansible says and does what the program does, to whoever waits for it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from harness import PATIENCE

from runner.executor.ansible.ansible_settings import REPORTING

PROGRAM = Path(sys.executable).with_name("ansible-playbook")
HOSTS = "localhost ansible_connection=local ansible_python_interpreter=python3"
PLAY = """\
- hosts: all
  gather_facts: false
  tasks:
    - ansible.builtin.raw: "echo $WORD; kill -{number} {victim}"
"""
SHARED = """\
all:
  hosts:
    a: &same {ansible_connection: local, ansible_python_interpreter: python3}
    b: *same
"""
"""An inventory of which two hosts have one value between them."""
FORKED = """\
import contextlib, json, subprocess, sys
from runner.executor.ansible import ansible_runner_adapter
cases = json.load(sys.stdin)
assert ansible_runner_adapter.prepare()
for words, options in cases:
    with open(options["stdout"], "w") as output, open("/dev/null") as nothing:
        streams = {"stdin": nothing, "stdout": output, "stderr": output}
        ended = ansible_runner_adapter.run(["ansible-playbook", *words], **{**options, **streams})
    print(ended.returncode, flush=True)
"""
"""Each case with its words and options, done by a fork of one process; the exit codes."""


@pytest.fixture
def environment(tmp_path):
    (tmp_path / "tmp").mkdir()
    (tmp_path / "hosts.ini").write_text(HOSTS)
    (tmp_path / "ansible.cfg").touch()
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "LC_ALL") if name in os.environ}
    own = {"ANSIBLE_CONFIG": f"{tmp_path}/ansible.cfg", "ANSIBLE_LOCAL_TEMP": f"{tmp_path}/tmp"}
    return {**kept, "PATH": f"{PROGRAM.parent}:{kept['PATH']}", "LC_ALL": "C.UTF-8", **own}


def case(tmp_path, environment, name, words, **changes):
    options = {"cwd": str(tmp_path), "env": {**environment, **changes}, "stdout": str(tmp_path / name)}
    return words, options


def forked(cases, environment):
    """The exit code of each case, and what it printed."""
    asked = {"input": json.dumps(cases), "env": environment, "timeout": PATIENCE}
    done = subprocess.run([sys.executable, "-c", FORKED], text=True, capture_output=True, check=True, **asked)
    assert done.stderr == ""
    codes = map(int, done.stdout.split())
    return [(code, Path(options["stdout"]).read_text()) for code, (_, options) in zip(codes, cases, strict=True)]


def started(words, options):
    """The same of the program itself."""
    asked = {"cwd": options["cwd"], "env": options["env"], "stdin": subprocess.DEVNULL, "timeout": PATIENCE}
    done = subprocess.run([PROGRAM, *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, **asked)
    return done.returncode, done.stdout.decode()


def test_it_says_what_the_program_says_and_ends_as_that_does(tmp_path, environment):
    play, hosts = tmp_path / "play.yml", ["-i", str(tmp_path / "hosts.ini")]
    play.write_text(PLAY.format(number=0, victim="$$"))
    fails = tmp_path / "fails.yml"
    fails.write_text(PLAY.format(number=9, victim="$$"))
    twice, others = tmp_path / "twice.yml", ["-i", str(tmp_path / "hosts.yml"), "--forks", "1"]
    twice.write_text("- import_playbook: play.yml\n" * 2)
    Path(others[1]).write_text(SHARED)
    cases = [
        case(tmp_path, environment, "twice", [*others, str(twice)], WORD="one"),
        case(tmp_path, environment, "passes", [*hosts, str(play)], WORD="one"),
        case(tmp_path, environment, "again", [*hosts, str(play)], WORD="another"),
        case(tmp_path, environment, "fails", [*hosts, str(fails)], ANSIBLE_LOCAL_TEMP=str(tmp_path / "tmp")),
        case(tmp_path, environment, "usage", ["--no-such-option"]),
    ]

    ended = forked(cases, environment)

    assert ended == [started(*each) for each in cases]
    assert [code for code, _ in ended] == [0, 0, 0, 2, 2]
    assert [*(tmp_path / "tmp").iterdir()] == []


def test_one_that_is_killed_is_told_by_its_signal(tmp_path, environment):
    play = tmp_path / "play.yml"
    play.write_text(PLAY.format(number=9, victim="$(cat pid)"))
    script = tmp_path / "hosts.py"
    script.write_text('#!/bin/sh\necho $PPID >pid; echo \'{"all": {"hosts": ["localhost"]}}\'\n')
    script.chmod(0o755)
    local = ["-e", "ansible_connection=local", "-e", "ansible_python_interpreter=python3"]

    ((code, _),) = forked([case(tmp_path, environment, "killed", ["-i", str(script), *local, str(play)])], environment)

    assert code == -9


def test_another_ansible_than_the_one_that_would_be_started_is_not_imported(tmp_path, environment):
    other = tmp_path / "ansible-playbook"
    other.write_text("#!/bin/sh\n")
    other.chmod(0o755)
    asks = "import sys\nfrom runner.executor.ansible import ansible_runner_adapter\nprint(ansible_runner_adapter.prepare(), 'ansible' in sys.modules)"
    for path in (str(tmp_path), "/nowhere"):
        asked = {"env": {**environment, "PATH": path}, "timeout": PATIENCE}
        done = subprocess.run([sys.executable, "-c", asks], text=True, capture_output=True, check=True, **asked)
        assert done.stdout.split() == ["False", "False"]


def test_an_ansible_that_refuses_to_be_imported_tells_so_itself(environment):
    asks = "from runner.executor.ansible import ansible_runner_adapter\nprint(ansible_runner_adapter.prepare())"
    asked = {
        "env": {**environment, "ANSIBLE_CONFIG": "/no/such/file", "ANSIBLE_FORKS": "no number"},
        "timeout": PATIENCE,
    }

    done = subprocess.run([sys.executable, "-c", asks], text=True, capture_output=True, check=True, **asked)

    assert (done.stdout, done.stderr) == ("False\n", "")


def test_every_fork_finds_what_it_would_find_out_itself(environment):
    asks = (
        "import gc, sys\nfrom runner.executor.ansible import ansible_runner_adapter\nprint(ansible_runner_adapter.prepare())\n"
        "unlike = sys.modules['runbook_stock_way'].unlike\nprint(unlike.cache_info().currsize, repr(unlike()))\n"
        "print('runbook_engine' in sys.modules, gc.isenabled(), gc.get_freeze_count() > 0)\n"
        "print(*sorted({name.split('.')[2] for name in sys.modules if name.startswith('ansible.plugins.') and '.core' in name}))"
    )
    words, environ = [sys.executable, "-c", asks], {**environment, **REPORTING}
    done = subprocess.run(words, env=environ, text=True, capture_output=True, check=True)

    assert done.stdout.splitlines() == ["True", "1 ''", "True True True", "filter test"]


def test_it_reads_the_variables_that_lie_beside_an_inventory(tmp_path, environment):
    play = tmp_path / "play.yml"
    play.write_text("- hosts: all\n  gather_facts: false\n  tasks: [{debug: {var: beside}}]\n")
    (tmp_path / "group_vars").mkdir()
    (tmp_path / "group_vars" / "all.yml").write_text("beside: well found\n")
    asked = case(tmp_path, environment, "output", [str(play), "-i", str(tmp_path / "hosts.ini")])

    ((code, words),) = forked([asked], environment)

    assert (code, words) == started(*asked)
    assert "well found" in words


def test_it_finds_the_plugins_that_lie_beside_a_playbook_and_in_its_roles(tmp_path, environment):
    functions = "class {0}Module:\n    def {1}s(self):\n        return {{'{2}_{1}': lambda value: {3}}}\n"
    role = tmp_path / "roles" / "own"
    for place, name in ((tmp_path, "beside"), (role, "of_role")):
        for kind, does in (("filter", f"value + ' {name}'"), ("test", "value == 'word'")):
            (place / f"{kind}_plugins").mkdir(parents=True)
            text = functions.format(kind.capitalize(), kind, name, does)
            (place / f"{kind}_plugins" / f"{name}.py").write_text(text)
    (role / "tasks").mkdir()
    for file, name, head in (
        (tmp_path / "play.yml", "beside", "- hosts: all\n  gather_facts: false\n  roles: [own]\n  post_tasks:\n    "),
        (role / "tasks" / "main.yml", "of_role", ""),
    ):
        file.write_text(
            f"{head}- debug: {{msg: \"{{{{ 'word' | {name}_filter }}}} {{{{ 'word' is {name}_test }}}}\"}}\n"
        )
    asked = case(tmp_path, environment, "output", [str(tmp_path / "play.yml"), "-i", str(tmp_path / "hosts.ini")])

    ((code, words),) = forked([asked], environment)

    assert (code, words) == started(*asked)
    assert [line.strip() for line in words.splitlines() if "msg" in line] == [
        '"msg": "word of_role True"',
        '"msg": "word beside True"',
    ]


@pytest.mark.parametrize("transport", ["ssh", "smart"])
def test_a_host_is_reached_by_any_connection_that_ansible_has(tmp_path, environment, transport):
    # Given a play for a host that only paramiko would reach: nobody listens there
    (tmp_path / "hosts.ini").write_text("there ansible_host=127.0.0.1 ansible_port=1 ansible_connection=paramiko_ssh")
    (tmp_path / "play.yml").write_text("- hosts: all\n  gather_facts: false\n  tasks: [{raw: 'true'}]\n")
    words, settings = (
        ["-i", "hosts.ini", "play.yml"],
        {"ANSIBLE_TRANSPORT": transport, "ANSIBLE_DEPRECATION_WARNINGS": "0"},
    )
    given = case(tmp_path, environment, "output", words, **settings)

    # When a fork does it, of what has imported Ansible without paramiko
    ((code, output),) = forked([given], {**environment, **settings})

    # Then paramiko was asked, and says why the host was not reached
    assert (code, "Unable to connect to port 1" in output, "paramiko is not installed" in output) == (4, True, False)


def test_nothing_that_most_runs_need_not_is_imported(environment):
    asks = (
        "import sys\nfrom runner.executor.ansible import ansible_runner_adapter\nprint(ansible_runner_adapter.prepare())\n"
        "print(*sorted({'paramiko', 'invoke', 'asyncio'} & {*sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", asks], env=environment, text=True, capture_output=True, check=True)

    assert done.stdout == "True\n\n"
