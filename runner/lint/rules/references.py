"""Rules about what a runbook refers to: modules, other runbooks, times, files."""

from collections.abc import Iterator, Mapping
from typing import Any

from runner.core.errors import InvalidInputError, RunbookError
from runner.executor.module_options import Module, modules, wrong_arguments
from runner.kinds.values import OtherRunbook
from runner.library.ansible_content import findings as content_findings
from runner.library.library import Library
from runner.lint.rules.base import Criterion, Hit, Level, LintContext, Place, Rule
from runner.model.handover_inputs import wrong_inputs
from runner.model.procedure import called_runbooks
from runner.model.runbook import Exclusion, Runbook

_SERVICE = (
    "steps:\n  - {id: web, name: Restart the web server, module: {ansible.builtin.servcie: {name: nginx}}, "
    "verify: [{command: systemctl is-active nginx}]}\n"
)
_COPY = (
    "steps:\n  - id: motd\n    name: Write the message of the day\n"
    "    module: {ansible.builtin.copy: {content: Down for maintenance, dset: /etc/motd}}\n"
    "    verify: [{command: grep maintenance /etc/motd}]\n"
)

_TASKS = (
    "steps:\n  - {id: web, name: Restart the web server, effect: change, tasks: scripts/ignored.yml, "
    "verify: [{command: systemctl is-active nginx}]}\n"
)


@Rule(
    "unknown-module",
    Level.ERROR,
    Criterion.COMPLETE,
    problem="A module that is not installed ends the run that comes to it, and by then the steps before it are done.",
    wrong=_SERVICE,
    right=_SERVICE.replace("servcie", "service"),
)
def unknown_module(context: LintContext) -> Iterator[Hit]:
    """A module that Ansible does not find, or that refuses its arguments."""
    for place, name, _, module in _calls(context):
        if module.missing:
            yield Hit(place, f"Ansible does not find the module {name} here", _hint(name))


@Rule(
    "wrong-module-argument",
    Level.ERROR,
    Criterion.ACTIONABLE,
    problem="A module refuses an argument that it does not have, and by then the steps before it are done.",
    wrong=_COPY,
    right=_COPY.replace("dset:", "dest:"),
)
def wrong_module_argument(context: LintContext) -> Iterator[Hit]:
    """A module that Ansible does not find, or that refuses its arguments."""
    for place, name, args, module in _calls(context):
        for wrong in wrong_arguments(module.options, args) if module.options is not None else ():
            hint = wrong.hint or f"ansible-doc {name} tells what it takes"
            yield Hit((*place, *wrong.place), f"{name} {wrong.message}", hint)


def _calls(context: LintContext) -> Iterator[tuple[Place, str, Mapping[str, Any], Module]]:
    """Each call of a module that somebody can say something about."""
    calls = [(work.place, *named) for work in context.works() if (named := work.kind.ansible_module)]
    by_name = modules(name for _, name, _ in calls) if calls else {}
    return (((*place, name), name, args, by_name[name]) for place, name, args in calls if name in by_name)


def _hint(name: str) -> str:
    collection = ".".join(name.split(".")[:2])
    if collection == "ansible.builtin":
        return "look for its name in ansible-doc --list"
    return f"ansible-galaxy collection install {collection} installs its collection; else look at how it is written"


def _example(on_failure: str) -> str:
    step = "id: look, name: Look, effect: read, command: df /, verify: [{exit: 0}]"
    return f"steps: [{{{step}, on_failure: {on_failure}}}]\n"


@Rule(
    "unknown-runbook",
    Level.ERROR,
    Criterion.COMPLETE,
    problem="If the runbook that is to take over is not there, the run stops after a failure and nobody continues it.",
    wrong=_example("RUN-999"),
    right=_example("escalate"),
)
def unknown_runbook(context: LintContext) -> Iterator[Hit]:
    """A step, or a rollback trigger, leads to a runbook that cannot take over."""
    library = Library(context.source.path.parent.parent)
    for place, to in _others(context):
        try:
            library.usable(to.run)
        except InvalidInputError as error:
            message = f"{to.run} cannot {_does(place)}: {error.message.splitlines()[0]}"
            yield Hit(place, message, error.hint)


@Rule(
    "unfit-hand-over",
    Level.ERROR,
    Criterion.COMPLETE,
    problem="A runbook that takes over must get each input that it needs, or the run stops and nobody continues it.",
    wrong=_example("RUN-010"),
    right=_example("escalate"),
)
def unfit_hand_over(context: LintContext) -> Iterator[Hit]:
    """A step, or a rollback trigger, leads to a runbook that would not get what it needs."""
    library = Library(context.source.path.parent.parent)
    for place, to in _others(context):
        try:
            successor = library.usable(to.run).runbook
        except RunbookError:  # which is another finding
            continue
        for wrong in wrong_inputs(context.runbook, to, successor, {}):
            message = f"{to.run} could not {_does(place)}: {wrong.name}: {wrong.what}"
            whole = f"on_failure: {{run: {to.run}, inputs: {{{wrong.name}: ...}}}}"
            hint = wrong.mend or f"write {whole if place[-1] == 'on_failure' else f'inputs: {{{wrong.name}: ...}}'}"
            yield Hit(place, message, hint)


def _does(place: Place) -> str:
    return "roll back" if place[0] == "watch" else "be run" if place[-1] == "run" else "take over"


def _others(context: LintContext) -> Iterator[tuple[Place, OtherRunbook]]:
    yield from ((("watch", number), trigger.to) for number, trigger in enumerate(context.runbook.watch))
    for placed in context.procedure():
        yield from (((*placed.place, key), other) for key, other in placed.step.others.items())


@Rule(
    "called-runbook",
    Level.ERROR,
    Criterion.COMPLETE,
    problem="A runbook that leads back to itself never ends, and what another one does not capture is never there.",
    wrong="steps:\n  - {id: look, name: Look at the disk, run: RUN-010, inputs: {mount: /}, capture: {lag: seconds},\n"
    "    effect: read, verify: [{command: df /}]}\n",
    right="steps: [{id: look, name: Look, command: df /, verify: [{exit: 0}]}]\n",
)
def called_runbook(context: LintContext) -> Iterator[Hit]:
    """A step runs a runbook that leads back here, or that does not capture what is wanted of it."""
    library = Library(context.source.path.parent.parent)

    def find(name: str) -> Runbook | None:
        try:
            return library.usable(name).runbook
        except RunbookError:  # which is another finding
            return None

    for placed in context.procedure():
        for key, message in called_runbooks.faults(context.runbook, placed.step, find):
            yield Hit((*placed.place, *key), message)


@Rule(
    "unreachable-exclusion",
    Level.WARNING,
    Criterion.SCOPED,
    problem="An exclusion that contradicts what is handled, or leads back here, leaves the reader without a way on.",
    wrong="scope: {handles: [Disk is full], excludes: [{what: Disk is broken, see: RUN-001}]}\n",
    right="scope: {handles: [Disk is full], excludes: [{what: Disk is broken, see: RUN-007}]}\n",
)
def unreachable_exclusion(context: LintContext) -> Iterator[Hit]:
    """An exclusion that never applies, or leads back to this runbook."""
    handled = {_plain(text) for text in context.runbook.scope.handles}
    earlier: set[str] = set()
    for number, item in enumerate(context.runbook.scope.excludes):
        place: Place = ("scope", "excludes", number)
        what = _plain(item.what if isinstance(item, Exclusion) else item)
        if what in handled:
            yield Hit(place, "is excluded here and handled above, so it is never excluded", "keep one of the two")
        elif what in earlier:
            yield Hit(place, "is excluded above already", "leave it out")
        elif isinstance(item, Exclusion) and item.see == context.runbook.id:
            message = f"leads back to {item.see}, which is this runbook"
            yield Hit((*place, "see"), message, "name the runbook that does handle it")
        earlier.add(what)


def _plain(text: str) -> str:
    return " ".join(text.casefold().split()).rstrip(".")


@Rule(
    "unusable-file",
    Level.ERROR,
    Criterion.COMPLETE,
    problem="A script is compiled into the playbook, so it must lie beside the runbook and name its interpreter; there "
    "lies what a module takes to a host as well, or the run ends there, when the steps before it are done.",
    wrong="steps:\n  - {id: smoke, name: Run the smoke tests, script: scripts/absent.sh, verify: [{exit: 0}]}\n",
    right="steps:\n  - {id: smoke, name: Run the smoke tests, script: scripts/smoke.sh, verify: [{exit: 0}]}\n",
)
def unusable_file(context: LintContext) -> Iterator[Hit]:
    """A file that is not there, or a script that does not say what runs it."""
    faults = context.source.side_files.faults
    for work in context.works():
        yield from (Hit(work.place, faults[name]) for name in work.kind.library_files if name in faults)
        try:
            work.kind.call(work.step.timeout, context.source.read_file)
        except ValueError as error:
            yield Hit(work.place, str(error))


@Rule(
    "unsafe-content",
    Level.ERROR,
    Criterion.COMPLETE,
    problem="A role or a file of tasks must do all that it does on the hosts of the step, and fail where that fails. "
    "What it does elsewhere, or passes over, is in no record, and nobody has approved it.",
    wrong=_TASKS,
    right=_TASKS.replace("ignored", "restart"),
)
def unsafe_content(context: LintContext) -> Iterator[Hit]:
    """A role or a file of tasks that does what a step must not do."""
    content = [(work.place, f"{name}/") for work in context.works() for name in work.kind.library_files]
    for each in content_findings(context.runbook, context.source.side_files):
        own = [place for place, name in content if f"{each.file}/".startswith(name)]
        # What is in a role that another one depends on is told where the first of them is imported.
        for place in own or [content[0][0]]:
            yield Hit(place, f"{each.file}:{each.line}: {each.message}", each.hint)
