"""One verification as Ansible tasks: a probe that looks, as often as need be, and an assert that judges."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

from runner.compiler.condition_names import bindings, reads
from runner.compiler.delegation import by_machine
from runner.core.deferred import regex
from runner.core.duration import seconds, show
from runner.core.identifiers import Marker
from runner.core.templates import names_in, texts_in
from runner.kinds.ansible_yaml import Task
from runner.kinds.invocation import Invocation, whole_seconds
from runner.kinds.values import is_number
from runner.model.verification import Verification

RESULT = "result"
"""The name under which a step's own result is registered."""

_PROBE = "probe"
_SETTLED = "runbook_settled"

_MINUS_ONE = regex(r"(?<![\w)\]])-1\b")

_CLOCK = (
    "((lookup('ansible.builtin.file', '/proc/uptime', errors='ignore') or now(utc=true).timestamp() | string)"
    ".split()[0] | float)"
)
"""Seconds by a clock that nobody sets (proc_uptime(5)); where there is none, as on a Mac, by the clock on the wall."""


def task(marker: Marker, title: str, call: Invocation, keywords: Mapping[str, Any]) -> Task:
    """The task that makes `call`."""
    around: dict[str, Any] = {"environment": call.environment} if call.environment else {}
    if call.task_timeout:
        around["timeout"] = whole_seconds(call.task_timeout)
    variables = dict(call.variables)
    if call.on_controller:
        around |= {"delegate_to": "localhost", "become": False}
    elif call.machine:
        own, delegate = by_machine(call.machine, call.args)
        variables |= own
        around |= {"delegate_to": delegate, "become": False}
    merged = {**variables, **keywords.get("vars", {})}
    around |= {**keywords, "vars": merged} if merged else keywords
    return Task(marker.task_name(title), call.module, call.args, around)


def checks(marker: Marker, verification: Verification, call: Invocation | None, text: str | None) -> Iterator[Task]:
    """The tasks of `verification`, for a step that makes `call`, whose result has the text named `text`."""
    probe = verification.probe()
    conditions = verification.conditions(text)
    if probe is None:
        that, names = _judged(verification, conditions, call, RESULT) if call else (conditions, {})
        yield _assert(marker, verification, that, names)
        return
    probe = _with_names_of(call, probe) if call else probe
    if verification.keeps_first:
        yield from _first(marker, verification, probe)
    yield _look(replace(marker, part=f"{marker.part}/probe"), verification, probe, conditions)
    result = f"({_PROBE}.results | last)" if _is_repeated(verification) else _PROBE
    full = [f"{_PROBE}.results | length == {verification.samples}"] if verification.held else []
    judged, names = _judged(verification, conditions, probe, result)
    # A sample that is not good is the last: what it has not met says more than how many there were.
    yield _assert(marker, verification, [*_answered(verification, probe, conditions, result), *judged, *full], names)


def _with_names_of(call: Invocation, probe: Invocation) -> Invocation:
    """The `probe`, with what it asks by the names of the step's own result, where they are not those of its answer."""
    names = {name: text for name, text in call.bound(RESULT).items() if name not in probe.names}
    asked = {name for text in texts_in([probe.args, probe.environment]) for name in names_in(text)}
    return replace(probe, variables={**bindings(asked & names.keys(), names), **probe.variables})


def _judged(
    verification: Verification, conditions: Sequence[str], call: Invocation, register: str
) -> tuple[list[str], Mapping[str, str]]:
    """The conditions over what `call` gave, and that none of it was cut that they read; and their names' templates."""
    names = verification.bound(call, register)
    if verification.holds_by_a_line and call.cuts:
        # Our command module gives those lines only where it has cut the output.
        return list(conditions), names | {"stdout": f"{{{{ {register}.whole_lines | default({register}.stdout) }}}}"}
    names_read = reads([*conditions, *verification.names.values()], RESULT if register == RESULT else _PROBE)
    return [*(f"not ({cut})" for cut in call.cut(names_read, register)), *conditions], names


def _is_repeated(verification: Verification) -> bool:
    return bool(verification.held or verification.within)


def _answered(verification: Verification, probe: Invocation, conditions: Sequence[str], result: str) -> Sequence[str]:
    """Whether there was an answer, unless the verification says itself that none is good, or which exit codes are."""
    silence = any(_MINUS_ONE.search(each) and probe.silent in reads([each], result) for each in conditions)
    return [] if verification.good_exits or silence else [probe.answered.replace("REGISTER", result)]


def _assert(marker: Marker, verification: Verification, that: Sequence[str], names: Mapping[str, str]) -> Task:
    complaint = verification.complaint
    words = {"fail_msg": f"{{{{ {complaint} }}}}"} if complaint else {}
    variables = bindings([*that, complaint] if complaint else that, names)
    return Task(
        marker.task_name(verification.says),
        "ansible.builtin.assert",
        {"that": list(that), **words, "quiet": True},
        {"vars": variables} if variables else {},
    )


def _look(marker: Marker, verification: Verification, probe: Invocation, conditions: Sequence[str]) -> Task:
    # The assert that follows judges; the probe itself never fails, or nobody would say what was seen.
    keywords: dict[str, Any] = {"register": _PROBE, "changed_when": False, "failed_when": False}
    keywords |= verification.privilege
    if _is_repeated(verification):
        judged, names = _judged(verification, conditions, probe, _PROBE)
        good = [*_answered(verification, probe, conditions, _PROBE), *judged]
        keywords |= _until(verification) if verification.within else _while(verification)
        # As a variable of its own, what cannot be evaluated yet (an answer without the value), or is neither true nor
        # false (null), is only not good yet.
        holds = {"holds": f"{{{{ {' and '.join(f'({item})' for item in good)} }}}}"}
        holds |= {_SETTLED: f"{{{{ {probe.settled} }}}}"} if probe.settled else {}
        keywords["vars"] = bindings([*good, *filter(None, [probe.settled])], names) | holds
        if probe.settled and verification.within:
            keywords["until"] = f"({_SETTLED} | default(false)) or {keywords['until']}"
    return task(marker, verification.says, probe, keywords)


def _first(marker: Marker, verification: Verification, probe: Invocation) -> Iterator[Task]:
    """The look that the later ones are compared with: without a number in its answer nothing can be."""
    values = verification.keeps_first
    numbers = [is_number(text) for text in values.values()]
    judged, names = _judged(verification, numbers, probe, _PROBE)
    good = [*_answered(verification, probe, numbers, _PROBE), *judged]
    holds = {"holds": f"{{{{ {' and '.join(f'({item})' for item in good)} }}}}"}
    keywords: dict[str, Any] = {
        "register": _PROBE,
        "changed_when": False,
        "failed_when": "(holds | default(false)) is not true",
    }
    keywords |= verification.privilege | {"vars": bindings(good, names) | holds}
    yield task(replace(marker, part=f"{marker.part}/probe"), f"{verification.says} (first)", probe, keywords)
    title = replace(marker, part="guard").task_name("Keep what later looks are compared with")
    yield Task(
        title,
        "ansible.builtin.set_fact",
        {name: f"{{{{ {text} }}}}" for name, text in values.items()},
        {"vars": bindings(values.values(), names)},
    )


def _until(verification: Verification) -> dict[str, Any]:
    within, samples = verification.within, verification.samples
    assert within  # noqa: S101 - the caller asked
    limit, words = (
        (f"{within}_seconds", f"{{{{ {within} }}}}")
        if isinstance(within, str)
        else (seconds(within)[:-1], show(within))
    )
    # The retries alone are no limit, each may take as long as the probe does. A loop's items are evaluated once.
    return {
        "loop": [f"{{{{ {_CLOCK} + {limit} }}}}"],
        "loop_control": {"loop_var": "deadline", "label": f"within {words}"},
        "until": f"(holds | default(false)) is true or {_CLOCK} >= deadline",
        "retries": f"{{{{ {samples} }}}}" if isinstance(samples, str) else samples,
        "delay": _pause(verification, schema="integer"),
    }


def _while(verification: Verification) -> dict[str, Any]:
    return {
        "loop": f"{{{{ range({verification.samples}) | list }}}}",
        "loop_control": {
            "loop_var": "sample",
            "pause": _pause(verification, schema="number"),
            "break_when": "(holds | default(false)) is not true",
        },
    }


def _pause(verification: Verification, *, schema: Literal["integer", "number"]) -> int | float | str:
    pause = verification.pause.total_seconds()
    if pause.is_integer():
        return int(pause)
    # Ansible's schema wants whole seconds for a delay, its engine takes any number: a template passes both.
    return pause if schema == "number" else f"{{{{ {seconds(verification.pause)[:-1]} }}}}"
