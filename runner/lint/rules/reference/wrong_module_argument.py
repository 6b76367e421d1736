"""`wrong-module-argument`: an argument that the module does not have, or one that it needs and does not get."""

from __future__ import annotations

from collections.abc import Iterator

from runner.executor.module_options import modules, wrong_arguments
from runner.kinds.steps.module_step import Module
from runner.lint.lint_context import Subject
from runner.lint.rules.base import Criterion, Hit, Rule
from runner.model.yaml.finding import Level


def _find(subject: Subject) -> Iterator[Hit]:
    calls = [(work.place, work.kind) for work in subject.works() if isinstance(work.kind, Module)]
    known = modules(kind.name for _, kind in calls) if calls else {}
    for place, kind in calls:
        module = known.get(kind.name)
        if module is None or module.options is None:
            continue
        for wrong in wrong_arguments(module.options, kind.module[kind.name]):
            hint = wrong.hint or f"ansible-doc {kind.name} tells what it takes"
            yield Hit((*place, kind.name, *wrong.place), f"{kind.name} {wrong.message}", hint)


RULE = Rule(
    id="wrong-module-argument",
    level=Level.ERROR,
    criterion=Criterion.ACTIONABLE,
    problem="A module refuses an argument that it does not have, and by then the steps before it are done.",
    wrong="steps:\n  - id: motd\n    name: Write the message of the day\n"
    "    module: {ansible.builtin.copy: {content: Down for maintenance, dset: /etc/motd}}\n"
    "    verify: [{command: grep maintenance /etc/motd}]\n",
    right="steps:\n  - id: motd\n    name: Write the message of the day\n"
    "    module: {ansible.builtin.copy: {content: Down for maintenance, dest: /etc/motd}}\n"
    "    verify: [{command: grep maintenance /etc/motd}]\n",
    find=_find,
)
