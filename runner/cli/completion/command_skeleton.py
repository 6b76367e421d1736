"""The commands without what they do: names and parameters as data, so that completion need not import the rest."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from runner.cli.completion.completers import COMPLETERS
from runner.library.root import cache_directory

_HELP = "_click_default_help"
_Told = Mapping[str, Any]


def skeleton(cli: click.Group, *, cache: Path) -> click.Command:
    """The commands of `cli` with the same words, which do nothing; what they are is kept in the file `cache`.

    The first call after the product changed imports every command, which takes about a second; the others do not.
    """
    key = _key()
    told = _kept(cache, key)
    if told is None:
        told = cli.to_info_dict(click.Context(cli, info_name="runbook", **cli.context_settings))
        _keep(cache, {"key": key, "commands": told})
    return _command("runbook", told)


def cache_file(environ: Mapping[str, str]) -> Path:
    """Where the skeleton is kept."""
    return cache_directory(environ) / "commands.json"


def _key() -> str:
    """What changes when a file of a command does."""
    paths = sorted(Path(__file__).parents[1].rglob("*.py"))
    facts = [(path.name, status.st_mtime_ns, status.st_size) for path in paths for status in [path.stat()]]
    return hashlib.sha256(repr((sys.version, click.__file__, facts)).encode()).hexdigest()


def _kept(cache: Path, key: str) -> _Told | None:
    try:
        kept = json.loads(cache.read_text(encoding="utf-8"))
        return kept["commands"] if kept["key"] == key else None
    except (OSError, ValueError, LookupError, TypeError):
        return None


def _keep(cache: Path, value: _Told) -> None:
    text = json.dumps(value, default=str)
    new = cache.with_name(f"{cache.name}.{os.getpid()}")
    with contextlib.suppress(OSError):  # a home that cannot be written to only makes completion slower
        cache.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        new.write_text(text, encoding="utf-8")
        new.replace(cache)


def _command(name: str, told: _Told) -> click.Command:
    params = [_parameter(each) for each in told["params"] if each["name"] != _HELP]
    about: dict[str, Any] = {"params": params, "help": told["help"], "hidden": told["hidden"]}
    if "commands" not in told:
        return click.Command(name, **about)
    return click.Group(
        name, commands={each: _command(each, inner) for each, inner in told["commands"].items()}, **about
    )


def _parameter(told: _Told) -> click.Parameter:
    complete = COMPLETERS.get(told["name"])
    if told["param_type_name"] == "argument":
        nargs = told["nargs"]
        return click.Argument([told["name"]], nargs=nargs, required=False, type=_type(told), shell_complete=complete)
    words = [told["name"], *told["opts"], *told["secondary_opts"]]
    about: dict[str, Any] = {"help": told["help"], "hidden": told["hidden"], "multiple": told["multiple"]}
    if told["is_flag"] or told["count"]:
        return click.Option(words, is_flag=not told["count"], count=told["count"], help=told["help"])
    return click.Option(words, nargs=told["nargs"], type=_type(told), shell_complete=complete, **about)


def _type(told: _Told) -> click.ParamType[Any]:
    kind = told["type"]
    if kind.get("choices"):
        return click.Choice(kind["choices"])
    if kind["param_type"] == "Path":
        return click.Path(file_okay=kind["file_okay"], dir_okay=kind["dir_okay"])
    return click.STRING
