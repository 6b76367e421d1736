"""What the pages say is there: links lead somewhere, commands and options exist, examples load, every word is explained."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest
import yaml
from harness import ROOT

from runner.cli import cli
from runner.cli.words_or_arguments import WordsOrArguments
from runner.core.events import EventType, Outcome
from runner.library.library import Library
from runner.library.schema.json_schema import SCHEMAS
from runner.model.procedure.branch_steps import expand
from runner.model.reader import to_runbook
from runner.model.yaml.document import load

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
BY_NAME = {page.name: page for page in PAGES}
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
OWN = re.compile(r"(?:\.venv/bin/)?runbook ")


def text(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def fences(page: Path, language: str) -> list[str]:
    return [body for name, body in FENCE.findall(text(page)) if name == language]


def anchors(page: Path) -> set[str]:
    titles = re.findall(r"^#+ (.*)$", FENCE.sub("", text(page)), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


def commands(page: Path) -> list[str]:
    """Every command line of `runbook` on the page: in shell examples, and between backticks in its sentences."""
    lines = [line for body in fences(page, "sh") for line in body.splitlines()]
    parts = [part.strip() for line in lines for part in re.split(r" \| | && | > ", line.partition("  #")[0])]
    spans = [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", FENCE.sub("", text(page)))]
    return [part.partition(" > ")[0] for part in (*parts, *spans) if OWN.match(part)]


def parsed(command: click.Command, words: list[str], parent: click.Context | None = None) -> None:
    """Parse `words` as the command line does: an unknown command or option, or a wrong choice, raises."""
    if isinstance(command, WordsOrArguments) and words and words[0] in command.others:
        command, words = command.others[words[0]], words[1:]
    context = click.Context(command, parent=parent, info_name=command.name)
    context.allow_interspersed_args = not isinstance(command, click.Group)
    values, rest, _ = command.make_parser(context).parse_args(list(words))
    for param in command.params:
        value = values.get(param.name)
        for each in value if isinstance(value, list | tuple) else [value]:
            if isinstance(param.type, click.Choice) and isinstance(each, str):
                param.type.convert(each, param, context)
    if isinstance(command, click.Group) and rest:
        _, found, after = command.resolve_command(context, rest)
        parsed(found, after, context)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_each_link_leads_to_a_file_and_a_title_that_are_there(page):
    missing = []
    for target in re.findall(r"\]\(([^)]+)\)", FENCE.sub("", text(page))):
        path, _, anchor = target.partition("#")
        if path.startswith(("http://", "https://")):
            continue
        file = (page.parent / path).resolve() if path else page
        if not file.exists() or (anchor and anchor not in anchors(file)):
            missing.append(target)

    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_each_command_exists_with_its_options(page):
    wrong = []
    for line in commands(page):
        words = shlex.split(OWN.sub("", line, count=1))
        if words[0] == "COMMAND":  # any of them
            continue
        try:
            parsed(cli, words)
        except click.UsageError as error:
            wrong.append(f"{line}: {error.message}")

    assert wrong == []


@pytest.mark.parametrize(
    ("words", "refusal"),
    [
        ("runn", "No such command"),
        ("run --fast", "No such option"),
        ("list --format x", "No such option"),
        ("lint --format x", "is not one of"),
        ("audit verfy", "No such command"),
    ],
)
def test_a_command_that_is_not_there_would_be_found(words, refusal):
    with pytest.raises(click.UsageError, match=refusal):
        parsed(cli, shlex.split(words))


def test_each_page_is_linked_from_the_readme():
    linked = re.findall(r"\]\((docs/[\w-]+\.md)", text(BY_NAME["README.md"]))

    assert [page.name for page in PAGES if page.parent == ROOT / "docs" and f"docs/{page.name}" not in linked] == []


def test_enough_is_looked_at():
    assert len([line for page in PAGES for line in commands(page)]) > 100


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_each_path_of_the_repository_is_there(page):
    paths = re.findall(r"`((?:runner|tests|docs|benchmarks|runbooks|playbooks|inventories)/[\w./-]*)`", text(page))

    assert [path for path in paths if not (ROOT / path).exists() and not path.startswith("runbooks/RUN-00")] == []


@pytest.mark.parametrize(
    "example", [body for page in PAGES for body in fences(page, "yaml")], ids=lambda body: body.splitlines()[0]
)
def test_each_example_is_yaml_and_a_step_or_inputs_load(example):
    head = "id: RUN-001\ntitle: T\ncategory: incident\nseverity: P1\nowner: o\ntrigger: {event: E}\nscope: {handles: [One]}\nhosts: all\nescalation: {when: [step_failed], contacts: [on-call], provide: [timeline]}\n"
    find = "- {id: find, name: Find, sql: SELECT 1 AS pid, capture: {stuck_pids: rows}, verify: [{that: rows | length > 0}]}\n"
    step = '- {id: look, name: Look, command: "true", verify: [{exit: 0}]}\n'
    if example.startswith("- id:"):
        to_runbook(expand(load(f"{head}steps:\n{find}{example}".encode(), file="RUN-001.yml")))
    elif example.startswith("inputs:"):
        to_runbook(load(f"{head}{example}steps:\n{step}".encode(), file="RUN-001.yml"))
    else:
        assert yaml.safe_load(example)


def test_the_readme_is_short_and_has_the_two_commands_that_ci_runs():
    lines = text(BY_NAME["README.md"]).splitlines()

    assert len(lines) <= 150
    assert "python3 -m venv .venv && .venv/bin/pip install -q -e '.[demo]' && .venv/bin/runbook demo" in lines
    assert (
        "python3 -m venv .venv && .venv/bin/pip install -q -e '.[test]' && .venv/bin/pytest -n 4 -m 'not long'" in lines
    )


def test_the_list_of_commands_is_that_of_the_command_line():
    context = click.Context(cli)
    captions = re.findall(r"^\| `runbook ([a-z]+)` \| (.+) \|$", text(BY_NAME["commands.md"]), re.MULTILINE)

    assert sorted(name for name, _ in captions) == sorted(cli.list_commands(context))
    helped = " ".join(cli.get_help(click.Context(cli, terminal_width=200)).split())
    assert [caption for _, caption in captions if caption not in helped] == []


def test_the_picture_is_one_of_the_runbook_as_it_is():
    drawn = (ROOT / "docs" / "run.svg").read_text(encoding="utf-8").replace("&#160;", " ")
    steps = Library(ROOT).source("RUN-001").runbook.steps

    assert [step.name for step in steps if step.name not in drawn] == []
    assert "RECOVERED" in drawn


def explained() -> set[str]:
    """The words in the first column of the glossary's tables."""
    rows = re.findall(r"^\| (.+?) \|", text(BY_NAME["glossary.md"]), re.MULTILINE)
    return {word.strip("` ") for row in rows for word in row.split(",")}


@pytest.mark.parametrize("words", [EventType, Outcome], ids=lambda words: words.__name__)
def test_the_glossary_explains_each_event_and_each_outcome(words):
    assert sorted({str(word) for word in words} - explained()) == []


def keys(schema: object) -> dict[str, set[str]]:
    """Each key that a schema names, with its descriptions."""
    found: dict[str, set[str]] = {}
    if isinstance(schema, dict):
        for key, value in schema.get("properties", {}).items():
            found.setdefault(key, set()).add(value.get("description", "") if isinstance(value, dict) else "")
    for each in schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ():
        for key, descriptions in keys(each).items():
            found.setdefault(key, set()).update(descriptions)
    return found


@pytest.mark.parametrize("of", SCHEMAS)
def test_each_yaml_key_is_explained_in_its_schema_or_in_the_glossary(of):
    assert [key for key, told in keys(SCHEMAS[of]()).items() if not any(told) and key not in explained()] == []


def test_the_source_tour_names_every_package():
    tour = text(BY_NAME["source-tour.md"])
    packages = sorted(path.parent.name for path in (ROOT / "runner").glob("*/__init__.py"))

    assert [name for name in packages if f"| `runner/{name}/` |" not in tour] == []
