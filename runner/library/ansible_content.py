"""What the files of a role, or of tasks, may not do in a step: what would make the record of the run untrue."""

import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import PurePosixPath

from runner.core.deferred import dataclass
from runner.core.step_tags import GATE
from runner.kinds.values import ROLES
from runner.library.content_tasks import ModuleCall, calls, lost_values, tasks, unknown_handlers
from runner.library.side_files import SideFiles
from runner.model.checks import controller_lookups
from runner.model.runbook import Runbook
from runner.model.step import Step
from runner.model.yaml.finding import Finding, InvalidFileError
from runner.model.yaml.lenient_yaml import Value, documents
from runner.model.yaml.yaml_file import unusable

_RULE = "unsafe-content"
_ON = "write a step of its own with `on:`"
_REACHED = "say it in the inventory, where it is looked at before the first step"
_NOT_SEEN = "is done on another machine, which is not locked, not looked at before, and not shown to who approves"
_NEVER: Mapping[str, tuple[str, str]] = {
    **dict.fromkeys(("delegate_to", "delegate_facts", "local_action"), (_NOT_SEEN, _ON)),
    **dict.fromkeys(
        ("connection", "remote_user", "port", "become_method", "become_exe", "become_flags"),
        ("changes how its host is reached", _REACHED),
    ),
    "action": ("names its module in a text, which cannot be checked", "write the module as a key of the task"),
    "debugger": ("waits for somebody at a terminal, where nobody is", "leave it out"),
    "any_errors_fatal": (
        "ends hosts on which nothing has failed",
        "leave it out; max_failures says that",
    ),
}
"""The keywords of a task that are refused, each with what it does, and what to write instead."""
_TAKEN = "is a name of the runbook already, and its value there counts more in a run"
_OTHER_NAME = "give it another name"
_FALSE = frozenset({"false", "no", "off", "0"})
_ONLY_FALSE: Mapping[str, tuple[str, str]] = {
    **dict.fromkeys(
        ("ignore_errors", "ignore_unreachable"),
        ("goes on as if nothing had failed", "say with failed_when what is no failure, or write a rescue"),
    ),
    "run_once": ("is done on one host for all, and recorded for that host only", "write a step with `hosts:` or `on:`"),
    "check_mode": ("does nothing, and may say that it has changed something", "leave it out"),
}
_INCLUDES = frozenset({"include_tasks", "import_tasks", "include_role", "import_role", "include_vars"})
_ENDS = frozenset({"end_play", "end_host", "end_batch", "clear_host_errors", "refresh_inventory"})
_CODE = frozenset({"library", "module_utils"})
_LISTS = frozenset({"tasks", "handlers"})


@dataclass(frozen=True, slots=True)
class _Allowed:
    """Whom tasks may become, the names that are taken in the runbook, and its secrets."""

    users: Collection[str]
    names: Collection[str]
    secrets: Collection[str]


def roles_used(path: str, data: bytes) -> list[str]:
    """The directories of the roles on which the file at `path` depends, or which it includes by their names."""
    if not is_content(path):
        return []
    try:
        roots = documents(data, file=path)
    except InvalidFileError:
        return []
    is_meta = PurePosixPath(path).parts[3:] == ("meta", "main.yml")
    names = [name for root in roots for name in (_dependencies(root) if is_meta else _included(root))]
    return [f"{ROLES}/{name}" for name in names if name and "{" not in name]


def _dependencies(root: Value) -> list[str | None]:
    needs = root.get("dependencies")
    found = [each if each.text else each.get("role") or each.get("name") for each in (needs.items() if needs else ())]
    return [each.text for each in found if each]


def _included(root: Value) -> list[str | None]:
    includes = [call for task in tasks(root) for call in calls(task)]
    names = [call.args.get("name") for call in includes if call.module in {"include_role", "import_role"}]
    return [name.text for name in names if name]


def is_content(path: str) -> bool:
    """Whether the file at `path`, from the root of the library, belongs to a role, or is one of tasks by its place."""
    return path.startswith((f"{ROLES}/", "runbooks/tasks/"))


def findings(runbook: Runbook, files: SideFiles) -> list[Finding]:
    """What in the `files` that `runbook` imports may not be there."""
    steps = (*runbook.procedure, *runbook.on_cancel)
    actions = [action for step in steps for action in (step.action, step.undo and step.undo.action) if action]
    modules = [(action.ansible_module or ("", {}), action) for action in actions]
    filled_in = {
        name for (module, _), action in modules if module.endswith(".template") for name in action.library_files
    }
    own = {name for action in actions if action.declares_effect for name in action.library_files}
    names = {*runbook.inputs, *(name for step in runbook.procedure for name in (*step.capture, *step.choose))}
    allowed = _Allowed({user for step in steps for user in step.users}, names, runbook.secrets)
    content = {path for path in files.contents if own and (is_content(path) or path in own)}
    found = [found for path in content for found in _of_file(path, files.contents[path], own, allowed)]
    found += unknown_handlers({path: files.contents[path] for path in content}, _RULE)
    found += [each for step in steps for each in _of_variables(step, allowed, file=f"{runbook.id}.yml")]
    found += lost_values(steps, files.contents, file=f"{runbook.id}.yml")
    templates = filled_in & files.contents.keys()
    filled = [found for path in templates for found in _of_template(path, files.contents[path])]
    templates |= {path for path in content if is_content(path) and "templates" in PurePosixPath(path).parts[3:4]}
    return sorted([*found, *filled, *(found for path in templates for found in _without(path, files.contents))])


def _of_variables(step: Step, allowed: _Allowed, *, file: str) -> Iterator[Finding]:
    """What the step sets for its tasks, though a run has a value for it that counts more, and plain Ansible has not."""
    for name in step.action.sets if step.action else ():
        if name in allowed.names:
            yield unusable(file, f"the step {step.id} sets {name}, which {_TAKEN}", _OTHER_NAME)


def _without(path: str, contents: Mapping[str, bytes]) -> Iterator[Finding]:
    """The files that the template at `path` brings in, and that do not come along: a run would fail there."""
    beside, parts = PurePosixPath(path).parent, PurePosixPath(path).parts
    places = [beside, PurePosixPath(*parts[:4])] if is_content(path) else [beside]
    for name in controller_lookups.brought_files(contents[path].decode(errors="replace")):
        if not any(str(place / name) in contents for place in places):
            message = f"brings in {name}, which the playbook does not bring along"
            yield unusable(path, message, "write its text here, or make it a role, which has all of its templates")


def _of_template(path: str, data: bytes) -> Iterator[Finding]:
    if message := controller_lookups.fault_of_template(data.decode(errors="replace")):
        yield unusable(path, message, controller_lookups.HINT)


def _of_file(path: str, data: bytes, own: Collection[str], allowed: _Allowed) -> Iterator[Finding]:
    parts = PurePosixPath(path).parts
    part = parts[3] if is_content(path) and len(parts) > 3 else "tasks"  # noqa: PLR2004 - below playbooks/roles/NAME
    if part in _CODE or part.endswith("_plugins"):
        yield unusable(path, "is code that would run on this machine", "install it as a collection")
    if part in {"files", "templates"}:
        yield from _of_template(path, data)
        return
    if data.startswith(b"$ANSIBLE_VAULT"):
        yield unusable(path, "is encrypted, so that nobody can check it", "keep a secret as an input of type secret")
        return
    for name in sorted(allowed.secrets):
        if re.search(rf"\b{name}\b".encode(), data):
            message = f"uses the secret {name}, which its tasks would show in their arguments"
            yield unusable(path, message, "write a step of its own that gives it by env or stdin")
    if path.endswith((".yml", ".yaml")) and part in {*_LISTS, "defaults", "vars", "meta"}:
        yield from _of_yaml(path, data, part, own, allowed)


def _of_yaml(path: str, data: bytes, part: str, own: Collection[str], allowed: _Allowed) -> Iterator[Finding]:
    try:
        roots = documents(data, file=path)
    except InvalidFileError as error:
        yield from error.findings
        return
    for root in roots:
        yield from _of_texts(root)
        if part in _LISTS:
            for task in tasks(root):
                yield from _of_task(task, allowed)
        elif part == "meta":
            yield from _of_meta(root, path, own, allowed)
        else:
            yield from _of_names(root, allowed if part == "vars" else None)


def _of_texts(value: Value) -> Iterator[Finding]:
    """What would be done on this machine when a text is filled in."""
    if message := controller_lookups.fault(value.text or ""):
        yield value.finding(_RULE, message, hint=controller_lookups.HINT)
    for part in (*value.values(), *value.items()):
        yield from _of_texts(part)


def _of_meta(root: Value, path: str, own: Collection[str], allowed: _Allowed) -> Iterator[Finding]:
    is_dependency = not any(path.startswith(f"{name}/") for name in own)
    if is_dependency and (specs := root.get("argument_specs")):
        message = "checks the arguments of a role that another one depends on, in every part of a run"
        yield specs.finding(_RULE, message, hint="leave its argument_specs out")
    for each in needs.items() if (needs := root.get("dependencies")) else ():
        if any(each.get(key) for key in ("src", "scm", "version")):
            yield each.finding(_RULE, "is fetched from elsewhere", hint=f"put it into {ROLES}")
        yield from _of_keywords(each, allowed)


def _of_task(task: Value, allowed: _Allowed) -> Iterator[Finding]:
    yield from _of_keywords(task, allowed)
    for call in calls(task):
        yield from _of_call(call, allowed)
    if (name := task.get("register")) and name.text in allowed.names:
        yield name.finding(_RULE, f"{name.text} is a name of the runbook already", hint="register it by another name")


def _of_keywords(task: Value, allowed: _Allowed) -> Iterator[Finding]:
    for value in task.values():
        key, text = str(value.place[-1]), str(value.text or "")
        if key in _NEVER:
            yield value.finding(_RULE, f"{key} {_NEVER[key][0]}", hint=_NEVER[key][1])
        elif key in _ONLY_FALSE and text.lower() not in _FALSE:
            yield value.finding(_RULE, f"{key} {_ONLY_FALSE[key][0]}", hint=_ONLY_FALSE[key][1])
        elif key == "poll" and text == "0":
            yield value.finding(_RULE, "is left running, and nobody hears how it ends", hint="leave `poll` out")
        elif key.startswith("with_") and not controller_lookups.is_harmless(key.removeprefix("with_")):
            message = f"{key} may start a program on this machine, of which no record tells"
            yield value.finding(_RULE, message, hint=controller_lookups.HINT)
        elif key == "tags":
            yield from _of_tags(value)
        elif key in {"vars", "environment"}:
            yield from _of_names(value, allowed if key == "vars" else None)
    yield from _of_become(task, allowed)


def _of_tags(value: Value) -> Iterator[Finding]:
    tags = [tag.strip() for item in (value, *value.items()) for tag in (item.text or "").split(",")]
    for tag in tags:
        if tag in {"always", "never", GATE} or tag.startswith(("step-", "undo-", "recheck-", "decide-")):
            message = f"the tag {tag} decides when it is done, whichever step that is about"
            yield value.finding(_RULE, message, hint="leave it out")


def _of_become(task: Value, allowed: _Allowed) -> Iterator[Finding]:
    become, user = task.get("become"), task.get("become_user")
    if become and (become.text or "").lower() in _FALSE:
        return
    if not (place := user or become) or (who := (user and user.text) or "root") in allowed.users:
        return
    known = "write become: true at the step" if who == "root" else f"write users: [{who}] beside the role or the tasks"
    hint = "write a name, and `users:` at the step" if "{" in who else known
    yield place.finding(_RULE, f"becomes {who}, of which the step says nothing", hint=hint)


def _of_names(values: Value, allowed: _Allowed | None) -> Iterator[Finding]:
    """What sets variables, or the environment; with what is `allowed`, where names of the runbook are not."""
    for value in values.values():
        name = str(value.place[-1])
        if name.lower().startswith(("ansible_", "runbook_")):
            yield value.finding(_RULE, f"{name} decides how a run reaches its hosts, or works there", hint=_REACHED)
        elif allowed and name in allowed.names:
            yield value.finding(_RULE, f"{name} {_TAKEN}", hint=_OTHER_NAME)


def _of_call(call: ModuleCall, allowed: _Allowed) -> Iterator[Finding]:
    if call.module in _INCLUDES:
        yield from _of_include(call)
    elif call.module in {"add_host", "group_by", "import_playbook"}:
        yield call.args.finding(_RULE, f"{call.module} changes which hosts there are", hint="change the inventory")
    elif call.module == "pause" and not (call.args.get("seconds") or call.args.get("minutes")):
        yield call.args.finding(_RULE, "waits for somebody at a terminal", hint="write a manual step before this one")
    elif call.module == "meta" and (word := call.args.text) in _ENDS:
        yield call.args.finding(_RULE, f"{word} ends or changes a run that goes on elsewhere", hint="write `when`")
    elif call.module == "set_fact":
        yield from _of_names(call.args, None)
        for value in call.args.values():
            if value.place[-1] in allowed.names:
                yield value.finding(
                    _RULE, f"{value.place[-1]} is a name of the runbook already", hint="set another one"
                )


def _of_include(call: ModuleCall) -> Iterator[Finding]:
    for key in ("file", "name", "dir", "tasks_from", "vars_from", "defaults_from", "handlers_from"):
        value = call.args.get(key) if call.args.text is None else call.args if key == "file" else None
        text = (value and value.text) or ""
        if value and ("{{" in text or "{%" in text):
            message = "is chosen while the run goes on, so that nobody knows which file that is"
            yield value.finding(_RULE, message, hint="write a task with `when` for each file")
        elif value and (text.startswith(("/", "~")) or ".." in PurePosixPath(text).parts):
            yield value.finding(_RULE, "lies elsewhere, and is not reviewed", hint="put it into the role")
