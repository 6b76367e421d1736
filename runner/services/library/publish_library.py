"""Publish a library: the site that people browse, and the addresses that alerts lead to."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

from runner.core.deferred import dataclass, regex
from runner.core.errors import InvalidInputError
from runner.core.events import Instant
from runner.library.alerts.prometheus_rules import opened
from runner.library.alerts.runbook_urls import Url, urls
from runner.library.alerts.runbook_urls import check as check_rules
from runner.library.library import Library
from runner.library.snapshot import read
from runner.model.yaml.finding import Finding
from runner.render.history.run_history import RunHistory
from runner.render.site.pages import pages
from runner.render.site.publish import check, publish
from runner.render.site.site_content import gather
from runner.services.people_readiness import people_readiness, untrained_nights
from runner.services.run_list import recorded_drills, run_histories
from runner.services.run_requests import inventories_of
from runner.services.schedules.coming_instants import planned_work
from runner.store.state_directory import StateDirectory

_URL = regex(r"https?://[^/\s{}]+(?:/(?:[^\s{}]|\{id\})*)?")


@dataclass(frozen=True)
class CheckedRules:
    """How many rule files were looked at, and what is wrong with their URLs."""

    files: int
    findings: Sequence[Finding]


def publish_site(library: Library, out: Path, *, state: Path, now: Instant, stale_after: timedelta) -> int:
    """Write the site of `library` and of the runs in the state directory `state` to `out`; the number of its pages.

    A test is recent until it is older than `stale_after`.

    Raises:
        InvalidInputError: `out` holds something else or cannot be written; or a part of the library does not load.
    """
    check(out)
    snapshot, directory, runs = read(library), StateDirectory(state), run_histories(state, now)
    content = gather(snapshot, runs, now=now.wall, stale_after=stale_after)
    people, used, trainings = snapshot.people(), list(snapshot.used.values()), directory.training_records.all()
    site = pages(
        replace(
            content,
            reports=_reports(runs or (), state, out),
            inventories=tuple(inventories_of(library)),
            planned=planned_work(library, directory, now.wall),
            drills=tuple(record.data for record in recorded_drills(state, now)),
            people=tuple(each.as_row(now.wall) for each in people_readiness(people, used, trainings)),
            nights=tuple(untrained_nights(people, used, trainings, now.wall)),
        )
    )
    publish(site, out)
    return len(site)


def _reports(runs: Iterable[RunHistory], state: Path, out: Path) -> dict[str, str]:
    """Where the report of each run lies, as seen from the site."""
    places = {run.run: state.absolute() / "runs" / run.run / "report.html" for run in runs}
    site = os.path.realpath(out)
    return {run: quote(os.path.relpath(path.resolve(), site)) for run, path in places.items() if path.is_file()}


def alert_urls(library: Library, base: str) -> tuple[Url, ...]:
    """The `runbook_url` of each alert of `library`, of which the runbooks are published at `base`.

    Raises:
        InvalidInputError: `base` is no URL; or a part of the library does not load.
    """
    _check_base(base)
    return tuple(urls(read(library).whole(), base))


def check_rule_files(paths: Iterable[Path], library: Library, base: str | None) -> CheckedRules:
    """What is wrong with the URLs in the rule files at `paths`; without a `base` it is enough that one names a runbook.

    Raises:
        InvalidInputError: there are none, or `base` is no URL; or a part of the library does not load.
    """
    _check_base(base)
    snapshot = read(library).whole()
    files = [file for path in paths for file in opened(path)]
    return CheckedRules(len(files), [finding for file in files for finding in check_rules(file, snapshot, base)])


def _check_base(base: str | None) -> None:
    if base is not None and not _URL.fullmatch(base):
        raise InvalidInputError(f"--base-url {base}: is no URL", hint="like https://runbooks.example.com")
