"""From a Runbook to the Ansible playbook that does it: one step is one block, in file order."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from types import MappingProxyType
from typing import Any

from runner.compiler import needed_steps
from runner.compiler.batches import plays
from runner.compiler.condition_names import bindings, reads
from runner.compiler.constructs import each_item
from runner.compiler.constructs.criteria import all_met, last_criterion
from runner.compiler.constructs.trigger import looked_at
from runner.compiler.delegation import delegated
from runner.compiler.gate_tasks import choose_all, gate_task, guard, rescued, wrapped
from runner.compiler.input_delivery import hide, spell
from runner.compiler.retries import action_keywords, acts, attempts
from runner.compiler.segments import Gate, after, before
from runner.compiler.verification_tasks import RESULT, checks
from runner.core.duration import parse
from runner.core.identifiers import Marker
from runner.core.step_tags import GATE, NEVER, recheck_tag, step_tag, undo_id
from runner.kinds.ansible_yaml import Block, Play, Playbook, Task, TaskFile
from runner.kinds.base import Kind, ReadFile
from runner.kinds.invocation import Invocation
from runner.kinds.steps.base import StepKind
from runner.model.input import Input
from runner.model.mentions import mentioned_in
from runner.model.procedure import called_runbooks
from runner.model.runbook import Runbook
from runner.model.step import Effect, Step, Undo

FOUND_BY = {
    "RUNBOOK_RUN_ID": "{{ runbook_run_id | default('') }}",
    "RUNBOOK_ATTEMPT": "{{ lookup('ansible.builtin.env', 'RUNBOOK_ATTEMPT') }}",
}
"""The environment by which what a run and an attempt have started is found again; without the product, it is empty."""


_TRUTHS = ("true", "false", "True", "False")
"""How a template writes them, as that of a shared step does for a parameter that is one."""


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
    never = partial(_step, runbook, read_file=read_file, tags=(NEVER,))
    apart = [play(runbook.hosts_of(step), never(step), [step]) for step in runbook.on_cancel]
    apart += [
        play(runbook.hosts_of(each.step), looked_at(runbook, each, never(each.step)), [each.step])
        for each in runbook.watch
    ]
    beside = {name: file.render() for name, file in _beside(runbook, read_file, values)} | companions(runbook)
    return Playbook(_header(runbook, beside), [*forward, *backward, *apart], beside)


def _beside(runbook: Runbook, read_file: ReadFile, values: Mapping[str, Any]) -> Iterator[tuple[str, TaskFile]]:
    """The files of tasks that the playbook includes, by how it names them: one for each step with `each`."""
    for step in (step for step in runbook.every_step if step.each):
        done = {step.id: step_tasks(runbook, step, read_file)}
        done |= {undo_id(step.id): _undo_tasks(runbook, step, step.undo, read_file)} if step.undo else {}
        for name, tasks in done.items():
            header = f"{runbook.id}/{name}: what {runbook.id}.yml does for each item."
            file = TaskFile(
                [header, "Written by `runbook compile`, as that file is."], _delivered(runbook, values, tasks)
            )
            yield each_item.file_of(runbook.id, name), file


def companions(runbook: Runbook) -> dict[str, str]:
    """The files of ours that its tasks start."""
    parts = [part for step in runbook.every_step for part in (step, step.undo) if part]
    kinds: list[Kind] = [part.action for part in parts if part.action]
    kinds += [kind for part in parts for verification in part.verify for kind in verification.kinds]
    return dict(sorted((name, text) for kind in kinds for name, text in kind.companions.items()))


def _delivered(runbook: Runbook, values: Mapping[str, Any], tasks: Iterable[Task | Block]) -> list[Task | Block]:
    """`tasks` with inputs and `values` as programs must be given them."""
    truths = [*_TRUTHS, *(name for name, item in runbook.inputs.items() if item.type == "bool")]
    truths += [name for name, value in values.items() if isinstance(value, bool)]
    return [hide(spell(each, truths), runbook.secrets) for each in tasks]


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


def _header(runbook: Runbook, beside: Mapping[str, str]) -> list[str]:
    takes = [_takes(name, item) for name, item in runbook.inputs.items()]
    undos = [_takes_back(runbook, step, step.undo) for step in reversed(runbook.steps) if step.undo]
    kept = ["VALUE is what was captured; where that differs, add --limit HOST."] if "VALUE" in "".join(undos) else []
    few = ", and with --limit no more hosts at a time than on the way there" if runbook.serial else ""
    lines = [
        f"{runbook.id}: {runbook.title}",
        "",
        f"Written by `runbook compile` from {runbook.id}.yml: change that file and compile again.",
        f"It runs with plain Ansible too: ansible-playbook -i INVENTORY {runbook.id}.yml",
        *(["Inputs:", *takes] if takes else []),
        # By these hashes whoever knows the playbook knows them as well.
        *(f"It includes {name}, of which the SHA-256 is {_sha256(text)}" for name, text in beside.items()),
        *([f"To take changes back, newest first{few}:", *undos, *kept] if undos else []),
    ]
    return [part for line in lines for part in wrapped(line, indent="    ")]


def _takes_back(runbook: Runbook, step: Step, undo: Undo) -> str:
    """How plain Ansible takes `step` back, which knows nothing any more of what it has captured before."""
    captured = sorted({name for each in runbook.procedure for name in (*each.capture, *each.choose)})
    needs = mentioned_in([undo.action, *undo.verify, step.each], captured)
    values = f" -e '{{{', '.join(f'{json.dumps(name)}: VALUE' for name in needs)}}}'" if needs else ""
    return f"  --tags {step_tag(undo_id(step.id))}{values}"


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


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
    keywords: dict[str, Any] = {
        "gather_facts": False,
        "environment": FOUND_BY,
    }
    return Play(
        name=f"{runbook.id} | {runbook.title}",
        hosts=pattern,
        tasks=_delivered(runbook, values, tasks),
        keywords={**({"serial": serial} if serial else {}), **keywords, **({"vars": defaults} if defaults else {})},
    )


def _forward(runbook: Runbook, steps: Sequence[Step], read_file: ReadFile) -> Iterator[Task | Block]:
    """The steps of one play; between two of them, and before the next play, everybody stops where one host was lost."""
    for number, step in enumerate(steps):
        if number:
            yield guard(runbook, step)
        yield from _step(runbook, step, read_file)
        if step is last_criterion(runbook):
            yield all_met(runbook, step)
    if steps[-1] is not runbook.procedure[-1]:
        yield guard(runbook, steps[-1])


def _step(runbook: Runbook, step: Step, read_file: ReadFile, *, tags: Sequence[str] = ()) -> Iterator[Task | Block]:
    rescue = list(rescued(runbook, step))
    yield from needed_steps.decides(runbook, step, rescue, tags)
    gates = list(before(step))
    yield from (choose_all(runbook, step, gate.choice) for gate in gates if gate.kind == "choose")
    yield from each_item.finds(runbook.id, step, needed_steps.if_needed(step), rescue, tags)
    yield from (gate_task(runbook, step, gate) for gate in gates if gate.kind != "choose")
    if step.runs:
        yield gate_task(runbook, step, Gate(step, "manual", called_runbooks.by_hand(runbook, step)))
    if step.action and step.announces:
        yield _printed(runbook, step, _call(step.id, step.action, step, read_file))
    done = list(step_tasks(runbook, step, read_file))
    if done:
        yield Block(
            name=f"{runbook.id}/{step.id} | {step.name}",
            tasks=list(each_item.around(runbook.id, step)) if step.each else done,
            keywords={"tags": [step_tag(step.id), *tags]}
            | needed_steps.if_needed(step)
            | _become(step)
            | delegated(step.on, done),
            rescue=rescue,
        )
    for gate in after(step):
        yield gate_task(runbook, step, gate)


def _printed(runbook: Runbook, step: Step, call: Invocation) -> Task:
    """The task that prints what plain Ansible tells nobody; the product skips it, and fills it in."""
    name = Marker(runbook.id, step.id, "action").task_name(step.name)
    return Task(name, call.module, call.args, {"tags": [step_tag(step.id), GATE]} | needed_steps.if_needed(step))


def step_tasks(runbook: Runbook, step: Step, read_file: ReadFile) -> Iterator[Task | Block]:
    """The tasks that do `step` and verify it, for one item of its `each`, without its gates.

    Raises:
        ValueError: a file that it names cannot be used.
    """
    call = None
    if step.action and step.acts:
        call = _call(step.id, step.action, step, read_file)
        yield from attempts(Marker(runbook.id, step.id, "action"), step, call)
    if (step.capture or (call and call.keeps)) and (call or step.computes):
        yield _capture(Marker(runbook.id, step.id, "capture"), step, call)
    again = {number for number, _ in step.repeated} if step.effect is not Effect.READ else set()
    for number, verification in step.automated:
        text = step.action.text if step.action else None
        tags = [recheck_tag(step.id)] if number in again else []
        marker = Marker(runbook.id, step.id, f"verify/{number}")
        for check in checks(marker, verification, call, text):
            yield replace(check, keywords={**check.keywords, "tags": tags}) if tags else check


def _undo(runbook: Runbook, step: Step, undo: Undo, read_file: ReadFile) -> Block:
    name, each = undo_id(step.id), step.each
    done = list(_undo_tasks(runbook, step, undo, read_file))
    return Block(
        name=f"{runbook.id}/{name} | Undo: {step.name}",
        tasks=list(each_item.undone_around(runbook.id, step, each)) if each else done,
        keywords={"tags": [step_tag(name), NEVER]} | _become(step) | delegated(step.on, done),
    )


def _undo_tasks(runbook: Runbook, step: Step, undo: Undo, read_file: ReadFile) -> Iterator[Task | Block]:
    name = undo_id(step.id)
    call = _call(step.id, undo.action, step, read_file)
    keywords = action_keywords(step.effect, undo.verify)
    yield from acts(Marker(runbook.id, name, "action"), f"Undo: {step.name}", call, keywords)
    for number, verification in enumerate(undo.verify, 1):
        yield from checks(Marker(runbook.id, name, f"verify/{number}"), verification, call, undo.action.text)


def _call(step_id: str, action: StepKind, step: Step, read_file: ReadFile) -> Invocation:
    try:
        return action.invocation(step.timeout, read_file)
    except ValueError as error:
        raise ValueError(f"{step_id}: {error}") from error


def _become(step: Step) -> dict[str, Any]:
    becomes = step.become or step.become_user
    return ({"become": True} if becomes else {}) | ({"become_user": step.become_user} if step.become_user else {})


def _capture(marker: Marker, step: Step, call: Invocation | None) -> Task:
    kept = {**step.capture, **(call.keeps if call else {})}
    values = {name: f"{{{{ {expression} }}}}" for name, expression in kept.items()}
    values = each_item.captured(step) if step.each else values
    names = bindings(kept.values(), call.bound(RESULT)) if call else {}
    names_read = reads(kept.values(), RESULT)
    keywords: dict[str, Any] = {"vars": names} if names else {}
    if cuts := call.cut(names_read, RESULT) if call else ():
        # What was cut is not what the command has said: a later step would take it for that.
        keywords = {"failed_when": " or ".join(f"({cut})" for cut in cuts) if len(cuts) > 1 else cuts[0], **keywords}
    return Task(
        marker.task_name("Keep what later steps need"),
        "ansible.builtin.set_fact",
        values,
        keywords,
    )
