"""An action that is tried again is a block within the rescue of another, as Ansible people would write it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from runner.compiler.retries import acts, attempts
from runner.core.identifiers import Marker
from runner.kinds.ansible_yaml import Block
from runner.kinds.invocation import Invocation
from runner.kinds.steps.command_step import CommandStep
from runner.kinds.verifications.exit_code import Exit
from runner.kinds.verifications.that import That
from runner.model.step import Retry, Step
from runner.model.verification import Verification

MARKER = Marker("RUN-001", "a", "action")
TWO_SECONDS = timedelta(seconds=2)


GOOD = That(that="rc == 0")


def made(retry=None, *, verify=GOOD):
    judged = Verification(says="Fine", kinds=(verify,))
    step = Step(id="a", name="A", action=CommandStep(command="ls"), verify=(judged,), retry=retry)
    return list(attempts(MARKER, step, step.action.invocation(TWO_SECONDS, lambda _: "")))


def shape(item):
    if isinstance(item, Block):
        return [shape(task) for task in item.tasks], [shape(task) for task in item.rescue]
    return item.name.partition(" | ")[0].removeprefix("RUN-001/a/")


def pauses(item):
    if not isinstance(item, Block):
        return [item.args["argv"][1]] if item.args.get("argv", [""])[0] == "sleep" else []
    return [pause for task in (*item.tasks, *item.rescue) for pause in pauses(task)]


def test_without_retry_there_is_one_task():
    assert [shape(item) for item in made()] == ["action"]


def test_each_attempt_waits_in_the_rescue_of_the_one_before_it_longer_each_time():
    (block,) = made({"attempts": 4, "delay": "500ms", "backoff": 3})

    last = (["attempt/3"], ["retry/3", "retry/3", "action"])
    assert shape(block) == (["attempt/1"], ["retry/1", "retry/1", (["attempt/2"], ["retry/2", "retry/2", last])])
    assert pauses(block) == ["0.5s", "1.5s", "4.5s"]


def test_with_exit_codes_another_attempt_is_only_worth_it_after_one_of_them():
    (block,) = made({"attempts": 2, "exit_codes": [3, 4]})

    assert shape(block) == (["attempt/1"], ["retry/1", "retry/1", "action"])
    assert block.rescue[0].args["that"] == [
        "result.module_stdout is not defined",
        "result.rc | default(124) in [3, 4]",
    ]


def test_what_never_answered_is_not_tried_again_as_it_may_still_be_at_it():
    (block,) = made({"attempts": 2})

    assert (block.rescue[0].module, block.rescue[0].args["that"]) == (
        "ansible.builtin.assert",
        ["result.module_stdout is not defined"],
    )


@pytest.mark.parametrize(
    ("retry", "failed_when"),
    [
        ({"attempts": 2}, "result.rc | default(124) not in [0, 2] or result.module_stdout is defined"),
        ({"attempts": 2, "exit_codes": 3}, "result.rc | default(124) in [3] or result.module_stdout is defined"),
    ],
)
def test_where_a_verification_judges_the_exit_code_it_says_which_attempt_has_failed(retry, failed_when):
    (block,) = made(retry, verify=Exit(exit=(0, 2)))

    assert block.tasks[0].keywords["failed_when"] == failed_when
    assert block.rescue[-1].keywords["failed_when"] == (
        "result.rc | default(124) == 124 or result.module_stdout is defined"
    )


def test_the_pauses_of_a_retry():
    assert Retry(attempts=3, delay="1s", backoff=2.0).pauses == (timedelta(seconds=1), TWO_SECONDS)


def test_a_role_in_a_block_that_says_how_it_ended():
    role = {"name": "web"}
    call = Invocation(
        *("ansible.builtin.import_role", role), task_timeout=timedelta(seconds=1.5), imports=True, facts=True
    )
    assert [each.data() for each in acts(Marker("RUN-001", "web", "action"), "Set up", call, {})] == [
        {
            "name": "RUN-001/web/tasks | Set up",
            "timeout": 2,
            "block": [
                {"name": "RUN-001/web/guard | Gather the facts that the tasks look at", "ansible.builtin.setup": {}},
                {"name": "RUN-001/web/tasks | Set up", "ansible.builtin.import_role": role},
                {"name": "RUN-001/web/guard | Do what they have notified", "ansible.builtin.meta": "flush_handlers"},
                {
                    "name": "RUN-001/web/action | Set up",
                    "ansible.builtin.assert": {"that": ["ansible_play_hosts is defined"], "quiet": True},
                },
            ],
            "rescue": [
                {
                    "name": "RUN-001/web/action | Set up",
                    "ansible.builtin.fail": {
                        "msg": "{{ ansible_failed_task.name }}: {{ ansible_failed_result.msg | default('failed') }}"
                    },
                }
            ],
        }
    ]
