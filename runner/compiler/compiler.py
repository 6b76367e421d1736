"""From a Runbook to the Ansible playbook that does it: one step is one block, in file order."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from types import MappingProxyType
from typing import Any

from runner.compiler import needed_steps
from runner.compiler.batches import plays
from runner.compiler.condition_names import bindings, reads
from runner.compiler.delegation import delegated
from runner.compiler.input_delivery import hide, spell
from runner.compiler.retries import action_keywords, acts, attempts
from runner.compiler.segments import Gate, after, before
from runner.compiler.verification_tasks import RESULT, checks
from runner.core.duration import parse
from runner.core.identifiers import Marker
from runner.core.step_tags import GATE, NEVER, recheck_tag, step_tag, undo_id
from runner.kinds.ansible_yaml import Block, Play, Playbook, Task
from runner.kinds.base import ReadFile
from runner.kinds.invocation import Invocation
from runner.kinds.steps.base import StepKind
from runner.model.input import Input
from runner.model.runbook import Portion, Runbook
from runner.model.step import Effect, Step, Undo

_FOUND_BY = {
    "RUNBOOK_RUN_ID": "{{ runbook_run_id | default('') }}",
    "RUNBOOK_ATTEMPT": "{{ lookup('ansible.builtin.env', 'RUNBOOK_ATTEMPT') }}",
}
"""The environment by which what a run and an attempt have started is found again; without the product, it is empty."""

_WIDTH = 110
_WIDEST = 140
"""Characters of a prompt's line, which stands indented; ansible-lint takes lines of 160."""


def compile_runbook(
    runbook: Runbook, read_file: ReadFile, values: Mapping[str, Any] = MappingProxyType({})
) -> Playbook:
    """The playbook of `runbook`, whose files of `values` set these; the same runbook always gives the same one.

    Raises:
        ValueError: a file that a step names cannot be used; the message begins with the step's id.
    """
    play = partial(_play, runbook, values)
    forward = [
        play(pattern, _forward(runbook, steps, read_file), steps, serial=_serial(runbook, steps))
        for pattern, steps in plays(runbook)
    ]
    backward = [
        play(runbook.hosts_of(step), [_undo(runbook, step, step.undo, read_file)])
        for step in reversed(runbook.steps)
        if step.undo
    ]
    cancelled = [
        play(runbook.hosts_of(step), _step(runbook, step, read_file, tags=(NEVER,)), [step])
        for step in runbook.on_cancel
    ]
    return Playbook(_header(runbook), [*forward, *backward, *cancelled])


def _serial(runbook: Runbook, steps: Sequence[Step]) -> str | None:
    """How many hosts Ansible takes at a time by itself; the product names the hosts of each batch instead."""
    if not runbook.serial or steps[0] in runbook.prerequisites:
        return None
    return f"{{{{ runbook_serial | default({list(runbook.serial)!r}) }}}}"


def variables(runbook: Runbook, values: Mapping[str, Any]) -> dict[str, Any]:
    """The Ansible variables for the inputs `values`: each duration is there as a number, too, in seconds."""
    as_numbers = {
        f"{name}_seconds": parse(value).total_seconds()
        for name, value in values.items()
        if runbook.inputs[name].type == "duration"
    }
    return {**values, **as_numbers}


def _header(runbook: Runbook) -> list[str]:
    takes = [_takes(name, item) for name, item in runbook.inputs.items()]
    undos = [f"  --tags {step_tag(undo_id(step.id))}" for step in reversed(runbook.steps) if step.undo]
    few = ", and with --limit no more hosts at a time than on the way there" if runbook.serial else ""
    lines = [
        f"{runbook.id}: {runbook.title}",
        "",
        f"Written by `runbook compile` from {runbook.id}.yml: change that file and compile again.",
        f"It runs with plain Ansible too: ansible-playbook -i INVENTORY {runbook.id}.yml",
        *(["Inputs:", *takes] if takes else []),
        *([f"To take changes back, newest first{few}:", *undos] if undos else []),
    ]
    return [part for line in lines for part in _wrapped(line, indent="    ")]


def _wrapped(line: str, *, width: int = _WIDTH, indent: str = "") -> list[str]:
    """`line` in lines of that width; a word that is longer stays whole, as it may be an address."""
    wrapper = textwrap.TextWrapper(width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
    return wrapper.wrap(line) or [""]


def _takes(name: str, item: Input) -> str:
    """How the input is given to plain Ansible, for which `-e name=value` is text, whatever the value."""
    if item.type == "secret":
        return f"  -e @FILE  which ansible-vault has encrypted, and which sets {name}: {item.help}"
    if item.type in {"string", "enum", "date", "host"}:
        return f"  -e {name}=...  {item.help}"
    example = {"bool": True}.get(item.type, 1) if item.default is None else item.default
    value = {f"{name}_seconds": 60.0, name: "1m"} if item.type == "duration" else {name: example}
    return f"  -e '{json.dumps(value)}'  {item.help}"


def _play(
    runbook: Runbook,
    values: Mapping[str, Any],
    pattern: str,
    tasks: Iterable[Task | Block],
    steps: Sequence[Step] = (),
    *,
    serial: str | None = None,
) -> Play:
    inputs = {name: item for name, item in runbook.inputs.items() if name not in runbook.secrets}
    given = {name: item.default for name, item in inputs.items() if item.default is not None}
    defaults = {**variables(runbook, given), **values, **needed_steps.defaults(steps)}
    truths = [name for name, item in inputs.items() if item.type == "bool"]
    truths += [name for name, value in values.items() if isinstance(value, bool)]
    keywords: dict[str, Any] = {
        "gather_facts": False,
        "environment": _FOUND_BY,
    }
    return Play(
        name=f"{runbook.id} | {runbook.title}",
        hosts=pattern,
        tasks=[hide(spell(each, truths), runbook.secrets) for each in tasks],
        keywords={**({"serial": serial} if serial else {}), **keywords, **({"vars": defaults} if defaults else {})},
    )


def _forward(runbook: Runbook, steps: Sequence[Step], read_file: ReadFile) -> Iterator[Task | Block]:
    """The steps of one play; between two of them, and before the next play, everybody stops where one host was lost."""
    for number, step in enumerate(steps):
        if number:
            yield _guard(runbook, step)
        yield from _step(runbook, step, read_file)
    if steps[-1] is not runbook.procedure[-1]:
        yield _guard(runbook, steps[-1])


def _guard(runbook: Runbook, step: Step) -> Task:
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


def _step(runbook: Runbook, step: Step, read_file: ReadFile, *, tags: Sequence[str] = ()) -> Iterator[Task | Block]:
    rescue = [_carry_on(runbook, step)] if step.on_failure == "continue" else []
    yield from needed_steps.decides(runbook, step, rescue, tags)
    for gate in before(step):
        yield _choose(runbook, step, gate.choice) if gate.kind == "choose" else _gate(runbook, step, gate)
    tasks = list(step_tasks(runbook, step, read_file))
    if tasks:
        yield Block(
            name=f"{runbook.id}/{step.id} | {step.name}",
            tasks=tasks,
            keywords={"tags": [step_tag(step.id), *tags]}
            | needed_steps.if_needed(step)
            | _become(step)
            | delegated(step.on, tasks),
            rescue=rescue,
        )
    for gate in after(step):
        yield _gate(runbook, step, gate)


def _choose(runbook: Runbook, step: Step, name: str) -> Task:
    """Where nobody chooses, everything is chosen."""
    choice = step.choose[name]
    values = f"{choice.from_} | map(attribute='{choice.field}') | list" if choice.field else choice.from_
    return Task(
        Marker(runbook.id, step.id, "choose").task_name(f"Take all of {choice.from_}"),
        "ansible.builtin.set_fact",
        {name: f"{{{{ {values} }}}}"},
        {"tags": [step_tag(step.id), GATE]} | needed_steps.if_needed(step),
    )


def step_tasks(runbook: Runbook, step: Step, read_file: ReadFile) -> Iterator[Task | Block]:
    """The tasks that do `step` and verify it, without its gates.

    Raises:
        ValueError: a file that it names cannot be used.
    """
    call = None
    if step.action and not step.manual:
        call = _call(step.id, step.action, step, read_file)
        yield from attempts(Marker(runbook.id, step.id, "action"), step, call)
        if step.capture:
            yield _capture(Marker(runbook.id, step.id, "capture"), step, call)
    again = {number for number, _ in step.repeated} if step.effect is not Effect.READ else set()
    for number, verification in step.automated:
        text = step.action.text if step.action else None
        tags = [recheck_tag(step.id)] if number in again else []
        marker = Marker(runbook.id, step.id, f"verify/{number}")
        for check in checks(marker, verification, call, text):
            yield replace(check, keywords={**check.keywords, "tags": tags}) if tags else check


def _undo(runbook: Runbook, step: Step, undo: Undo, read_file: ReadFile) -> Block:
    name, title = undo_id(step.id), f"Undo: {step.name}"
    call = _call(step.id, undo.action, step, read_file)
    action = acts(Marker(runbook.id, name, "action"), title, call, action_keywords(step.effect, undo.verify))
    verified = [
        check
        for number, verification in enumerate(undo.verify, 1)
        for check in checks(Marker(runbook.id, name, f"verify/{number}"), verification, call, undo.action.text)
    ]
    tasks = [*action, *verified]
    return Block(
        name=f"{runbook.id}/{name} | {title}",
        tasks=tasks,
        keywords={"tags": [step_tag(name), NEVER]} | _become(step) | delegated(step.on, tasks),
    )


def _call(step_id: str, action: StepKind, step: Step, read_file: ReadFile) -> Invocation:
    try:
        return action.invocation(step.timeout, read_file)
    except ValueError as error:
        raise ValueError(f"{step_id}: {error}") from error


def _become(step: Step) -> dict[str, Any]:
    becomes = step.become or step.become_user
    return ({"become": True} if becomes else {}) | ({"become_user": step.become_user} if step.become_user else {})


def _capture(marker: Marker, step: Step, call: Invocation) -> Task:
    values = {name: f"{{{{ {expression} }}}}" for name, expression in step.capture.items()}
    names = bindings(step.capture.values(), call.bound(RESULT))
    names_read = reads(step.capture.values(), RESULT)
    keywords: dict[str, Any] = {"vars": names} if names else {}
    if cuts := call.cut(names_read, RESULT):
        # What was cut is not what the command has said: a later step would take it for that.
        keywords = {"failed_when": " or ".join(f"({cut})" for cut in cuts) if len(cuts) > 1 else cuts[0], **keywords}
    return Task(
        marker.task_name("Keep what later steps need"),
        "ansible.builtin.set_fact",
        values,
        keywords,
    )


_ASKS = {
    "approve": "Press Enter to go ahead, or Ctrl-C and A to abort",
    "manual": "Press Enter when it is done, or Ctrl-C and A to abort",
    "confirm": "Press Enter when this is so, or Ctrl-C and A to abort",
}


def _gate(runbook: Runbook, step: Step, gate: Gate) -> Task:
    texts = [line for part in (step.why, gate.text) if part for line in part.splitlines()]
    lines = [part for line in texts for part in _wrapped(line, width=_WIDEST)]
    return Task(
        Marker(runbook.id, step.id, "gate").task_name(step.name if gate.kind == "manual" else gate.text),
        "ansible.builtin.pause",
        {"prompt": "\n".join([*lines, _ASKS[gate.kind]])},
        {"tags": [step_tag(step.id), GATE]} | needed_steps.if_needed_anywhere(step),
    )


def _carry_on(runbook: Runbook, step: Step) -> Task:
    return Task(
        Marker(runbook.id, step.id, "rescue").task_name("Failed; the runbook continues"),
        "ansible.builtin.debug",
        {"msg": f"{step.id} failed and says on_failure: continue; the run is not green"},
    )
