"""A step with `each` as it is compiled: what stands in the playbook, and what in a file of tasks beside it."""

from __future__ import annotations

import yaml
from harness.fakes import runbook_file
from jinja2 import Environment

from runner.compiler.committed_playbook import compiled, compiled_beside, is_stale, reviewed, reviewed_beside, write
from runner.compiler.constructs.each_item import captured, finds
from runner.library.library import Library

MOVE = {
    "id": "move",
    "name": "Move",
    "each": {"of": ["a", 1, True, {"name": "{{ who }}s"}], "limit": 5},
    "command": "mv {{ item }} /tmp",
    "capture": {"code": "rc"},
    "verify": [{"exit": 0}, {"says": "It is gone", "command": "ls /tmp/{{ item }}"}],
    "undo": {"command": "mv /tmp/{{ item }} .", "verify": [{"exit": 0}]},
}


def source_of(tmp_path, **keys):
    (tmp_path / "runbooks").mkdir(exist_ok=True)
    path = tmp_path / "runbooks" / "RUN-001.yml"
    path.write_bytes(runbook_file(tmp_path, steps=[{**MOVE, **keys}]).read_bytes())
    return Library(tmp_path).source(str(path))


def test_the_items_are_found_once_and_the_file_is_included_for_each_that_is_due(tmp_path):
    play, undo = yaml.safe_load(compiled(source_of(tmp_path)))
    found, done = play["tasks"]
    items = "['a', 1, true, {'name': (who) ~ 's'}]"
    assert found["tags"] == ["step-move", "items-move"]
    assert [task.get("vars") or task["ansible.builtin.set_fact"] for task in found["block"]] == [
        {"items": f"{{{{ {items} }}}}"},
        {"runbook_items_move": f"{{{{ {items} }}}}"},
    ]
    # A run that goes on keeps those that it has begun with
    assert {task["when"] for task in found["block"]} == {"runbook_items_move is not defined"}
    assert found["block"][0]["ansible.builtin.assert"]["that"][1] == "items | length <= 5"
    message = found["block"][0]["ansible.builtin.assert"]["fail_msg"].removeprefix("{{").removesuffix("}}")
    says = Environment().compile_expression(message)
    assert [says(items=items, inventory_hostname="db1") for items in (list(range(6)), "abc", {"a": 1})] == [
        "db1 has 6 items; at most 5 (each: {of: ..., limit: 10} allows more)",
        "a, 1, True, ('name': '(( who ))s') is a text, not a list",
        "a, 1, True, ('name': '(( who ))s') is not a list",
    ]
    loop = done["block"][0]
    assert (loop["ansible.builtin.include_tasks"], loop["loop_control"], loop["vars"], loop["tags"]) == (
        {"file": "tasks/RUN-001.move.yml"},
        {"loop_var": "item_number"},
        {"item": "{{ runbook_items_move[item_number - 1] }}"},
        ["recheck-move"],
    )
    assert loop["loop"].split() == (
        [
            "{{",
            "runbook_due_move",
            "|",
            "default(range(1,",
            "runbook_items_move",
            "|",
            "length",
            "+",
            "1)",
            "|",
            "list)",
            "}}",
        ]
    )
    (back,) = undo["tasks"][0]["block"]
    assert back["ansible.builtin.include_tasks"] == {"file": "tasks/RUN-001.undo-move.yml"}


def test_the_tasks_themselves_stand_beside_it_and_are_reviewed_with_it(tmp_path):
    source = source_of(tmp_path)
    library = Library(tmp_path)
    beside = compiled_beside(source)
    assert [*beside] == ["tasks/RUN-001.move.yml", "tasks/RUN-001.undo-move.yml"]
    names = [task["name"].partition(" | ")[0] for task in yaml.safe_load(beside["tasks/RUN-001.move.yml"])]
    assert names == [f"RUN-001/move/{part}" for part in ("action", "capture", "verify/1", "verify/2/probe", "verify/2")]

    assert is_stale(library, source)
    write(library, source)
    assert not is_stale(library, source)
    assert reviewed_beside(library, source) == {name: text.encode() for name, text in beside.items()}
    # The playbook names them by their hashes, so that whoever knows it knows them
    changed = source_of(tmp_path, command="mv {{ item }} /var")
    assert compiled(changed) != compiled(source)
    assert reviewed(library, source) == compiled(source).encode()

    # When a step is no longer done for each, its file goes
    (tmp_path / "playbooks" / "tasks" / "RUN-001.move.yml").write_text("edited")
    assert is_stale(library, source)
    plain = source_of(
        tmp_path, each=None, command="ls", undo={"command": "ls", "verify": [{"exit": 0}]}, verify=[{"exit": 0}]
    )
    assert is_stale(library, plain)
    write(library, plain)
    assert list((tmp_path / "playbooks" / "tasks").iterdir()) == []
    assert not is_stale(library, plain)


def test_a_step_without_each_has_neither(tmp_path):
    step = source_of(tmp_path).runbook.steps[0]
    assert list(finds("RUN-001", step.model_copy(update={"each": None}), {}, (), ())) == []
    assert captured(step) == {
        "runbook_captured_move": "{{ (runbook_captured_move | default([]) | rejectattr('item', 'eq', item_number) "
        "| list) + [{'item': item_number, 'code': (rc)}] }}"
    }
