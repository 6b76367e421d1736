"""The commands without what they do: names and parameters as data, so that completion need not import the rest."""

import contextlib
import hashlib
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from runner.cli.completion.completers import COMPLETERS, with_words
from runner.cli.words_or_arguments import WordsOrArguments
from runner.library.root import cache_directory
from runner.store import durable

_HELP = "_click_default_help"
_Info = Mapping[str, Any]


def skeleton(cli: click.Group, *, cache: Path) -> click.Command:
    """The commands of `cli` with the same words, which do nothing; what they are is kept in the file `cache`.

    The first call after the product changed imports every command, which takes about a second; the others do not.
    """
    key = _key()
    info = _cached(cache, key)
    if info is None:
        info = cli.to_info_dict(click.Context(cli, info_name="runbook", **cli.context_settings))
        _store(cache, {"key": key, "commands": info})
    return _command("runbook", info)


def cache_file(environ: Mapping[str, str]) -> Path:
    """Where the skeleton is kept."""
    return cache_directory(environ) / "commands.json"


def _key() -> str:
    """What changes when a file of a command does."""
    paths = sorted(Path(__file__).parents[1].rglob("*.py"))
    facts = [(path.name, status.st_mtime_ns, status.st_size) for path in paths for status in [path.stat()]]
    return hashlib.sha256(repr((sys.version, click.__file__, facts)).encode()).hexdigest()


def _cached(cache: Path, key: str) -> _Info | None:
    try:
        cached = json.loads(cache.read_text(encoding="utf-8"))
        return cached["commands"] if cached["key"] == key else None
    except (OSError, ValueError, LookupError, TypeError):
        return None


def _store(cache: Path, value: _Info) -> None:
    with contextlib.suppress(OSError):  # a home that cannot be written to only makes completion slower
        cache.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        durable.write(cache, json.dumps(value, default=str))


def _command(name: str, info: _Info) -> click.Command:
    others = {word: _command(word, other) for word, other in info.get("others", {}).items()}
    first = {word: str(other.help or "").partition("\n")[0] for word, other in others.items()}
    params = [_parameter(each, first) for each in info["params"] if each["name"] != _HELP]
    about: dict[str, Any] = {"params": params, "help": info["help"], "hidden": info["hidden"]}
    if others:
        return WordsOrArguments(name, others=others, **about)
    if "commands" not in info:
        return click.Command(name, **about)
    return click.Group(
        name, commands={each: _command(each, inner) for each, inner in info["commands"].items()}, **about
    )


def _parameter(info: _Info, first: Mapping[str, str]) -> click.Parameter:
    """The parameter; an argument may be one of the words that are commands, too, where it is the `first`."""
    complete = COMPLETERS.get(info["name"])
    if info["param_type_name"] == "argument":
        complete = with_words(first, complete) if first else complete
        nargs = info["nargs"]
        return click.Argument([info["name"]], nargs=nargs, required=False, type=_type(info), shell_complete=complete)
    words = [info["name"], *info["opts"], *info["secondary_opts"]]
    about: dict[str, Any] = {"help": info["help"], "hidden": info["hidden"], "multiple": info["multiple"]}
    if info["is_flag"] or info["count"]:
        return click.Option(words, is_flag=not info["count"], count=info["count"], help=info["help"])
    return click.Option(words, nargs=info["nargs"], type=_type(info), shell_complete=complete, **about)


def _type(info: _Info) -> click.ParamType[Any]:
    kind = info["type"]
    if kind.get("choices"):
        return click.Choice(kind["choices"])
    if kind["param_type"] == "Path":
        return click.Path(file_okay=kind["file_okay"], dir_okay=kind["dir_okay"])
    return click.STRING
