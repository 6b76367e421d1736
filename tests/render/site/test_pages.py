"""Every page is whole, leads only to pages that are there, and lets nothing that people wrote be more than text."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser

import pytest
from harness.collected import SHIPPED
from harness.fakes import runbook_file

from runner.library.library import Library
from runner.library.snapshot import read
from runner.model.yaml.finding import InvalidFileError
from runner.render.site.pages import pages
from runner.render.site.site_content import gather
from runner.render.site.site_html import policy

NAMES = [
    "RUN-001.html",
    "RUN-002.html",
    "attention.html",
    "index.html",
    "links.html",
    "matrix.html",
    "registry.html",
    "runs.html",
]
VOID = {"meta", "link", "input", "br", "img", "path", "circle", "rect"}


class Page(HTMLParser):
    """What a browser would make of a page: its elements, its texts, and whether every element is closed."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.texts, self.open = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(((self.open or [""])[-1], data))

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def text(self):
        return " ".join(" ".join(text for tag, text in self.texts if tag not in {"script", "style"}).split())


def test_there_is_a_page_for_each_thing(site):
    assert sorted(site) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_each_page_is_well_formed_and_no_id_is_used_twice(site, name):
    page = Page(site[name])
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]

    assert page.open == []
    assert len(ids) == len(set(ids))
    assert len(page.all("h1")) == len(page.all("main")) == 1


@pytest.mark.parametrize("name", NAMES)
def test_whatever_people_wrote_is_only_text(site, name):
    page = Page(site[name])
    data = [{"type": "application/json", "id": "index"}] if name == "index.html" else []

    assert {tag for tag, _ in page.elements}.isdisjoint({"img", "iframe", "object", "embed", "base", "form"})
    assert page.all("script") == [*data, {}]
    assert not [key for _, attributes in page.elements for key in attributes if key.startswith("on") or key == "style"]
    assert "<b>bold" not in site[name]


@pytest.mark.parametrize("name", NAMES)
def test_nothing_comes_from_elsewhere_and_every_link_leads_to_something(site, name):
    page = Page(site[name])
    targets = {each: {at.get("id") for _, at in Page(site[each]).elements} for each in site}

    assert not [at for _, at in page.elements if {"src", "srcset", "action", "data"} & at.keys()]
    for attributes in (*page.all("a"), *page.all("link")):
        file, _, part = attributes["href"].partition("#")
        assert attributes["href"] == "data:," or (file or name) in site
        assert not part or part in targets[file or name]


@pytest.mark.parametrize("name", NAMES)
def test_the_policy_is_of_the_very_style_and_script_in_the_page(site, name):
    (meta,) = [at for at in Page(site[name]).all("meta") if at.get("http-equiv") == "Content-Security-Policy"]
    style = re.search("<style>(.*?)</style>", site[name], re.DOTALL)[1]
    script = re.findall("<script>(.*?)</script>", site[name], re.DOTALL)[-1]

    assert meta["content"] == policy(style, script)


def test_the_same_library_always_gives_the_same_bytes(collection, runs, now, site):
    again = pages(gather(collection, runs, now=now, stale_after=timedelta(days=90)))

    assert again == site


def test_a_runbook_is_told_whole(site):
    text = Page(site["RUN-001.html"]).text

    for said in (
        "runbook plan RUN-001 -i INVENTORY -e version=...",
        "A dead disk see RUN-009 (not written yet)",
        "must be given",
        "Asks first: </title>",
        "echo {{ version | quote }} cat <<'X'",
        "If it does not pass, RUN-009 takes over. ",
        "How it is undone command true",
        "a step failed",
        "On-call engineer",
        "webhook",
        "Sleep (if failed, within 2d)",
        "DEP-001 <b>bold</b> 'quoted'",
        "Linked from DEP-001",
        "a person confirms",
    ):
        assert said in text


def test_a_runbook_without_much_is_told_as_well(site):
    text = Page(site["RUN-002.html"]).text

    assert "Nothing is named." in text
    assert "It passed on 2026-03-01 in staging, which is 91 days ago" in text
    assert "20260301T000000Z-00000001" in text


def test_what_needs_attention_is_told(site):
    text = Page(site["attention.html"]).text

    assert "never tested RUN-001" in text
    assert "stale RUN-002" in text
    assert "nothing links to XYZ-001" in text
    assert "RUN-001 was never tested" in text


def test_the_matrix_and_the_registry_say_what_there_is(site):
    assert "MON-001 Too little space RUN-001" in Page(site["matrix.html"]).text
    assert "See RUN-001 , javascript:alert(1) and RUN-404" in Page(site["registry.html"]).text


def test_the_links_are_drawn_and_told(site):
    page = Page(site["links.html"])
    boxes = [at["data-name"] for at in page.all("a") if "data-name" in at]
    curves = {(at["data-from"], at["data-to"]) for at in page.all("path") if "data-from" in at}

    assert sorted(boxes) == ["DEP-001", "MON-001", "RUN-001", "RUN-009"]
    assert {("MON-001", "RUN-001"), ("RUN-001", "RUN-009"), ("DEP-001", "RUN-001")} == {
        tuple(sorted(edge)) if edge == ("RUN-001", "DEP-001") else edge for edge in curves
    }
    assert "Without links MON-002 Info XYZ-001 Alone RUN-002 Plain" in page.text


def test_the_search_index_is_what_find_looks_at(site):
    (text,) = [data for tag, data in Page(site["index.html"]).texts if tag == "script" and data.startswith("[")]
    index = {item["id"]: item for item in json.loads(text)}

    assert sorted(index) == ["DEP-001", "MON-001", "MON-002", "RUN-001", "RUN-002", "RUN-009", "XYZ-001"]
    assert index["RUN-009"]["url"] == "registry.html#RUN-009"
    assert ["RUN-001 leaves this to it", "A dead disk", 3.0] in index["RUN-009"]["texts"]
    assert ["MON-001 symptoms", "No space left on device", 4.0] in index["RUN-001"]["texts"]
    assert ["symptoms", "No space left on device", 1.0] in index["MON-001"]["texts"]


def test_without_a_record_there_is_no_page_of_runs(collection, now):
    found = pages(gather(collection, None, now=now, stale_after=timedelta(days=90)))

    assert sorted(found) == [name for name in NAMES if name != "runs.html"]
    assert "runs.html" not in found["index.html"]
    assert "there was no record of runs" in Page(found["index.html"]).text


def test_the_latest_of_each_test_of_a_drill_is_told(collection, runs, now):
    about = {"name": "RUN-001", "runbook": "RUN-001", "recover": None, "outage": None}
    drills = [
        {**about, "test": "as written", "verdict": "passed", "reasons": [], "recover": 4.0, "outage": 5.0},
        {**about, "test": "as written", "verdict": "passed", "reasons": [], "recover": 2.5, "outage": 3.0},
        {**about, "test": "no fault", "verdict": "failed", "reasons": ["it <passed>"]},
    ]
    told = pages(replace(gather(collection, runs, now=now, stale_after=timedelta(days=30)), drills=drills))[
        "drills.html"
    ]

    assert 'aria-label="4.0 s, 2.5 s"' in told
    assert '<span class="chip good">passed</span>' in told
    assert '<span class="chip bad">failed</span><br><span class="small soft">it &lt;passed&gt;</span>' in told


def test_who_can_do_what_is_told_and_who_on_call_cannot(collection, runs, now):
    row = {"person": "alice", "runbook": "RUN-001", "title": "Pool", "last done": "2026-01-01", "next due": "now"}
    content = gather(collection, runs, now=now, stale_after=timedelta(days=30))

    told = Page(pages(replace(content, people=(row,), nights=("nobody on call tonight",)))["drills.html"]).text

    assert all(words in told for words in ("alice", "2026-01-01", "nobody on call tonight"))


def test_a_library_that_does_not_load_makes_no_site(root, now):
    (root / "runbooks" / "RUN-003.yml").write_text("{")

    with pytest.raises(InvalidFileError):
        gather(read(Library(root)), None, now=now, stale_after=timedelta(days=90))


def test_a_library_with_nothing_but_a_runbook(tmp_path, now):
    runbook_file(tmp_path)
    found = pages(gather(read(Library(tmp_path)), [], now=now, stale_after=timedelta(days=90)))

    assert "Nothing is registered" in Page(found["registry.html"]).text
    assert "There are no runs yet." in Page(found["runs.html"]).text
    assert "Nothing links to anything yet." in Page(found["links.html"]).text


def test_what_stands_for_something_else_is_told_as_it_is_written(tmp_path, now):
    entry = "DEP-001: {title: Tests pass, owner: backend-team, check: {command: 'true', exit: 0}}"
    (tmp_path / "runbooks" / "registry").mkdir(parents=True)
    (tmp_path / "runbooks" / "registry" / "a.yml").write_text(entry)
    compared = {"says": "No worse", "command": "df /", "baseline": "stdout | int", "that": "stdout | int <= baseline"}
    step = {"id": "clean", "name": "Clean", "command": "true", "verify": [compared]}
    runbook_file(tmp_path, category="deployment", prerequisites=[{"criteria": ["DEP-001"]}], steps=[step])
    page = Page(pages(gather(read(Library(tmp_path)), [], now=now, stale_after=timedelta(days=90)))["RUN-001.html"])

    assert "DEP-001: Tests pass" in page.text
    assert "criterion" not in page.text
    assert "baseline stdout | int" in page.text


def test_the_shipped_library_makes_a_site(now):
    found = pages(gather(read(SHIPPED), [], now=now, stale_after=timedelta(days=90)))

    assert {f"{name}.html" for name in SHIPPED.ids()} <= found.keys()
