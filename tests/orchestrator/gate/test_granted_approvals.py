"""A yes is for what was asked: it is void when anything that a construct depends on has changed while it was waited for."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from harness.engine import LOST, change

from runner.compiler.command_preview import in_words
from runner.core.errors import ExitCode
from runner.core.events import EventType
from runner.kinds.ansible_yaml import dump
from runner.kinds.steps.delivery.announce_step import AnnounceStep
from runner.model.contacts import read_contacts
from runner.orchestrator.gate.gate_facts import told
from runner.orchestrator.run_environment import GateAnswer

ROLE = {"id": "web", "name": "Web", "effect": "change", "verify": [{"command": "ls /web"}], "approve": "Go?"}
TASKS = "- {name: First, ansible.builtin.command: touch /a}\n"
FILES = {
    "playbooks/roles/web/tasks/main.yml": TASKS,
    "playbooks/roles/web/templates/web.j2": "touch",
    "runbooks/tasks/deploy.yml": TASKS,
    "runbooks/shared/act.yml": dump(
        {
            "title": "Act",
            "inputs": {"place": {"default": "/srv", "help": "Where"}},
            "steps": [change("now", approve="Go?", command="touch {{ place }}")],
        }
    ),
}
FIND = change("find", effect="read", command="ls", capture={"stuck": "stdout.splitlines()"}, verify=[{"exit": 0}])
MOVE = change("act", each="{{ stuck }}", command="mv {{ item }} /tmp", verify=[{"exit": 0}], approve="Go?")
DRAIN = change("act", on="lb1", command="drain {{ step_host }}", approve="Go?")
BRANCH = {"if": "used > 90", "says": "It is full", "then": [change("act", approve="Go?")]}
WAY = {"id": "way", "name": "Which?", "decide": [BRANCH, {"else": "nothing"}]}
COMPARED = change(
    "act", approve="Go?", verify=[{"command": "count", "baseline": "stdout | int", "that": "stdout | int <= baseline"}]
)
LOOK = change("look", effect="read", capture={"used": "stdout"})

YES = GateAnswer(yes=True, by="alice")


def edited(path, old="touch", new="rm"):
    """Somebody writes another thing into that file of the library."""

    def edit(engine):
        file = engine.directory / path
        assert old in file.read_text()
        file.write_text(file.read_text().replace(old, new))

    return edit


def items(*names):
    return {"items": [{"item": n, "module": "mv", "args": {"src": name}} for n, name in enumerate(names, 1)]}


def found(*names):
    return lambda engine: engine.ansible.commands.update(act=items(*names))


def reached(engine):
    engine.ansible.inventory["machines"] = {"db1": "10.0.0.1:22", "lb1": "10.0.0.9:22"}


def group(engine):
    engine.ansible.hosts["lb1"] = ["lb2"]


def captured(**values):
    def update(engine):
        known = engine.state["captured"]["db1"]
        engine.directory_of_the_run.update(captured={"db1": {**known, **values}})

    return update


RUNBOOK = "the runbook file RUN-001.yml was `"
CHANGES = {
    "an item": (
        [FIND, MOVE],
        found("one", "three"),
        "on db1 what is done was `[2] mv src=two` and is now `[2] mv src=three`",
    ),
    "the number of items": ([FIND, MOVE], found("one"), "on db1 what is done has no longer `[2] mv src=two`"),
    "the address of a delegated host": (
        [DRAIN],
        reached,
        "on lb1, for db1, address was `10.0.0.2:22` and is now `10.0.0.9:22`",
    ),
    "which host it is delegated to": ([DRAIN], group, "the machine that does it was `lb1` and is now `lb2`"),
    "what a branch is taken by": ([LOOK, WAY], captured(way="b"), "captured value way was `way of db1` and is now `b`"),
    "a captured value of its undo": (
        [LOOK, change("act", approve="Go?", undo={"command": "mv /act /{{ used }}", "verify": [{"exit": 0}]})],
        captured(used="b"),
        "captured value used was `used of db1` and is now `b`",
    ),
    "a baseline": ([COMPARED], captured(baseline_act_1=9), "captured value baseline_act_1 was `"),
    "the steps of a branch": ([LOOK, WAY], edited("runbooks/RUN-001.yml"), RUNBOOK),
    "the condition of a branch": ([LOOK, WAY], edited("runbooks/RUN-001.yml", "used > 90", "used > 9"), RUNBOOK),
    "a parameter": (
        [{"use": "shared/act", "with": {"place": "/opt"}}],
        edited("runbooks/RUN-001.yml", "/opt", "/"),
        RUNBOOK,
    ),
    "shared steps": (
        [{"use": "shared/act"}],
        edited("runbooks/shared/act.yml"),
        "the runbook file shared/act.yml was `",
    ),
    "a task of a role": (
        [{**ROLE, "role": "web"}],
        edited("playbooks/roles/web/tasks/main.yml"),
        "the runbook file ../playbooks/roles/web/tasks/main.yml was `",
    ),
    "a template of a role": (
        [{**ROLE, "role": "web"}],
        edited("playbooks/roles/web/templates/web.j2"),
        "the runbook file ../playbooks/roles/web/templates/web.j2 was `",
    ),
    "a file of tasks": (
        [{**ROLE, "tasks": "tasks/deploy.yml"}],
        edited("runbooks/tasks/deploy.yml"),
        "the runbook file tasks/deploy.yml was `",
    ),
}
"""The steps of a run, what changes while somebody is asked, and what is said of it."""


@pytest.mark.parametrize("what", CHANGES)
def test_a_yes_is_void_when_what_a_construct_depends_on_has_changed_meanwhile(engine, what):
    # Given
    steps, happens, sentence = CHANGES[what]
    for name, text in FILES.items():
        path = engine.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    engine.ansible.inventory["machines"] = {"db1": "10.0.0.1:22", "lb1": "10.0.0.2:22"}
    if MOVE in steps:
        engine.ansible.commands["act"] = items("one", "two")

    def answer(gate, view):
        del gate, view
        happens(engine)
        return GateAnswer(yes=True, by="alice")

    engine.operator.answer = answer
    # When
    ended = engine.run(*steps)
    # Then
    last = steps[-1].get("id", "act-now").replace("way", "act")
    assert (ended.exit_code, last in engine.done("db1")) == (ExitCode.DENIED, False)
    assert ended.problems[0].startswith(f"the approval of {last} is void: ")
    assert sentence in ended.problems[0]
    assert len([record for record in engine.records if record.type == EventType.GATE_VOIDED]) == 1


def test_where_a_host_is_lost_a_yes_is_for_what_is_done_on_the_others(engine):
    # Given two hosts, of which one is lost before the question
    engine.ansible.hosts = {"all": ["db1", "db2"]}
    engine.ansible.answers = {("look", "action", "db1"): LOST}
    engine.operator.answer = lambda *_: engine.ansible.commands.update(act=items("three")) or YES
    # When what would be done on the other changes meanwhile
    ended = engine.run(LOOK, change("act", approve="Go?"), max_failures=1)
    # Then nothing is done there
    assert (ended.exit_code, engine.done("db2"), ended.problems) == (
        ExitCode.DENIED,
        ["look"],
        ("the approval of act is void: on db2 what is done was `touch /act` and is now `[1] mv src=three`",),
    )


CONTACTS = """
ops: {name: Operations, channels: [{webhook: {url: "https://chat.example/hooks/T0/s3cret", headers: {X-Key: "env:KEY"}}}]}
mute: {name: Nobody hears}
"""


def test_the_question_about_a_message_says_whom_it_is_told_and_no_secret(tmp_path):
    (tmp_path / "contacts.yml").write_text(CONTACTS)
    announce = AnnounceStep.model_validate({"announce": {"to": ["ops", "mute"], "says": "{{ what }} begins"}})
    step = SimpleNamespace(announces=announce.announces)

    preview = told(step, {"args": {"msg": "It begins"}}, read_contacts(tmp_path / "contacts.yml"))

    assert in_words(preview).splitlines() == [
        "announce It begins",
        "to ops (Operations) by webhook url=https://chat.example/... headers=X-Key=env:KEY",
        "to mute (Nobody hears), who has no channel that takes messages",
    ]
