"""The skeleton has the words of every command, and is kept so that nothing else is imported the next time."""

from __future__ import annotations

import json

import click
import pytest
from click.shell_completion import ShellComplete
from harness.fakes import runbook_file

from runner.cli import cli
from runner.cli.completion import command_skeleton
from runner.cli.completion.completers import COMPLETERS
from runner.cli.words_or_arguments import WordsOrArguments


def words(command, path=()):
    """Each parameter of a command and of those below it: where it is, and how it is written."""
    for param in command.params:
        if param.name != "_click_default_help":
            yield (
                path,
                param.param_type_name,
                param.name,
                tuple(param.opts),
                param.nargs,
                getattr(param, "is_flag", None),
            )
    if isinstance(command, click.Group):
        for name in command.list_commands(None):
            yield from words(command.get_command(None, name), (*path, name))
    if isinstance(command, WordsOrArguments):
        for name, other in command.others.items():
            yield from words(other, (*path, name))


def test_it_has_the_words_of_every_command(tmp_path):
    made = command_skeleton.skeleton(cli, cache=tmp_path / "a" / "commands.json")

    assert list(words(made)) == list(words(cli))


def test_from_the_second_time_on_it_is_what_was_kept(tmp_path, monkeypatch):
    cache = tmp_path / "commands.json"
    first = command_skeleton.skeleton(cli, cache=cache)
    monkeypatch.setattr(cli, "to_info_dict", None)

    assert list(words(command_skeleton.skeleton(cli, cache=cache))) == list(words(first))
    assert list(tmp_path.iterdir()) == [cache]


@pytest.mark.parametrize(
    "kept", ["", "[]", "{}", '{"key": 1}', json.dumps({"key": "of an older version", "commands": {}})]
)
def test_what_is_not_of_this_version_is_made_anew(tmp_path, kept):
    cache = tmp_path / "commands.json"
    cache.write_text(kept)

    assert list(words(command_skeleton.skeleton(cli, cache=cache))) == list(words(cli))
    assert json.loads(cache.read_text())["commands"]["commands"].keys() == set(cli.list_commands(None))


def test_where_nothing_can_be_kept_it_is_made_each_time(tmp_path):
    (tmp_path / "file").touch()

    assert list(words(command_skeleton.skeleton(cli, cache=tmp_path / "file" / "commands.json"))) == list(words(cli))


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"HOME": "/home/a"}, "/home/a/.cache/runbook/commands.json"),
        ({"HOME": "/home/a", "XDG_CACHE_HOME": "/c"}, "/c/runbook/commands.json"),
        ({"HOME": "/home/a", "XDG_CACHE_HOME": "relative"}, "/home/a/.cache/runbook/commands.json"),
    ],
)
def test_where_it_is_kept(environ, expected):
    assert str(command_skeleton.cache_file(environ)) == expected


def test_each_parameter_that_something_completes_is_one_of_some_command():
    names = {name for _, _, name, *_ in words(cli)}

    assert set(COMPLETERS) - names <= {"skip", "from_step"}


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["drill", ""], ["init", "stop", "RUN-001"]),
        (["drill", "st"], ["stop"]),
        (["drill", "RUN-001", ""], []),
        (["drill", "stop", "--o"], ["--over"]),
        (["drill", "init", ""], ["RUN-001"]),
        (["drill", "init", "--fault", "fill"], ["fill-disk"]),
        (["drill", "init", "--fault", "fill-disk", "-e", ""], ["directory="]),
        (["drill", "init", "--fault", "hold-lock", "-e", "table=a", "-e", ""], ["database="]),
    ],
)
def test_a_word_that_is_a_command_is_offered_and_so_is_what_follows_it(tmp_path, monkeypatch, words, offered):
    runbook_file(tmp_path)
    monkeypatch.chdir(tmp_path)
    made = command_skeleton.skeleton(cli, cache=tmp_path / "commands.json")

    found = ShellComplete(made, {}, "runbook", "_RUNBOOK_COMPLETE").get_completions(words[:-1], words[-1])

    assert [each.value for each in found] == offered
