"""An input that is true or false is `true` or `false` to programs, and stays what it is to everything else."""

from __future__ import annotations

from runner.compiler.boolean_inputs import spell
from runner.kinds.ansible_yaml import Block, Task

COMMAND = "ansible.builtin.command"


def test_it_is_spelled_as_in_json_in_all_that_a_program_gets():
    args = {"argv": ["x", "--force={{ force }}", "{{ forced }}", "{{force|quote}}", "{{ force | ternary(1, 2) }}"]}
    given = Task(
        "A", COMMAND, {**args, "stdin": "{{- force -}}"}, {"environment": {"F": "{{ force }}"}, "when": "force"}
    )

    spelled = spell(Block("B", [given], rescue=[given]), {"force"})

    argv = [
        "x",
        "--force={{ force | to_json }}",
        "{{ forced }}",
        "{{force | to_json|quote}}",
        "{{ force | ternary(1, 2) }}",
    ]
    keywords = {"environment": {"F": "{{ force | to_json }}"}, "when": "force"}
    expected = Task("A", COMMAND, {"argv": argv, "stdin": "{{- force | to_json -}}"}, keywords)
    assert spelled == Block("B", [expected], rescue=[expected])


def test_a_module_takes_it_as_it_is():
    task = Task("A", "ansible.builtin.file", {"force": "{{ force }}"})

    assert spell(task, {"force"}) == task
