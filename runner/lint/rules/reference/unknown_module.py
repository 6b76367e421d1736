"""`unknown-module`: a module that Ansible does not find here."""

from __future__ import annotations

from collections.abc import Iterator

from runner.executor.module_options import modules
from runner.kinds.steps.module_step import Module
from runner.lint.lint_context import Subject
from runner.lint.rules.base import Criterion, Hit, Rule
from runner.model.yaml.finding import Level


def _find(subject: Subject) -> Iterator[Hit]:
    calls = [(work.place, work.kind.name) for work in subject.works() if isinstance(work.kind, Module)]
    known = modules(name for _, name in calls) if calls else {}
    for place, name in calls:
        if name in known and known[name].missing:
            yield Hit((*place, name), f"Ansible does not find the module {name} here", _hint(name))


def _hint(name: str) -> str:
    collection = ".".join(name.split(".")[:2])
    if collection == "ansible.builtin":
        return "look for its name in ansible-doc --list"
    return f"ansible-galaxy collection install {collection} installs its collection; else look at how it is written"


RULE = Rule(
    id="unknown-module",
    level=Level.ERROR,
    criterion=Criterion.COMPLETE,
    problem="A module that is not installed ends the run that comes to it, and by then the steps before it are done.",
    wrong="steps:\n  - {id: web, name: Restart the web server, module: {ansible.builtin.servcie: {name: nginx}}, "
    "verify: [{command: systemctl is-active nginx}]}\n",
    right="steps:\n  - {id: web, name: Restart the web server, module: {ansible.builtin.service: {name: nginx}}, "
    "verify: [{command: systemctl is-active nginx}]}\n",
    find=_find,
)
