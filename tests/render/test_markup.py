"""What runbooks, hosts and people say stays text in what is rendered."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import runner
from runner.render.markup import markdown, one_line, template_environment, visible


def test_what_does_not_show_is_made_visible():
    assert visible("a\x1b[2J\u202eb\nc\td\x00") == "a\ufffd[2J\ufffdb\nc\td\ufffd"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("a\n b\t\x1b[0m", "a b [0m"),
        (5, "5"),
        (None, "null"),
        ({"a": ["ü", 1]}, '{"a": ["ü", 1]}'),
        ("", ""),
    ],
)
def test_a_value_is_one_line_of_what_shows(value, shown):
    assert one_line(value) == shown


def test_markdown_means_nothing_in_a_markdown():
    assert (
        markdown("a|b <c> [d](e) `f` *g* & \\ _h_ a_b")
        == "a\\|b \\<c\\> \\[d\\](e) \\`f\\` \\*g\\* \\& \\\\ \\_h\\_ a_b"
    )


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        *(("# a", "\\# a"), ("- a", "\\- a"), ("+", "\\+"), ("1. a", "1\\. a"), ("12)", "12\\)"), ("---", "\\---"), ("~~~", "\\~~~")),
        *(("1.5s", "1.5s"), ("2026-11-28", "2026-11-28"), ("-x", "-x"), ("#1", "#1")),
    ],
)  # fmt: skip
def test_only_what_begins_a_block_of_markdown_is_marked(said, shown):
    assert markdown(said) == shown


def test_a_template_prints_nothing_that_is_more_than_text():
    page = template_environment("runner.render").from_string("{{ a }} {{ b }}").render(a="<b>\x1b", b=5)

    assert page == "&lt;b&gt;\ufffd 5"


def test_a_template_that_is_compiled_already_prints_in_the_way_of_each_environment():
    kinds = [(True, visible), (True, str), (False, visible), (True, visible)]
    made = [template_environment("runner.render", html=html, text=text) for html, text in kinds]

    pages = [each.get_template("matrix.html.j2").render(rows=[], columns=["<b>\x1b"], note="") for each in made]

    assert ["&lt;b&gt;" in page for page in pages] == [True, True, False, True]
    assert ["\x1b" in page for page in pages] == [False, True, False, False]
    assert pages[3] == pages[0]


def test_what_a_template_is_compiled_to_is_kept_beside_it_until_it_changes(tmp_path):
    # Given a package of templates, and a program that renders one of them
    templates = tmp_path / "pages" / "templates"
    templates.mkdir(parents=True)
    (tmp_path / "pages" / "__init__.py").touch()
    program = (
        "import sys, jinja2\nfrom runner.render.markup import template_environment\n"
        "compiled = []\n"
        "jinja2.Environment._compile = lambda self, *words: compiled.append(1) or compile(*words, 'exec')\n"
        "page = template_environment('pages', html=sys.argv[1] == 'html').get_template('page.j2')\n"
        "print(page.render(name='<x>'), len(compiled))"
    )

    def rendered(form="html", **more):
        environment = {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{Path(runner.__path__[0]).parent}", **more}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        asked = {"env": environment | more, "capture_output": True, "text": True}
        return subprocess.run([sys.executable, "-c", program, form], check=True, **asked).stdout.strip()

    def kept():
        return sorted((templates / "__pycache__").glob("*"))

    # When it is rendered, again, in another form, and after it has changed
    (templates / "page.j2").write_text("Hello {{ name }}")
    unkept = rendered(PYTHONDONTWRITEBYTECODE="1"), kept()
    first, again, plain, plain_again = rendered(), rendered(), rendered("plain"), rendered("plain")
    (templates / "page.j2").write_text("Good night {{ name }}")
    changed = rendered()
    for each in kept():
        each.write_bytes(each.read_bytes()[:-9])
    damaged = rendered()

    # Then it is compiled once for each form and text, and where what is kept is damaged
    assert unkept == ("Hello &lt;x&gt; 1", [])
    assert [first, again] == ["Hello &lt;x&gt; 1", "Hello &lt;x&gt; 0"]
    assert [plain, plain_again] == ["Hello <x> 1", "Hello <x> 0"]
    assert [changed, damaged] == ["Good night &lt;x&gt; 1", "Good night &lt;x&gt; 1"]

    # And where nobody may write it is rendered all the same
    shutil.rmtree(templates / "__pycache__")
    (templates / "__pycache__").touch()
    assert rendered() == "Good night &lt;x&gt; 1"
