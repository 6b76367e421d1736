"""A library is published as a site, and as addresses that alerts lead to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from harness.collected import alert, collected
from harness.scheduler import Scheduler, schedule

from runner.core.errors import InvalidInputError
from runner.core.events import Instant
from runner.library.library import Library
from runner.services.library.publish_library import alert_urls, check_rule_files, publish_site

NOW = Instant(datetime(2026, 6, 1, tzinfo=UTC), 1.0, "boot")


@pytest.fixture
def library(tmp_path):
    collected(tmp_path, {}, a=alert("MON-001", runbook="RUN-001", alertname="DiskFull"))
    return Library(tmp_path)


def test_a_site_is_written_whole(library, tmp_path):
    out = tmp_path / "site"
    number = publish_site(library, out, state=tmp_path / "none", now=NOW, stale_after=timedelta(days=90))

    assert (out / "RUN-001.html").is_file()
    assert number == len([*out.glob("*.html")])


def test_what_is_planned_has_a_page_of_its_own(tmp_path):
    scheduler = Scheduler(tmp_path)
    scheduler.write(schedule())
    scheduler.looks()
    scheduler.looks(timedelta(hours=9))
    now = Instant(scheduler.clock.wall, 1.0, "boot")
    publish_site(
        scheduler.library, tmp_path / "site", state=scheduler.env.state.path, now=now, stale_after=timedelta(90)
    )

    page = (tmp_path / "site" / "planned.html").read_text()
    assert "nobody looked until 6h30m after its time" in page
    assert 'href="planned.html"' in (tmp_path / "site" / "index.html").read_text()


def test_a_directory_with_something_else_is_left_alone(library, tmp_path):
    with pytest.raises(InvalidInputError, match="not from an earlier site"):
        publish_site(library, library.root, state=tmp_path / "none", now=NOW, stale_after=timedelta(days=90))


def test_each_alert_has_its_address_and_rules_are_checked_against_it(library, tmp_path):
    (url,) = alert_urls(library, "https://x")
    assert (url.alertname, url.url) == ("DiskFull", "https://x/RUN-001")

    rules = tmp_path / "rules.yml"
    rules.write_text("groups: [{name: g, rules: [{alert: DiskFull, expr: x}]}]\n")
    checked = check_rule_files([rules], library, "https://x")
    assert (checked.files, [each.rule for each in checked.findings]) == (1, ["no-runbook-url"])


@pytest.mark.parametrize("base", ["ftp://x", "https://", "https://x/{name}"])
def test_what_is_no_address_is_refused(library, base):
    with pytest.raises(InvalidInputError, match="is no URL"):
        alert_urls(library, base)
