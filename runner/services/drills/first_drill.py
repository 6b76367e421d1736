"""A first drill for a runbook: its trigger and its verifications say how one sees it, and a known fault breaks it."""

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from runner.core.deferred import dataclass
from runner.core.errors import InvalidInputError, MistypedError, RunbookError
from runner.core.wording import listed
from runner.kinds import plugins
from runner.kinds.ansible_yaml import dump
from runner.kinds.faults import Fault
from runner.library.library import Library
from runner.library.runbook_source import Source
from runner.model.procedure.drill import ASKED_DIRECTLY
from runner.model.step import Step
from runner.model.verification import Verification
from runner.model.yaml.finding import did_you_mean
from runner.store import durable

_TIMES = frozenset({"within", "every", "hold_for", "says"})
_ASKS = ("http", "command", "sql")
_ASKS_AS = frozenset({"command", "sql", "params", "env", "hosts", "become", "become_user"})
_BAD = (1, 2, 3, 4, 7, 22, 28, 35, 52, 56, 60)
"""With what `test`, `grep`, `systemctl`, `pg_isready`, `psql` and `curl` end where the system is not well."""
_BUDGET = "5m"


@dataclass(frozen=True, slots=True)
class FirstDrill:
    """The block that was written into the file of `runbook`, the fault that it has, and the others there are."""

    runbook: str
    text: str
    fault: Fault
    others: tuple[Fault, ...]


def choose_fault(source: Source, key: str = "") -> Fault:
    """The fault called `key`, or the one that the words of the runbook suggest.

    Raises:
        MistypedError: there is none of that name, or they suggest none.
    """
    known = plugins.faults()
    if key and key not in known:
        raise MistypedError(
            f"there is no fault {key!r}", hint=did_you_mean(key, list(known)) or f"there are {listed(list(known))}"
        )
    if key:
        return known[key]
    runbook, trigger = source.runbook, source.runbook.trigger
    rest = " ".join((*runbook.scope.handles, trigger.event or "", trigger.condition or ""))
    scores = {each.key: (_suggests(each, runbook.title), _suggests(each, rest)) for each in known.values()}
    best = max(scores, key=lambda each: scores[each])
    if not any(scores[best]):
        message = f"no word of {source.id} says in which way it is broken"
        raise MistypedError(message, hint=f"--fault says it: {', '.join(known)}; --faults shows what each needs")
    return known[best]


def _suggests(fault: Fault, text: str) -> int:
    """How many of the words of `fault` begin one of `text`."""
    return sum(re.search(rf"\b{re.escape(word)}", text, re.IGNORECASE) is not None for word in fault.words)


def found_values(source: Source, fault: Fault) -> dict[str, str]:
    """What of the needs of `fault` the runbook itself says: the unit that its own commands name."""
    units = [words[-1] for step in source.runbook.every_step for words in _systemctl(source, step)]
    named = [unit for unit in units if "{{" not in unit or unit.startswith("{{")]
    return {"service": named[0]} if named and "service" in fault.needs else {}


def _systemctl(source: Source, step: Step) -> Sequence[Sequence[str]]:
    """The commands of `step` that are for a unit of systemd: `systemctl VERB UNIT`."""
    code = step.action.shell_code(source.read_file) if step.action else None
    commands = code.commands() if code else ()
    return [each.words for each in commands if each.name == "systemctl" and len(each.words) > len(("VERB", "UNIT"))]


def write_first_drill(
    library: Library, runbook: str, fault: Fault, values: Mapping[str, str], *, url: str = ""
) -> FirstDrill:
    """Write a drill with `fault` into the file of `runbook`, which must load with it; `url` is what its probe asks.

    Raises:
        InvalidInputError: it has a drill, or nothing in it says how one sees that the system is well.
        MistypedError: `values` lack something that the fault needs.
    """
    source = library.usable(runbook)
    if source.runbook.drill:
        raise InvalidInputError(f"{source.id} has a drill already", hint=f"runbook drill {source.id}")
    if missing := [f"{name} ({about})" for name, about in fault.needs.items() if not values.get(name)]:
        keys = ", ".join(key for key in plugins.faults() if key != fault.key)
        hint = f"add -e {next(iter(fault.needs))}=VALUE, or choose another by --fault: {keys}"
        raise MistypedError(f"{fault.title.lower()}: {listed(missing)} is not said", hint=hint)
    text = _block(source, fault, values, url)
    before = source.path.read_text(encoding="utf-8")
    durable.write(source.path, before.rstrip("\n") + "\n\n" + text)
    try:
        library.usable(source.id)
    except RunbookError:
        durable.write(source.path, before)
        raise
    others = tuple(each for each in plugins.faults().values() if each.key != fault.key)
    return FirstDrill(source.id, text, fault, others)


def _block(source: Source, fault: Fault, values: Mapping[str, str], url: str) -> str:
    probe = {"http": url} if url else _well(source)
    hosts = {"hosts": f"{source.runbook.hosts}[0]"} if source.runbook.hosts.isidentifier() else {}
    steps = {phase: {**hosts, **_in_one_line(step)} for phase, step in fault.steps(values).items()}
    ordered = {phase: {"name": step.pop("name"), **step} for phase, step in steps.items()}
    drill = {
        "probe": probe,
        "inject": ordered["inject"],
        "symptom": _ill(source, probe),
        "proof": _proof(source, probe),
        "undo": ordered["undo"],
        "budget": _BUDGET,
    }
    lines = dump({"drill": drill}).removeprefix("---\n")
    remark = "The undo must take back exactly what `inject` does, and do no harm where that was not done."
    of_systemd = "systemctl" in lines and not any(_systemctl(source, step) for step in source.runbook.every_step)
    own = "\n# Where no systemd runs the service, write into both how it is stopped and started there." * of_systemd
    return f"# {fault.title}. {remark}{own}\n{lines}"


def _in_one_line(step: Mapping[str, Any]) -> dict[str, Any]:
    """`step`, in which a command is written as somebody would type it."""
    command = step.get("command")
    return {**step, "command": shlex.join(command)} if isinstance(command, list) else dict(step)


def _looks(source: Source) -> Iterator[tuple[Step, Verification, dict[str, Any]]]:
    """The verifications of the procedure that a probe could make, each with its step and as it is written."""
    written = source.document.value.get("steps", [])
    by_id = {each.get("id"): each for each in written if isinstance(each, dict)}
    for step in source.runbook.steps:
        raw = by_id.get(step.id, {}).get("verify", [])
        for look, item in zip(step.verify, raw, strict=False):
            call = look.probe() if look.probes else None
            if call and call.module in ASKED_DIRECTLY and not call.on_controller and isinstance(item, dict):
                yield step, look, item


def _well(source: Source) -> dict[str, Any]:
    """What the runbook itself looks at last, as a probe asks it.

    Raises:
        InvalidInputError: it looks at nothing that could be asked all the time.
    """
    found = [*_looks(source)]
    if not found:
        hint = "--url says what a user would ask for, like --url http://app/health"
        raise InvalidInputError(f"{source.id} verifies nothing that a probe could ask", hint=hint)
    step, _, written = found[-1]
    beside = {} if "http" in written else {"hosts": step.hosts or source.runbook.hosts, **_privilege(step)}
    asked = {key: value for key, value in written.items() if key not in _TIMES}
    return asked | {key: value for key, value in beside.items() if key not in asked}


def _privilege(step: Step) -> dict[str, Any]:
    """As whom `step` is done, as it is written."""
    who = {"become": step.become, "become_user": step.become_user}
    return {key: value for key, value in who.items() if value}


def _ill(source: Source, probe: Mapping[str, Any]) -> dict[str, Any]:
    """What the first verification looks at, where it asks something by itself; else the probe's own bad answer."""
    first = source.runbook.steps[0].id if source.runbook.steps else ""
    for step, look, written in _looks(source):
        same = any(key in probe and probe[key] == written.get(key) for key in _ASKS)
        if step.id == first and not same:
            beside = _privilege(step) | ({} if step.hosts is None else {"hosts": step.hosts})
            return {"says": look.says, **beside, **{key: value for key, value in written.items() if key != "says"}}
    bad: dict[str, dict[str, Any]] = {
        "http": {"that": "status != 200"},
        "command": {"exit": [*_BAD]},
        "sql": {"that": "rows | length == 0"},
    }
    answer = next(answer for key, answer in bad.items() if key in probe)
    return {"says": "Users get no good answer", **(_opposite(probe) or answer)}


def _opposite(probe: Mapping[str, Any]) -> dict[str, Any]:
    """When what the `probe` says itself of a good answer does not hold; empty where it says nothing."""
    good = probe.get("that", [])
    if not (said := [good] if isinstance(good, str) else [*good]):
        return {}
    opposite = f"not ({' and '.join(f'({each})' if len(said) > 1 else each for each in said)})"
    no_answer = "http" in probe and not re.search(r"\bstatus\b", opposite)  # of which there is no `json`
    return {"that": f"status != 200 or {opposite}" if no_answer else opposite}


def _proof(source: Source, probe: Mapping[str, Any]) -> dict[str, Any]:
    """More than one good answer: what the probe asks, ten times, from a host of the runbook."""
    if "http" in probe:
        fetch = 'curl --silent --show-error --fail --max-time 5 --output /dev/null "$URL"'
        return {
            "name": "Ten users in a row are served",
            "hosts": source.runbook.hosts,
            "shell": f"for request in {{1..10}}; do {fetch}; done\necho all served\n",
            "env": {"URL": probe["http"] if isinstance(probe["http"], str) else probe["http"].get("url", "")},
            "verify": [{"says": "All ten are", "matches": "all served"}],
        }
    kept = {key: value for key, value in probe.items() if key in _ASKS_AS}
    judged = {key: value for key, value in probe.items() if key not in kept}
    return {"says": "It holds for five seconds", **kept, **judged, "hold_for": "5s", "every": "1s"}
