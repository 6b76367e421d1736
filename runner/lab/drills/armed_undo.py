"""The undo of a drill where it breaks what is not thrown away: armed on its hosts before the fault, and done there."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from runner.compiler.compiler import compile_runbook
from runner.core.deferred import dataclass
from runner.core.errors import ExecutionError, InvalidInputError
from runner.core.identifiers import Marker
from runner.kinds import plugins
from runner.kinds.ansible_yaml import Block, Task, dump
from runner.lab.drills.host_identity import WHO
from runner.lab.drills.plain_ansible import Inventory, PlainAnsible
from runner.lab.drills.undo_script import ARM, TELL, UndoCommand, place_of, undo_program
from runner.library.runbook_source import Source
from runner.model.procedure.drill import Drill
from runner.model.step import Effect, Step
from runner.model.verification import Verification
from runner.store.owed_undos import ArmedHost

_COMMAND = "ansible.builtin.command"
_PLAIN = {"gather_facts": False}
_WHO = {
    "name": "Which machine it is",
    _COMMAND: {"argv": ["sh", "-c", WHO], "expand_argument_vars": False},
    "register": "who",
    "changed_when": False,
}
_MACHINE = "who.stdout | hash('sha256')"
"""The hash of what it says of itself."""


@dataclass(frozen=True, slots=True)
class HostUndo:
    """What takes the fault of a drill back on `host`, by itself; `user` is whom it needs to be for that."""

    host: str
    actions: Sequence[UndoCommand]
    user: str
    variables: Mapping[str, Any]

    def play(self, drill: str, title: str, seconds: int) -> dict[str, Any]:
        """The play that arms it on its host, for so many `seconds` from now."""
        program, variables = undo_program(place_of(drill), title, self.actions)
        task = {
            "name": "The undo is armed",
            _COMMAND: {
                "argv": ["sh", "-c", ARM, "sh", place_of(drill), str(seconds)],
                "stdin": program,
                "stdin_add_newline": False,
                "expand_argument_vars": False,
            },
            **_become(self.user),
            "register": "armed",
        }
        told = {"msg": f"{{{{ armed.stdout }}}} {{{{ {_MACHINE} }}}}"}
        how = {"name": "How it is armed, and where", "ansible.builtin.debug": told}
        return {
            "name": "Arm",
            "hosts": self.host,
            **_PLAIN,
            "vars": {**self.variables, **variables},
            "tasks": [_WHO, task, how],
        }


def host_undos(source: Source, drill: Drill, inventory: Inventory) -> tuple[HostUndo, ...]:
    """The undo of `drill` as each of its hosts can do it with nobody's help.

    Raises:
        InvalidInputError: it has none, or one that takes more than the host itself.
    """
    if drill.inject and not drill.undo:
        raise InvalidInputError(
            f"the drill of {source.id} has no `undo`", hint="what is broken on a host that stays must be taken back"
        )
    found: dict[str, list[tuple[UndoCommand, Mapping[str, Any]]]] = {}
    for step in drill.undo:
        action = _action(source, step)
        for host in inventory.hosts_of(step.hosts or source.runbook.hosts):
            found.setdefault(host, []).append(action)
    return tuple(_of_host(host, [each for each, _ in pairs], pairs[-1][1]) for host, pairs in found.items())


def _of_host(host: str, actions: Sequence[UndoCommand], variables: Mapping[str, Any]) -> HostUndo:
    users = {action.user for action in actions}
    return HostUndo(host, actions, users.pop() if len(users) == 1 else "root", variables)


def _action(source: Source, step: Step) -> tuple[UndoCommand, Mapping[str, Any]]:
    """What `step` does, and the variables of its play.

    Raises:
        InvalidInputError: a host cannot do that alone.
    """
    part = source.runbook.model_copy(
        update={"prerequisites": (), "steps": (step,), "on_cancel": (), "serial": None, "watch": ()}
    )
    plays = compile_runbook(part, source.read_file, source.values).plays
    tasks = [pair for play in plays for pair in _tasks(play.tasks, {})]
    done = [(task, about) for task, about in tasks if _part(task) == "action"]
    others = [task for task, _ in tasks if _part(task).split("/")[0] not in {"action", "verify"}]
    if len(done) != 1 or others or done[0][0].module != _COMMAND or step.on or step.only_if:
        raise InvalidInputError(
            f"the host itself cannot do the step {step.name!r} of the undo, which must not need anybody",
            hint="write it as one command, shell, script or sql, without on, only_if, each, retry and capture",
        )
    ((task, about),) = done
    user = about.get("become_user", "root") if about.get("become") else ""
    args = task.args
    action = UndoCommand(
        name=step.name,
        argv=args["argv"],
        seconds=step.timeout.total_seconds(),
        stdin=args.get("stdin", ""),
        environment=task.keywords.get("environment", ""),
        chdir=args.get("chdir", ""),
        user=user,
    )
    return action, plays[0].keywords.get("vars", {})


def _tasks(items: Sequence[Task | Block], about: Mapping[str, Any]) -> Iterator[tuple[Task, Mapping[str, Any]]]:
    for item in items:
        inside = {**about, **item.keywords}
        if isinstance(item, Task):
            yield item, inside
        else:
            yield from _tasks((*item.tasks, *item.rescue), inside)


def _part(task: Task) -> str:
    marker = Marker.parse(task.name)
    return marker.part if marker else ""


@dataclass(frozen=True, slots=True)
class Arming:
    """The `undos` of the `drill` of that id and `title`, each to be done on its host `after` so long if nobody comes.

    `machines` are the hosts of the drill, each by the hash of what the machine says that may be broken.
    """

    drill: str
    title: str
    undos: Sequence[HostUndo]
    after: timedelta
    machines: Mapping[str, str]

    def plays(self) -> Sequence[Mapping[str, Any]]:
        """What arms them: nothing, where one of the hosts leads to another machine by now."""
        seconds = max(1, round(self.after.total_seconds()))
        same = [_same_machines(self.machines)] if self.machines else []
        return [*same, *(each.play(self.drill, self.title, seconds) for each in self.undos)]


def _same_machines(machines: Mapping[str, str]) -> Mapping[str, Any]:
    play = {"name": "Compare", "hosts": ",".join(machines), **_PLAIN, "any_errors_fatal": True}
    tasks = [_WHO, _same("it leads to another machine than the one that was compared with production")]
    return {**play, "vars": {"machines": dict(machines)}, "tasks": tasks}


def _same(otherwise: str) -> Mapping[str, Any]:
    """The task that sees that it is the machine that is known, as far as one is."""
    another = ["machines[inventory_hostname] != ''", f"{_MACHINE} != machines[inventory_hostname]"]
    return {"name": "It is the same machine", "ansible.builtin.fail": {"msg": otherwise}, "when": another}


@dataclass(frozen=True, slots=True)
class ArmedBy:
    """What a host does its undo by (systemd-run, at or setsid), and the hash of what its machine says of itself."""

    how: str
    machine: str


def arm(ansible: PlainAnsible, arming: Arming, given: Mapping[str, Any]) -> Mapping[str, ArmedBy]:
    """Arm the undos of a drill; how each host has it.

    Raises:
        ExecutionError: one is not armed.
    """
    playbook = ansible.directory / "arm.yml"
    playbook.write_text(dump(arming.plays()), encoding="utf-8")
    log = playbook.with_suffix(".log")
    ansible.play("the arming of the undo", playbook, given, log=log, leaves=True)
    parts = {host: said.split(" ") for host, said in ansible.said(log).items()}
    return {host: ArmedBy(how, machine) for host, (how, machine) in parts.items() if how}


def is_armed(drill: str, hosts: Sequence[str]) -> Step:
    """The step that sees on `hosts` that the undo of `drill` is there, and that nobody has begun it."""
    words = ("test", "-d", f"{place_of(drill)}/armed")
    return _command_step("armed", "The undo is armed", hosts, words).model_copy(update={"effect": Effect.READ})


def snapshot(drill: Drill, hosts: Sequence[str]) -> tuple[Step, ...]:
    """What saves the `hosts` of `drill`: done before anything is armed, so that half a snapshot restores nothing."""
    if drill.restores != "snapshot":
        return ()
    words = ("sh", "-ec", "{{ drill_snapshot }}")
    return (_command_step("snapshot", "The host is saved", hosts, words, become=_becomes(drill)),)


def with_restore(drill: Drill, hosts: Sequence[str]) -> Drill:
    """`drill`, which takes its fault back by restoring its `hosts` from that snapshot, and then by its own undo."""
    words = ("sh", "-ec", "{{ drill_restore }}")
    restore = _command_step("restore", "The host is restored", hosts, words, become=_becomes(drill))
    return drill.model_copy(update={"undo": (restore, *drill.undo)})


def _becomes(drill: Drill) -> bool:
    return any(bool(step.become) for step in drill.inject)


def _command_step(name: str, title: str, hosts: Sequence[str], words: Sequence[str], *, become: bool = False) -> Step:
    good = plugins.verifications()["exit"].model_validate({"exit": 0})
    return Step(
        id=name,
        name=title,
        hosts=":".join(hosts),
        become=become,
        action=plugins.steps()["command"].model_validate({"command": tuple(words)}),
        verify=(Verification(says="Exit code is 0", kinds=(good,)),),
    )


def tell(ansible: PlainAnsible, drill: str, hosts: Sequence[ArmedHost], word: str) -> Mapping[str, str]:
    """Tell each of `hosts` to do its undo `now`, or to `disarm` it; what became of it there, as `PlainAnsible.ended`.

    Where it was done before, it is `ok`: one that leads to another machine by now knows nothing of that.
    """
    task = {
        "name": "The undo is told",
        _COMMAND: {"argv": ["sh", "-c", TELL, "sh", place_of(drill), word], "expand_argument_vars": False},
        "register": "told",
        "changed_when": "told.stdout != 'gone'",
        "become": "{{ undo_users[inventory_hostname] != '' }}",
        "become_user": "{{ undo_users[inventory_hostname] | default('root', true) }}",
    }
    users = {each.host: each.user for each in hosts}
    tasks = [_WHO, _same("it leads to another machine than the one on which the undo was armed"), task]
    known = {"undo_users": users, "machines": {each.host: each.machine for each in hosts}}
    play = {"name": "Tell", "hosts": ",".join(users), **_PLAIN, "vars": known, "tasks": tasks}
    playbook = ansible.directory / "tell.yml"
    playbook.write_text(dump([play]), encoding="utf-8")
    log = playbook.with_suffix(".log")
    why = "it was not reached"
    try:
        ansible.play("the undo of the drill", playbook, {}, log=log, leaves=True)
    except ExecutionError as error:
        why = error.hint or error.message
    ended = ansible.ended(log)
    return {host: ended.get(host, why) for host in users}


def _become(user: str) -> dict[str, Any]:
    return {"become": True, "become_user": user} if user else {}
