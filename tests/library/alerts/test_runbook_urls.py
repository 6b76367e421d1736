"""Each alert has a URL that leads to its runbook, or a reason why it has none."""

from __future__ import annotations

import pytest
from harness.collected import alert, collected

from runner.library.alerts.runbook_urls import Url, address, urls


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
