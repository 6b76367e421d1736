"""Each alert has a URL that leads to its runbook, or a reason why it has none."""

from __future__ import annotations

import pytest
from harness.collected import alert, collected

from runner.library.alerts.prometheus_rules import opened
from runner.library.alerts.runbook_urls import Url, address, check, urls


@pytest.mark.parametrize(
    ("target", "base", "url"),
    [
        ("RUN-001", "https://x.example/r", "https://x.example/r/RUN-001"),
        ("RUN-001", "https://x.example/r/", "https://x.example/r/RUN-001"),
        ("RUN-001", "https://x.example/{id}.html", "https://x.example/RUN-001.html"),
        ("docs/a.md", "https://x.example", "https://x.example/docs/a.md"),
        ("docs/a.md", "https://x.example/r/{id}.html", "https://x.example/r/docs/a.md"),
        ("docs/a.md", "https://x.example/?page={id}", "https://x.example/docs/a.md"),
        ("https://wiki.example/a", "https://x.example/{id}", "https://wiki.example/a"),
    ],
)
def test_where_a_runbook_is_published(target, base, url):
    assert address(target, base) == url


def test_alerts_that_share_a_name_have_a_url_only_where_they_lead_to_the_same(tmp_path):
    mon = [alert(f"MON-00{n}", runbook=f"RUN-00{run}", alertname=name) for n, run, name in SHARED]
    collection = collected(tmp_path, {}, {"id": "RUN-002", "trigger": {"event": "x"}}, a="".join(mon))

    assert [(each.url, each.why) for each in urls(collection, "https://x")] == [
        ("", "Disk is the alertname of MON-002 as well, which leads elsewhere"),
        ("", "Disk is the alertname of MON-001 as well, which leads elsewhere"),
        ("https://x/RUN-002", ""),
        ("https://x/RUN-002", ""),
    ]


SHARED = [(1, 1, "Disk"), (2, 2, "Disk"), (3, 2, "Pool"), (4, 2, "Pool")]


def test_an_alert_leads_to_its_runbook_or_its_page_or_nowhere(tmp_path):
    (tmp_path / "a.md").write_text("#")
    collection = collected(
        tmp_path,
        {},
        a=alert("MON-001", alertname="DiskFull")
        + alert("MON-002", "info", page="a.md")
        + alert("MON-003")
        + alert("MON-004", runbook="RUN-009"),
    )

    assert list(urls(collection, "https://x")) == [
        Url("MON-001", "Something", "DiskFull", "RUN-001", "https://x/RUN-001"),
        Url("MON-002", "Something", "MON-002", "a.md", "https://x/a.md"),
        Url("MON-003", "Something", "MON-003", "", "", "no runbook is for it"),
        Url("MON-004", "Something", "MON-004", "", "", "there is no RUN-009"),
    ]


BASE = "https://x.example"
REGISTRY = (
    alert("MON-001", alertname="DiskFull")
    + alert("MON-002", "info", page="docs/a.md", alertname="DiskHalfFull")
    + alert("MON-003", alertname="DiskGone", runbook="RUN-009")
)


@pytest.fixture
def judged(tmp_path, monkeypatch):
    """What is wrong with a rule file of this text."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.md").write_text("#")
    collection = collected(tmp_path, {}, a=REGISTRY)

    def judge(text, base=BASE):
        path = tmp_path / "rules.yml"
        path.write_text(text)
        return [str(each) for file in opened(path) for each in check(file, collection, base)]

    return judge


def rule(name, url=None, **labels):
    annotations = f", annotations: {{runbook_url: '{url}'}}" if url is not None else ""
    marks = ", ".join(f"{key}: {value}" for key, value in labels.items())
    return f"groups: [{{name: g, rules: [{{alert: {name}, expr: x, labels: {{{marks}}}{annotations}}}]}}]\n"


@pytest.mark.parametrize(
    ("text", "base"),
    [
        (rule("DiskFull", f"{BASE}/RUN-001"), BASE),
        (rule("MON-001", f"{BASE}/RUN-001"), BASE),
        (rule("Other", f"{BASE}/RUN-001", entry="MON-001"), BASE),
        (rule("DiskFull", "https://elsewhere.example/RUN-001.html"), None),
        (rule("DiskHalfFull", f"{BASE}/docs/a.md"), BASE),
        (rule("DiskHalfFull", "https://elsewhere.example/docs/a.md"), None),
        ("groups: [{name: g, rules: [{record: a, expr: b}]}]", BASE),
        ("kind: PrometheusRule\nspec: {groups: []}", BASE),
    ],
)
def test_what_is_right(judged, text, base):
    assert judged(text, base) == []


AT = "groups[0].rules[0]"


@pytest.mark.parametrize(
    ("text", "base", "told"),
    [
        (
            rule("DiskFull"),
            BASE,
            f"rules.yml:1:29: {AT}.alert: DiskFull has no runbook_url; add runbook_url: {BASE}/RUN-001 "
            "[error: no-runbook-url]",
        ),
        (
            rule("DiskFull", ""),
            None,
            f"rules.yml:1:81: {AT}.annotations.runbook_url: DiskFull has no runbook_url; it leads to RUN-001 "
            "[error: no-runbook-url]",
        ),
        (
            rule("DiskGone"),
            BASE,
            f"rules.yml:1:29: {AT}.alert: DiskGone has no runbook_url; MON-003: there is no RUN-009 "
            "[error: no-runbook-url]",
        ),
        (
            rule("DiskFull", f"{BASE}/RUN-009"),
            BASE,
            f"rules.yml:1:81: {AT}.annotations.runbook_url: DiskFull leads to a runbook that is not there: "
            "there is no RUN-009 [error: dangling-url]",
        ),
        (
            rule("DiskFull", f"{BASE}/wiki"),
            BASE,
            f"rules.yml:1:81: {AT}.annotations.runbook_url: DiskFull is MON-001, which leads to RUN-001, and its URL "
            f"does not; write {BASE}/RUN-001 [error: wrong-url]",
        ),
        (
            rule("DiskFull", f"{BASE}/wiki"),
            None,
            f"rules.yml:1:81: {AT}.annotations.runbook_url: DiskFull is MON-001, which leads to RUN-001, and its URL "
            "does not [error: wrong-url]",
        ),
        (
            rule("DiskGone", f"{BASE}/RUN-001"),
            BASE,
            f"rules.yml:1:81: {AT}.annotations.runbook_url: DiskGone is MON-003, and its URL cannot be right; "
            "there is no RUN-009 [error: wrong-url]",
        ),
        (
            rule("DiskFul"),
            BASE,
            f"rules.yml:1:29: {AT}.alert: DiskFul has no runbook_url, and no MON- entry has that alertname; "
            "did you mean 'DiskFull'? [error: no-runbook-url]",
        ),
        (
            rule("Unheard", f"{BASE}/RUN-009"),
            BASE,
            f"rules.yml:1:80: {AT}.annotations.runbook_url: Unheard leads to a runbook that is not there: "
            "there is no RUN-009 [error: dangling-url]",
        ),
        (
            rule("Unheard", f"{BASE}/RUN-001"),
            BASE,
            f"rules.yml:1:80: {AT}.annotations.runbook_url: Unheard is in no MON- entry, so nobody can tell whether its "
            "URL is right; add a MON- entry with `alertname: Unheard` to runbooks/registry/ [warning: unknown-alert]",
        ),
    ],
)
def test_what_is_wrong(judged, text, base, told):
    assert judged(text, base) == [told]


def test_a_url_that_several_alerts_share_is_told_for_each_where_it_is_written(judged):
    text = """groups:
- name: g
  rules:
  - &first
    alert: DiskFull
    annotations: &notes {runbook_url: https://x.example/RUN-009}
  - <<: *first
    alert: DiskGone
  - {alert: DiskHalfFull, annotations: *notes}
"""
    dangling = "leads to a runbook that is not there: there is no RUN-009 [error: dangling-url]"
    assert judged(text) == [
        f"rules.yml:6:26: groups[0].rules[0].annotations.runbook_url: DiskFull {dangling}",
        f"rules.yml:6:26: groups[0].rules[1].annotations.runbook_url: DiskGone {dangling}",
        f"rules.yml:6:26: groups[0].rules[2].annotations.runbook_url: DiskHalfFull {dangling}",
    ]


@pytest.mark.parametrize(
    ("labels", "run", "rules"),
    [
        ({}, "RUN-001", []),
        ({}, "RUN-002", []),
        ({"id": "MON-012"}, "RUN-001", ["wrong-url"]),
        ({"id": "MON-012"}, "RUN-002", []),
    ],
)
def test_alerts_that_share_a_name_are_told_apart_by_their_ids(tmp_path, labels, run, rules):
    shared = alert("MON-011", alertname="Disk", runbook="RUN-001") + alert(
        "MON-012", alertname="Disk", runbook="RUN-002"
    )
    collection = collected(
        tmp_path, {"trigger": {"event": "x"}}, {"id": "RUN-002", "trigger": {"event": "y"}}, a=shared
    )
    path = tmp_path / "rules.yml"
    path.write_text(rule("Disk", f"{BASE}/{run}", **labels))

    assert [each.rule for each in check(opened(path)[0], collection, BASE)] == rules
