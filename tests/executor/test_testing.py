"""The stand-ins for Ansible say what a real one says: the same words in the same order, of the same shape."""

from __future__ import annotations

import os
import sys
from dataclasses import replace

import pytest
import yaml
from harness.engine import FAILED, LOST
from harness.fake_run import END, INVENTORY, START, request_in
from harness.fakes import RUN_ID

from runner.executor.ansible.ansible_executor import AnsibleExecutor
from runner.executor.job import Cancellation, Job, JobPart
from runner.executor.testing import ScriptedExecutor

pytestmark = pytest.mark.live

REAL = AnsibleExecutor()

LOCAL = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable, "runbook_environment": "local"}
HOSTS = {"one": LOCAL, "two": LOCAL, "gone": {"ansible_host": "127.0.0.1", "ansible_port": 1}}
SOON = {"says": "It is up", "command": "printf up", "matches": "up", "within": "5s", "every": "100ms"}


def step(name, command="true", **keys):
    return {"id": name, "name": name.capitalize(), "command": command, "on_failure": "stop", **keys}


STEPS = [
    step("look", "printf 7", effect="read", capture={"seven": "stdout"}, verify=[{"exit": 0}]),
    step("act", verify=[SOON], undo={"command": "true", "verify": [{"exit": 0}]}),
    step("only-one", "test {{ inventory_hostname }} = one", on_failure="continue", verify=[SOON]),
    step("never", "false", verify=[SOON]),
    step("nowhere", verify=[{"says": "It is up", "command": "printf down", "matches": "up"}]),
    step(
        "facts", module={"ansible.builtin.setup": {"gather_subset": "min"}}, command=None, verify=[{"that": "result"}]
    ),
    step("last", approve="Go?", verify=[{"exit": 0}]),
]


@pytest.fixture
def job(tmp_path, temporary):
    steps = [{key: value for key, value in each.items() if value is not None} for each in STEPS]
    (tmp_path / "hosts.yml").write_text(yaml.safe_dump({"all": {"hosts": HOSTS}}, sort_keys=False))
    return Job(
        run_id=RUN_ID,
        name="RUN-001.yml",
        playbook=request_in(tmp_path, steps=steps).playbook,
        inventories=(tmp_path / "hosts.yml",),
        limit=None,
        inputs={},
        hosts="all",
        becomes=False,
        environ={"HOME": os.environ.get("HOME", "/"), "PATH": os.environ["PATH"]},
        cancellation=Cancellation(),
        names=True,
    )


def differences(fake, real, where):
    """Where `fake` has what `real` has not, or has it of another type."""
    if isinstance(fake, dict) and isinstance(real, dict):
        unknown = [f"{where}.{key}: a real one has no such thing" for key in fake if key not in real]
        return unknown + [
            each for key in fake if key in real for each in differences(fake[key], real[key], f"{where}.{key}")
        ]
    if isinstance(fake, list) and isinstance(real, list):
        return [each for one, other in zip(fake, real, strict=False) for each in differences(one, other, f"{where}[]")]
    return [] if type(fake) is type(real) else [f"{where}: {fake!r} is not of the type of {real!r}"]


def by_host(messages):
    """What was said of each host in order; hosts do a task at the same time."""
    told = {}
    for message in messages:
        told.setdefault(message.get("host", ""), []).append(message)
    return told


FAILING = {("only-one", "action", "two"): FAILED, ("never", "action"): FAILED}


@pytest.mark.parametrize(
    ("steps", "limit", "answers", "code"),
    [
        (["look", "act"], [], {("look", "action", "gone"): LOST}, 4),
        (["only-one", "last", "undo-act"], ["one", "two"], FAILING, 0),
        (["only-one", "last"], ["one", "gone"], {("only-one", "action", "gone"): LOST}, 4),
        (["never", "last"], ["one", "two"], FAILING, 2),
        (["nowhere"], ["one"], {("nowhere", "verify/1"): ("failed", {"assertion": "a", "msg": "Assertion failed"})}, 2),
    ],
)
def test_the_scripted_one_says_what_a_real_one_says(job, steps, limit, answers, code):
    part = JobPart([f"step-{name}" for name in steps], limit=limit, render=["last"], render_next=["last"])
    scripted, fake, real = ScriptedExecutor(hosts={"all": list(HOSTS)}, answers=answers), [], []

    ends = [REAL.execute(job, part, handle=real.append), scripted.execute(job, part, handle=fake.append)]

    assert [(end.why, end.code) for end in ends] == [("exited", code)] * 2
    assert [each["plays"] for each in fake[:1]] == [each["plays"] for each in real[:1]]
    faked, spoken = by_host(fake), by_host(real)
    for host in faked.keys() | spoken.keys():
        words = [[(each["kind"], each.get("task")) for each in told.get(host, [])] for told in (faked, spoken)]
        assert words[0] == words[1], host
        for one, other in zip(faked[host], spoken[host], strict=True):
            assert differences(one, other, f"{host} {one.get('task')} {one['kind']}") == []


def test_the_scripted_one_names_the_hosts_and_what_is_done_as_a_real_one_does(job):
    part = JobPart(["never-anything"], render=["last"])

    fake, real = ScriptedExecutor(hosts={"all": list(HOSTS)}).resolve(job, part), REAL.resolve(job, part)

    assert differences(fake, real, "inventory") == []
    assert [fake[key] for key in ("plays", "names")] == [real[key] for key in ("plays", "names")]


def test_the_one_on_the_path_is_heard_as_a_real_one_is(job, ansible):
    # Given what a real one says and notes
    part, noted, directories = JobPart(["step-look"], limit=["one"]), [], []

    def hear(messages):
        def handle(message):
            messages.append(message)
            if message["kind"] == "end":
                lines = (directories[-1] / "begun").read_text().splitlines()
                noted.append([line for line in lines if line.startswith("+")])

        return handle

    job, real, fake = replace(job, on_workspace=directories.append), [], []
    REAL.execute(job, part, handle=hear(real))
    # When the stand-in says the same
    ansible.says(*real)
    ansible.executor().execute(job, part, handle=hear(fake))
    # Then it is heard and noted in the same way, and what the tests let it say is of that shape
    assert (fake, noted[1]) == (real, noted[0])
    spoken = {message["kind"]: message for message in real}
    told = [differences(each, spoken[each["kind"]], each["kind"]) for each in (START, END)]
    assert told == [[], []]
    assert differences({**INVENTORY, "environments": {"one": "local"}}, spoken["inventory"], "inventory") == []


def test_what_a_step_will_do_is_told_alike_before_and_after_others_have_failed_or_found_something_out(job):
    heard = []

    REAL.execute(
        job,
        JobPart(["step-only-one", "step-facts"], limit=["two"], render=["last"], render_next=["last"]),
        handle=heard.append,
    )

    (passed,) = [each["kind"] for each in heard if "facts/action" in each.get("task", "") and each["kind"] != "start"]
    assert (passed, heard[-1]["commands"]) == ("ok", heard[0]["commands"])
