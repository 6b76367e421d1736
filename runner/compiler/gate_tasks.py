"""The tasks around a step: where everybody stops, where a person is asked, and what follows when it has failed."""

import textwrap
from collections.abc import Iterator

from runner.compiler import needed_steps
from runner.compiler.constructs.criteria import not_met
from runner.compiler.segments import Gate
from runner.core.identifiers import Marker
from runner.core.step_tags import GATE, step_tag
from runner.kinds.ansible_yaml import Task
from runner.model.runbook import Portion, Runbook
from runner.model.step import Step

_WIDTH = 110
_WIDEST = 140
"""Characters of a prompt's line, which stands indented; ansible-lint takes lines of 160."""


def wrapped(line: str, *, width: int = _WIDTH, indent: str = "") -> list[str]:
    """`line` in lines of that width; a word that is longer stays whole, as it may be an address."""
    wrapper = textwrap.TextWrapper(width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
    return wrapper.wrap(line) or [""]


def guard(runbook: Runbook, step: Step) -> Task:
    """The end of all hosts, before `step`, where more have failed than may."""
    title, that = (
        "Go no further when a host has failed",
        "ansible_play_hosts | length == ansible_play_hosts_all | length",
    )
    if runbook.max_failures:
        title = f"Go no further when more than {runbook.max_failures} of the hosts have failed"
        that = f"ansible_play_hosts_all | difference(ansible_play_hosts) | length <= {_may_fail(runbook.max_failures)}"
    return Task(
        Marker(runbook.id, step.id, "guard").task_name(title),
        "ansible.builtin.assert",
        {"that": [that], "quiet": True},
        {"run_once": True, "tags": [step_tag(step.id)]},
    )


def _may_fail(some: Portion) -> str:
    """How many hosts may fail; the product, which works on some of the hosts at a time, says how many are left."""
    share = some if isinstance(some, int) else f"(ansible_play_hosts_all | length) * {some.rstrip('%')} // 100"
    return f"runbook_may_fail | default({share}) | int"


def choose_all(runbook: Runbook, step: Step, name: str) -> Task:
    """Where nobody chooses, everything is chosen."""
    choice = step.choose[name]
    values = f"{choice.from_} | map(attribute='{choice.field}') | list" if choice.field else choice.from_
    return Task(
        Marker(runbook.id, step.id, "choose").task_name(f"Take all of {choice.from_}"),
        "ansible.builtin.set_fact",
        {name: f"{{{{ {values} }}}}"},
        {"tags": [step_tag(step.id), GATE]} | needed_steps.if_needed(step),
    )


_ASKS = {
    "approve": "Press Enter to go ahead, or Ctrl-C and A to abort",
    "manual": "Press Enter when it is done, or Ctrl-C and A to abort",
    "confirm": "Press Enter when this is so, or Ctrl-C and A to abort",
}


def gate_task(runbook: Runbook, step: Step, gate: Gate) -> Task:
    """The pause in which plain Ansible waits for a person; a run asks itself."""
    texts = [line for part in (step.why, gate.text) if part for line in part.splitlines()]
    lines = [part for line in texts for part in wrapped(line, width=_WIDEST)]
    return Task(
        Marker(runbook.id, step.id, "gate").task_name(step.name if gate.kind == "manual" else gate.text),
        "ansible.builtin.pause",
        {"prompt": "\n".join([*lines, _ASKS[gate.kind]])},
        {"tags": [step_tag(step.id), GATE]} | needed_steps.if_needed_anywhere(step),
    )


def rescued(runbook: Runbook, step: Step) -> Iterator[Task]:
    """What is done where a step has failed and others are still to be done."""
    if step.criterion:
        yield not_met(runbook, step, step.criterion)
    elif step.on_failure == "continue":
        yield _carry_on(runbook, step)


def _carry_on(runbook: Runbook, step: Step) -> Task:
    return Task(
        Marker(runbook.id, step.id, "rescue").task_name("Failed; the runbook continues"),
        "ansible.builtin.debug",
        {"msg": f"{step.id} failed and says on_failure: continue; the run is not green"},
    )
