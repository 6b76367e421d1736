"""The action of a step as Ansible tasks: one, or with `retry` one inside the rescue of another."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from runner.compiler.verification_tasks import RESULT, task
from runner.core.duration import seconds, show
from runner.core.identifiers import Marker
from runner.kinds.ansible_yaml import FREE_FORM, Block, Task
from runner.kinds.invocation import TIMED_OUT, Invocation, SideCall, whole_seconds
from runner.model.step import Effect, Retry, Step
from runner.model.verification import Verification

_ANSWERED = f"{RESULT}.module_stdout is not defined"
_UNANSWERED = f"{RESULT}.module_stdout is defined"
"""The module ended without an answer: it was killed, or its connection was. Nobody knows what it has done by then."""


def attempts(marker: Marker, step: Step, call: Invocation) -> Iterator[Task | Block]:
    """The tasks that make `call` for `step` under `marker`, as often as its `retry` says."""
    tasks: list[Task | Block] = [*acts(marker, step.name, call, action_keywords(step.effect, step.verify))]
    for number in range(step.retry.attempts - 1 if step.retry else 0, 0, -1):
        tasks = [_attempt(replace(marker, part=f"attempt/{number}"), step, call, tasks)]
    yield from tasks


def acts(marker: Marker, title: str, call: Invocation, keywords: Mapping[str, Any]) -> Iterator[Task | Block]:
    """The task that makes `call`, and the end of its host where the module says that it did nothing.

    Ansible goes on after that, and asks no `failed_when`.
    """
    if call.imports:
        yield _imported(marker, title, call)
        return
    yield from (_beside(marker, side) for side in call.before)
    yield task(marker, title, call, keywords)
    yield from (_beside(marker, side) for side in call.after)
    if call.may_skip:
        name = replace(marker, part="guard").task_name("Go no further when the module has skipped")
        yield Task(name, "ansible.builtin.assert", {"that": [f"{RESULT} is not skipped"], "quiet": True})


def _beside(marker: Marker, side: SideCall) -> Task:
    """The task of a call that only looks."""
    return task(replace(marker, part=side.part), side.title, side.call, {"changed_when": False, **side.keywords})


def _imported(marker: Marker, title: str, call: Invocation) -> Block:
    """The tasks that `call` imports, and one that has the marker of the action, and says whether they have passed.

    Ansible knows a task in a role by no marker of ours: what imports it is above it, and has one. What the tasks have
    notified is done before anything is verified; without that Ansible does it at the end of the play. A task that
    failed is only known to have failed the action where no `rescue` of the role takes it: so ours says it.
    """
    failed = "{{ ansible_failed_task.name }}: {{ ansible_failed_result.msg | default('failed') }}"
    return Block(
        name=f"{replace(marker, part='tasks')} | {title}",
        tasks=list(_imports(marker, title, call)),
        keywords={"timeout": whole_seconds(call.task_timeout)} if call.task_timeout else {},
        rescue=[Task(marker.task_name(title), "ansible.builtin.fail", {"msg": failed})],
    )


def _imports(marker: Marker, title: str, call: Invocation) -> Iterator[Task]:
    guard, imports = replace(marker, part="guard"), replace(marker, part="tasks")
    if call.facts:
        yield Task(guard.task_name("Gather the facts that the tasks look at"), "ansible.builtin.setup", {})
    keywords: dict[str, Any] = {"vars": dict(call.variables)} if call.variables else {}
    yield Task(imports.task_name(title), call.module, call.args, keywords)
    yield Task(guard.task_name("Do what they have notified"), "ansible.builtin.meta", {FREE_FORM: "flush_handlers"})
    done = {"that": ["ansible_play_hosts is defined"], "quiet": True}
    yield Task(marker.task_name(title), "ansible.builtin.assert", done)


def _attempt(marker: Marker, step: Step, call: Invocation, then: Sequence[Task | Block]) -> Block:
    assert step.retry  # noqa: S101 - the caller asked
    number = int(marker.part.rpartition("/")[2])
    keywords = action_keywords(step.effect, step.verify) | _worth_another(step)
    return Block(
        name=f"{marker} | Attempt {number} of {step.retry.attempts}",
        tasks=list(acts(marker, step.name, call, keywords)),
        rescue=[*_pause(replace(marker, part=f"retry/{number}"), step.retry, number), *then],
    )


def _pause(marker: Marker, retry: Retry, number: int) -> Iterator[Task]:
    """What stands between two attempts: whether another one is worth it, and the wait."""
    codes = list(retry.exit_codes or ())
    after = f"exit code {' or '.join(map(str, codes))}" if codes else "an attempt that has answered"
    that = [_ANSWERED, *([f"{RESULT}.rc | default({TIMED_OUT}) in {codes}"] if codes else [])]
    yield Task(
        marker.task_name(f"Try again only after {after}"), "ansible.builtin.assert", {"that": that, "quiet": True}
    )
    pause = retry.pauses[number - 1]
    yield Task(
        marker.task_name(f"Wait for {show(pause)} before attempt {number + 1}"),
        "ansible.builtin.command",
        {"argv": ["sleep", seconds(pause)]},
        {"changed_when": False},
    )


def action_keywords(effect: Effect, verify: Sequence[Verification]) -> dict[str, Any]:
    """The keywords of an action: what it is registered as, whether it changes something, when it has failed by itself.

    Where a verification judges the exit code, only a command that never ran, or never ended, has failed by itself.
    """
    own = (
        {"failed_when": f"{RESULT}.rc | default({TIMED_OUT}) == {TIMED_OUT} or {_UNANSWERED}"}
        if _judged(verify)
        else {}
    )
    return {"register": RESULT, "changed_when": effect is not Effect.READ, **own}


def _judged(verify: Sequence[Verification]) -> list[Verification]:
    return [verification for verification in verify if verification.good_exits and not verification.probes]


def _worth_another(step: Step) -> dict[str, Any]:
    """When an attempt that may be followed by another has failed, if a verification judges the exit code."""
    if not (judged := _judged(step.verify)):
        return {}
    codes = step.retry.exit_codes if step.retry else None
    if codes:
        return {"failed_when": f"{RESULT}.rc | default({TIMED_OUT}) in {list(codes)} or {_UNANSWERED}"}
    good = sorted(set.intersection(*(set(verification.good_exits) for verification in judged)))
    return {"failed_when": f"{RESULT}.rc | default({TIMED_OUT}) not in {good} or {_UNANSWERED}"}
