"""What may stand for each parameter of a command, by the name that the parameter has in every command."""

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import click
from click.shell_completion import CompletionItem

from runner.cli.completion import lenient_files
from runner.library.root import cache_directory, default_state, library_root

Completer = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]
_Offers = Iterable[tuple[str, str]]


def _completer(*sources: Callable[[click.Context], _Offers]) -> Completer:
    """A completer that offers the values of the `sources` that begin like the typed text, each with its help."""

    def complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        given = ctx.params.get(param.name or "")
        used = set(given) if isinstance(given, list | tuple) else set()
        return [
            CompletionItem(value, help=about or None)
            for source in sources
            for value, about in source(ctx)
            if value.casefold().startswith(incomplete.casefold()) and value not in used
        ]

    return complete


def with_words(words: Mapping[str, str], complete: Completer | None) -> Completer:
    """What `complete` offers, and before it each of the `words` with its help, where nothing was typed before."""
    own = _completer(lambda _: words.items())

    def both(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        offered = [] if ctx.params.get(param.name or "") else own(ctx, param, incomplete)
        return [*offered, *(complete(ctx, param, incomplete) if complete else ())]

    return both


def _runbooks(ctx: click.Context) -> _Offers:
    return lenient_files.titles(_root(ctx)).items()


def _entries(ctx: click.Context) -> _Offers:
    return lenient_files.entries(_root(ctx)).items()


def _contacts(ctx: click.Context) -> _Offers:
    return lenient_files.contacts(_root(ctx)).items()


def _names(ctx: click.Context) -> _Offers:
    return dict.fromkeys(_in_inventories([_root(ctx) / "inventories"]), "").items()


def _programs(ctx: click.Context) -> _Offers:
    from runner.library.library import Library  # noqa: PLC0415 - only this one waits for the models
    from runner.library.links.links import links  # noqa: PLC0415
    from runner.library.snapshot import read  # noqa: PLC0415

    found = links(read(Library(_root(ctx), cache_directory(os.environ))))
    return dict.fromkeys(sorted({link.target for link in found if link.sort == "program"}), "a program").items()


def _runs(ctx: click.Context) -> Iterator[tuple[str, str]]:
    known = lenient_files.runs(_state(ctx))
    if known:
        yield "last", "the newest run"
    for name, run in known.items():
        yield name, f"{run.get('runbook', '')} {run.get('outcome') or run.get('status', '')}".strip()


def _free(ctx: click.Context) -> Iterator[tuple[str, str]]:
    from runner.library.library import Library  # noqa: PLC0415 - only this one waits for the models

    yield Library(_root(ctx)).next_id(), "the next free id"


def _rules(_: click.Context) -> Iterator[tuple[str, str]]:
    from runner.lint.engine import rules  # noqa: PLC0415 - only this one waits for the rules

    yield from ((name, rule.problem) for name, rule in rules().items())


def _faults(_: click.Context) -> Iterator[tuple[str, str]]:
    from runner.kinds.plugins import faults  # noqa: PLC0415 - only this one waits for the kinds

    yield from ((key, fault.title) for key, fault in faults().items())


def _needs(ctx: click.Context) -> Iterator[tuple[str, str]]:
    """`name=` for each thing that the fault needs, which may be any where none was chosen."""
    from runner.kinds.plugins import faults  # noqa: PLC0415 - as the one before

    chosen, used = faults(), {str(item).partition("=")[0] for item in ctx.params.get("needs") or ()}
    fault = chosen.get(ctx.params.get("fault") or "")
    asked = [fault] if fault else [*chosen.values()]
    for name, about in {name: about for each in asked for name, about in each.needs.items()}.items():
        if name not in used:
            yield f"{name}=", about


def _expected(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """A gate, then who may offend against it."""
    from runner.library.gates.quality_gates import GATES  # noqa: PLC0415 - only this one waits for the models

    gate, colon, start = incomplete.partition(":")
    if not colon:
        return [CompletionItem(f"{name}:") for name in GATES if name.startswith(gate)]
    known = {**lenient_files.entries(_root(ctx)), **lenient_files.titles(_root(ctx))}
    return [CompletionItem(f"{gate}:{name}", help=title) for name, title in known.items() if name.startswith(start)]


def _hosts(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Hosts and groups of the inventories that were given; of a pattern such as `app:!db`, its last name."""
    start = re.split(r"[:,&!]", incomplete)[-1]
    before = incomplete[: len(incomplete) - len(start)]
    places = [path for given in ctx.params.get("inventories") or () for path in (Path(given), _root(ctx) / given)]
    return [CompletionItem(before + name) for name in _in_inventories(places) if name.startswith(start)]


def _in_inventories(places: Iterable[Path]) -> Iterable[str]:
    from runner.library.inventory import names  # noqa: PLC0415 - what completes the id of a runbook does not wait

    return dict.fromkeys(name for path in places if path.exists() for name in names(path))


def _inputs(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """`name=` for each input of the runbook, then the values that it may have."""
    declared = _runbook(ctx).get("inputs")
    known: Mapping[str, Any] = declared if isinstance(declared, dict) else {}
    name, given, start = incomplete.partition("=")
    if not given:
        used = {str(item).partition("=")[0] for item in ctx.params.get("given") or ()}
        free = [key for key in known if key.startswith(name) and key not in used]
        return [CompletionItem(f"{key}=", help=_field(known[key], "help")) for key in free]
    values = _values(known.get(name))
    return [CompletionItem(f"{name}={value}") for value in values if value.startswith(start)]


def _values(declared: Any) -> list[str]:
    if _field(declared, "type") == "bool":
        return ["true", "false"]
    choices = declared.get("values") if isinstance(declared, dict) else None
    default = _field(declared, "default")
    return [str(choice) for choice in choices] if isinstance(choices, list) else [default] if default else []


def _field(declared: Any, key: str) -> str:
    return str(declared.get(key) or "") if isinstance(declared, dict) else ""


def _steps(ctx: click.Context) -> Iterator[tuple[str, str]]:
    for step in lenient_files.steps(_runbook(ctx)):
        yield str(step["id"]), str(step.get("name", ""))


def _choices(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """`STEP.NAME=` for whatever the operator picks."""
    picked = [
        f"{step['id']}.{name}="
        for step in lenient_files.steps(_runbook(ctx))
        if isinstance(step.get("choose"), dict)
        for name in step["choose"]
    ]
    return [CompletionItem(value) for value in picked if value.startswith(incomplete)]


def _runbook(ctx: click.Context) -> Mapping[str, Any]:
    """What the runbook says that the command is about: the one that is named, or the one of the run."""
    # While an option still lacks its value, click leaves the arguments where they are.
    name = ctx.params.get("runbook") or ctx.params.get("run_id") or next(iter(ctx.args), "")
    known = lenient_files.runs(_state(ctx))
    name = next(iter(known), "") if name == "last" else name
    if name in known:
        return lenient_files.runbook(_state(ctx) / "runs" / name / "runbook.yml")
    return lenient_files.runbook(Path(name) if Path(name).is_file() else _root(ctx) / "runbooks" / f"{name}.yml")


def _root(ctx: click.Context) -> Path:
    given = ctx.find_root().params.get("library")
    return library_root(Path(given) if given else None, here=Path.cwd()) or Path.cwd()


def _state(ctx: click.Context) -> Path:
    given = ctx.find_root().params.get("state_dir") or os.environ.get("RUNBOOK_STATE")
    return Path(given) if given else default_state(Path.cwd())


COMPLETERS: Mapping[str, Completer] = MappingProxyType(
    {
        **dict.fromkeys(("runbook", "runbooks", "replaced_by"), _completer(_runbooks)),
        **dict.fromkeys(("run_id", "run"), _completer(_runs)),
        **dict.fromkeys(("confirm", "done", "redo", "skip", "from_step"), _completer(_steps)),
        "shown": _completer(_runbooks, _runs),
        "linked": _completer(_runbooks, _entries, _contacts, _names, _programs),
        "new_id": _completer(_free),
        "words": _completer(_entries, _runbooks),
        "owner": _completer(_contacts),
        "rule": _completer(_rules),
        "fault": _completer(_faults),
        "needs": _completer(_needs),
        "expect": _expected,
        "limit": _hosts,
        "given": _inputs,
        "choose": _choices,
    }
)
