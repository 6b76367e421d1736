"""`unknown-module` and `wrong-module-argument`: a module that Ansible does not find, or that refuses its arguments."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from runner.executor.module_options import Module, modules, wrong_arguments
from runner.lint.rules.base import Criterion, Hit, Level, LintContext, Place, Rule


def _calls(context: LintContext) -> Iterator[tuple[Place, str, Mapping[str, Any], Module]]:
    """Each call of a module that somebody can say something about."""
    calls = [(work.place, *named) for work in context.works() if (named := work.kind.ansible_module)]
    by_name = modules(name for _, name, _ in calls) if calls else {}
    return (((*place, name), name, args, by_name[name]) for place, name, args in calls if name in by_name)


def _unknown(context: LintContext) -> Iterator[Hit]:
    for place, name, _, module in _calls(context):
        if module.missing:
            yield Hit(place, f"Ansible does not find the module {name} here", _hint(name))


def _hint(name: str) -> str:
    collection = ".".join(name.split(".")[:2])
    if collection == "ansible.builtin":
        return "look for its name in ansible-doc --list"
    return f"ansible-galaxy collection install {collection} installs its collection; else look at how it is written"


def _wrong(context: LintContext) -> Iterator[Hit]:
    for place, name, args, module in _calls(context):
        for wrong in wrong_arguments(module.options, args) if module.options is not None else ():
            hint = wrong.hint or f"ansible-doc {name} tells what it takes"
            yield Hit((*place, *wrong.place), f"{name} {wrong.message}", hint)


_SERVICE = (
    "steps:\n  - {id: web, name: Restart the web server, module: {ansible.builtin.servcie: {name: nginx}}, "
    "verify: [{command: systemctl is-active nginx}]}\n"
)
UNKNOWN = Rule(
    id="unknown-module",
    level=Level.ERROR,
    criterion=Criterion.COMPLETE,
    problem="A module that is not installed ends the run that comes to it, and by then the steps before it are done.",
    wrong=_SERVICE,
    right=_SERVICE.replace("servcie", "service"),
    find=_unknown,
)
_COPY = (
    "steps:\n  - id: motd\n    name: Write the message of the day\n"
    "    module: {ansible.builtin.copy: {content: Down for maintenance, dset: /etc/motd}}\n"
    "    verify: [{command: grep maintenance /etc/motd}]\n"
)
WRONG_ARGUMENT = Rule(
    id="wrong-module-argument",
    level=Level.ERROR,
    criterion=Criterion.ACTIONABLE,
    problem="A module refuses an argument that it does not have, and by then the steps before it are done.",
    wrong=_COPY,
    right=_COPY.replace("dset:", "dest:"),
    find=_wrong,
)
