"""Where a runbook may not put a value: a secret into what everybody sees, a text into what a shell would obey."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from runner.core.shell.interpreters import interpreter
from runner.core.shell.rereading import Reading
from runner.core.templates import names_in
from runner.kinds import plugins
from runner.kinds.base import Kind
from runner.model.checks.step_checks import Fault
from runner.model.yaml.finding import Place, leaves, quoted

_OF_THE_SHELL = frozenset({"PATH", "HOME", "IFS", "ENV", "PWD", "USER", "SHELL", "LANG", "TZ", "TERM", "UID"})
"""Variables that mean something to a shell, so that no value may be given by their names."""

_SAID_BY_HOSTS = frozenset({"result", "probe", "ansible_facts", "hostvars", "vars"})
"""The names of Ansible's own that hold what hosts say."""


class SensitiveNames:
    """What a runbook knows by name: the `secrets` and the `texts` of its inputs, and what `hosts` say."""

    def __init__(self, inputs: Mapping[str, Any], captured: Collection[str]) -> None:
        self.secrets, self.texts = _of_type(inputs, "secret"), _of_type(inputs, "string")
        self.hosts = {*captured, *_SAID_BY_HOSTS}


def faults(at: Place, raw: Any, known: SensitiveNames) -> Iterator[Fault]:
    """What is wrong with the way in which the step `raw`, as it is written, uses what its runbook knows."""
    if not isinstance(raw, dict):
        return
    for place, part, kind in _parts(at, raw):
        for key in (*kind.visible, *kind.told):
            for where, text in _texts((*place, key), part.get(key)):
                yield from _seen_by_others(where, sorted(names_in(text) & known.secrets), kind, key)
        readings = _obeyed(kind, part)
        for name in sorted(readings.keys() & known.texts):
            yield (*place, kind.key), "input-in-shell", *_complaint(name, readings[name], "")
        for name in sorted(readings.keys() & known.hosts):
            yield (*place, kind.key), "captured-in-shell", *_complaint(name, readings[name], " of a host")
    captured = ((where, f"{{{{ {text} }}}}") for where, text in _texts((*at, "capture"), raw.get("capture")))
    for what, texts in (("what is captured is", captured), ("items are", _texts((*at, "each"), raw.get("each")))):
        for where, text in texts:
            for name in sorted(names_in(text) & known.secrets):
                message = f"{quoted(name)} is a secret, and {what} kept on disk"
                yield where, "secret-kept", message, "use the input itself where it is needed"


def _of_type(inputs: Mapping[str, Any], wanted: str) -> set[str]:
    return {name for name, item in inputs.items() if isinstance(item, dict) and item.get("type", "string") == wanted}


def _parts(at: Place, raw: Mapping[str, Any]) -> Iterator[tuple[Place, Mapping[str, Any], type[Kind]]]:
    """Each kind that the step, its undo and the verifications of both are written with, and where."""
    for place, part in ((at, raw), ((*at, "undo"), raw.get("undo"))):
        if isinstance(part, dict):
            mine = [kind for key, kind in plugins.steps().items() if key in part]
            yield from ((place, part, kind) for kind in mine)
            for inner in (kind.nested for kind in mine if isinstance(part.get(kind.nested), dict)):
                looks = (kind for key, kind in plugins.verifications().items() if key in part[inner])
                yield from (((*place, inner), part[inner], kind) for kind in looks)
            verify = part.get("verify")
            for number, item in enumerate(verify if isinstance(verify, list) else ()):
                if isinstance(item, dict):
                    kinds = (kind for key, kind in plugins.verifications().items() if key in item)
                    yield from (((*place, "verify", number), item, kind) for kind in kinds)


def _texts(place: Place, value: Any) -> Iterator[tuple[Place, str]]:
    return ((where, text) for where, text in leaves(value, place) if isinstance(text, str))


def _obeyed(kind: type[Kind], part: Mapping[str, Any]) -> Mapping[str, Reading]:
    try:
        return kind.obeyed(part)
    except (ValueError, TypeError):  # others complain about that
        return {}


def _seen_by_others(place: Place, names: Collection[str], kind: type[Kind], key: str) -> Iterator[Fault]:
    in_env = key == "env"
    for name in names:
        if key in kind.told:
            yield place, "secret-told", f"{quoted(name)} is a secret, and people are told this", "leave it out"
            continue
        yield place, "secret-in-arguments", *in_arguments(name, "a secret", in_env=in_env)


def in_arguments(name: str, what: str, *, in_env: bool) -> tuple[str, str]:
    """What is wrong with the value `name`, which is `what`, where the words of a program hold it; what to write."""
    message = f"{quoted(name)} is {what}, and everybody on a host can read the arguments of its programs"
    message += ", among which Ansible puts the environment of a module" if in_env else ""
    given = f"{_variable(name.replace('.', '_'))}: '{{{{ {name} }}}}'"
    hint = f"give it through env: {{{given}}}, or through `stdin`"
    return message, "give it to a command, or a script" if in_env else hint


def _complaint(name: str, reading: Reading, whose: str) -> tuple[str, str]:
    """What is wrong with the text `name` where it is read so, and what to write instead."""
    text, reader = f"the text {quoted(name)}{whose}", reading.reader
    match reading.kind:
        case "number":
            message = f"bash computes with {text}, and does what stands in it as an index, as in a[$(reboot)]"
            return message, f'make it a number, {{{{ {name} | int }}}}, or compare it by [ "${_variable(name)}" -gt 1 ]'
        case "name" | "variable" | "file":
            return _chosen(text, reading)
        case "program":
            better = getattr(interpreter(reader), "better", "")
            return f"{text} becomes code of {reader}, which does what it says, however it is quoted", better
    if reading.shells > 1:
        message = f"{text} is code to a second shell, that of {reader}, which would do what it says"
        filters = " | quote" * reading.shells
        return message, f"write {{{{ {name}{filters} }}}}, a `quote` for each shell, outside of quotation marks"
    given = f"{_variable(name)}: '{{{{ {name} }}}}'"
    message = f"{text} is pasted into shell code, which would do what it says"
    return message, f'write "${_variable(name)}", and env: {{{given}}}, or add `| quote` outside of quotation marks'


def _chosen(text: str, reading: Reading) -> tuple[str, str]:
    """The same of a text that says what is started or loaded."""
    hint = "choose it by an input of type enum"
    if reading.kind == "variable":
        return f"{text} becomes ${reading.reader}, by which programs know what to start or to load", hint
    if reading.kind == "name":
        return f"{text} says which program is started", hint
    return f"{text} says which file's code is done by `source`", "choose the file by an input of type enum"


def _variable(name: str) -> str:
    return name.upper() if name.upper() not in _OF_THE_SHELL else f"THE_{name.upper()}"
