"""In a real browser, from files, the pages work: search answers, nothing is refused, nothing hostile is run."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest
from harness import PATIENCE

from runner.render.site.publish import publish

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
PAGES = ["index", "RUN-001", "RUN-002", "matrix", "links", "registry", "attention", "runs"]

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(BROWSER is None, reason="no Chromium is here"),
]


@pytest.fixture(scope="module")
def profile(tmp_path_factory):
    """What Chromium writes when it starts for the first time takes a third of its time."""
    return tmp_path_factory.mktemp("profile")


@pytest.fixture
def browser(tmp_path, profile):
    """What Chromium makes of an address: the document after its scripts, and what its console says."""

    def visit(address, *options):
        words = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"]
        words += ["--disable-background-networking", "--disable-component-update", "--enable-logging=stderr"]
        words += [f"--user-data-dir={profile}", "--virtual-time-budget=3000", *options]
        ran = subprocess.run(
            [BROWSER, *words, address], capture_output=True, text=True, check=False, timeout=PATIENCE, cwd=tmp_path
        )
        assert ran.returncode == 0, ran.stderr
        return ran.stdout, [line for line in ran.stderr.splitlines() if "CONSOLE" in line]

    return visit


@pytest.fixture
def written(site, tmp_path):
    publish(site, tmp_path / "site")
    return (tmp_path / "site").as_uri()


@pytest.mark.parametrize("name", PAGES)
def test_each_page_loads_without_a_complaint_and_nothing_hostile_is_run(browser, written, name):
    shown, console = browser(f"{written}/{name}.html", "--dump-dom")

    assert console == []
    assert "owned" not in re.search("<title>(.*?)</title>", shown, re.DOTALL)[1].replace("document.title='owned'", "")
    assert not re.search("<img", shown)


def test_the_search_answers_from_a_file(browser, written):
    shown, console = browser(f"{written}/index.html#q=space%20left", "--dump-dom")

    hits = re.search('<ul class="hits".*?</ul>', shown, re.DOTALL)[0]
    assert console == []
    assert re.findall('href="(.*?)"', hits)[0] == "RUN-001.html"
    assert "MON-001 symptoms: <span>No <mark>space</mark> <mark>left</mark> on device</span>" in hits
    assert '<div id="all" hidden="">' in shown


@pytest.mark.parametrize("question", ["MON-001", "mon1", "MON_001", "%5BFIRING%3A1%5D%20mon-1", "100%25%20MON-001"])
def test_an_alert_leads_to_its_runbook_in_every_spelling(browser, written, question):
    shown, _ = browser(f"{written}/index.html#q={question}", "--dump-dom")

    hits = re.search('<ul class="hits".*?</ul>', shown, re.DOTALL)[0]
    assert re.findall('href="(.*?)"', hits)[:2] == ["RUN-001.html", "registry.html#MON-001"]


def test_what_nothing_is_about_is_said(browser, written):
    shown, _ = browser(f"{written}/index.html#q=banana", "--dump-dom")

    assert "Nothing is about that. Try fewer or other words." in shown


def test_a_hostile_question_is_only_text(browser, written):
    question = "%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E%20disk"
    shown, console = browser(f"{written}/index.html#q={question}", "--dump-dom")

    assert (console, "<img" in shown) == ([], False)


def test_commands_can_be_copied(browser, written):
    shown, _ = browser(f"{written}/RUN-002.html", "--dump-dom")

    assert shown.count('<button class="copy" type="button">Copy</button>') == 3


@pytest.mark.parametrize("width", [390, 1280])
def test_a_picture_can_be_taken_of_it(browser, written, tmp_path, width):
    browser(f"{written}/RUN-001.html", f"--window-size={width},900", f"--screenshot={tmp_path / 'shot.png'}")

    assert (tmp_path / "shot.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


def test_it_prints(browser, written, tmp_path):
    browser(f"{written}/RUN-001.html", f"--print-to-pdf={tmp_path / 'page.pdf'}")

    assert (tmp_path / "page.pdf").read_bytes()[:5] == b"%PDF-"
