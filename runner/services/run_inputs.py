"""The inputs of a run: read as they were given, completed by whoever can be asked, with secrets looked up."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from runner.core.characters import unfit
from runner.core.errors import MistypedError
from runner.core.secrets import FORMS, PROMPT, SecretReference
from runner.executor.ansible.workspace import CONFIDENTIAL
from runner.kinds.secrets.lookup import look_up
from runner.library.runbook_source import Source
from runner.model.input import Input, InputFault, missing, read_all
from runner.model.runbook import Runbook
from runner.orchestrator.request import RunRequest


class InputPrompt(Protocol):
    """Somebody who can be asked for an input."""

    def __call__(self, name: str, item: Input, default: Any = None) -> Any:
        """The value of the input `name`: valid, and of its type."""


def give_inputs(
    request: RunRequest,
    given: Sequence[str],
    *,
    here: Path,
    environ: Mapping[str, str],
    prompt: InputPrompt | None = None,
    ask_all: bool = False,
    resumed: bool = False,
    planned: bool = False,
) -> RunRequest:
    """`request` with its inputs: `given` as NAME=VALUE, else those that it has, else what `prompt` answers.

    Args:
        request: what is asked for; what it has for an input was given to an earlier attempt at the same run.
        given: `NAME=VALUE` each; of a secret, where it is. A path is one from `here`.
        here: the directory of whoever gives them.
        environ: where a secret `env:NAME` is looked up.
        prompt: asked for what is missing; None where nobody can be asked.
        ask_all: whether `prompt` is asked for every input that was not given, also where it has a default.
        resumed: whether the run has begun, so that only where a secret is may be given.
        planned: whether it is only planned, so that no secret need be there.

    Raises:
        MistypedError: some are wrong or missing; the message names all of them.
    """
    source, before = request.source, request.inputs
    if resumed:
        _check_only_secrets(source.runbook, given)
    values = _read(source, given, here=here, prompt=prompt, ask_all=ask_all, before=before, planned=planned)
    secrets = {} if planned else _reveal(source.runbook, values, environ=environ, prompt=prompt)
    keys = (environ[name] for name in CONFIDENTIAL if environ.get(name))
    return replace(request, inputs=values, secrets=secrets, hidden=tuple(dict.fromkeys((*request.hidden, *keys))))


def _read(
    source: Source,
    given: Sequence[str],
    *,
    here: Path,
    prompt: InputPrompt | None,
    ask_all: bool,
    before: Mapping[str, Any],
    planned: bool,
) -> dict[str, Any]:
    """The value of every input of the runbook, and of each secret where it is, or `prompt`."""
    runbook = source.runbook
    texts, problems = _split(given)
    # A runbook that has changed since an earlier attempt may ask for less.
    earlier = {name: value for name, value in before.items() if name in runbook.inputs}
    values, wrong = read_all(runbook.inputs, {**earlier, **texts})
    problems += [f"-e {each}" for each in wrong]
    _make_absolute(values, source, here=here, given=texts)
    if prompt is None:
        reported = {each.name for each in wrong}
        absent = [*missing(runbook.inputs, values), *_unanswerable(runbook, values)]
        if planned:
            absent = [each for each in absent if each.name not in runbook.secrets]
        problems += [_how_to_give(runbook, each) for each in absent if each.name not in reported]
    _refuse(runbook, problems)
    for name, item in runbook.inputs.items():
        if item.type == "secret":
            values.setdefault(name, PROMPT)
        elif prompt and (name not in values or (ask_all and name not in texts)):
            values[name] = prompt(name, item, values.get(name))
    return {name: values[name] for name in runbook.inputs}


def _reveal(
    runbook: Runbook, values: Mapping[str, Any], *, environ: Mapping[str, str], prompt: InputPrompt | None
) -> dict[str, str]:
    """Each secret of the runbook, read from where `values` say that it is; `prompt` is asked for the others."""
    secrets, problems = {}, []
    for name in (name for name in runbook.inputs if name in runbook.secrets):
        if values[name] == PROMPT:
            continue
        try:
            secrets[name] = runbook.inputs[name].check_secret(look_up(SecretReference.parse(values[name]), environ))
        except ValueError as error:
            problems.append(f"{name} ({values[name]}): {error}")
    _refuse(runbook, problems)
    for name, item in runbook.inputs.items():
        if prompt and name in runbook.secrets and name not in secrets:
            secrets[name] = prompt(name, item)
    return secrets


def _check_only_secrets(runbook: Runbook, given: Sequence[str]) -> None:
    names = [item.partition("=")[0] for item in given]
    if plain := [name for name in names if name in runbook.inputs.keys() - runbook.secrets]:
        raise MistypedError(
            f"-e {plain[0]}: the run started with another value, and only the place of a secret may be changed",
            hint="start a new run",
        )


def _split(given: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    """What each `-e` says, and what is wrong with those that say nothing; a value is not repeated."""
    texts, problems = {}, []
    for item in given:
        name, separator, text = item.partition("=")
        if not separator:
            problems.append(f"-e {name}: write it as NAME=VALUE")
        elif unfit(text):
            problems.append(f"-e {name}: the value is not text in UTF-8; name a file that holds it")
        else:
            texts[name] = text
    return texts, problems


def _make_absolute(values: dict[str, Any], source: Source, *, here: Path, given: Mapping[str, str]) -> None:
    """Make a path in a reference absolute: it starts where it is written, in the runbook's directory or `here`."""
    for name in values.keys() & source.runbook.secrets:
        base = here if name in given else source.path.parent
        values[name] = str(SecretReference.parse(values[name]).absolute(base.absolute()))


def _unanswerable(runbook: Runbook, values: Mapping[str, Any]) -> list[InputFault]:
    typed = [name for name in runbook.secrets if values.get(name) == PROMPT]
    return [InputFault(name, "is asked for, and there is no terminal") for name in sorted(typed)]


def _how_to_give(runbook: Runbook, each: InputFault) -> str:
    item = runbook.inputs[each.name]
    takes = f"where it is: {FORMS}" if item.type == "secret" else item.takes
    return f"{each.name} {each.what}; give -e {each.name}=..., {takes} ({item.help})"


def _refuse(runbook: Runbook, problems: Iterable[str]) -> None:
    if lines := [f"  {each}" for each in problems]:
        hint = f"runbook show {runbook.id} explains each input"
        raise MistypedError("\n".join([f"{runbook.id} cannot start with these inputs:", *lines]), hint=hint)
