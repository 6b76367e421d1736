"""The lines of the deployment log: one for each attempt at a deployment, by the record, in Markdown or CSV."""

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, timedelta
from urllib.parse import quote

from runner.model.category import Category
from runner.render import markup
from runner.render.history.attempts import REFUSED, Attempt
from runner.render.history.run_history import RunHistory
from runner.render.history.step_history import RUNNING

_COLUMNS = ("Ended (UTC)", "Version", "Runbook", "Environment", "Hosts", "By", "Outcome", "Run", "Report")
_TITLE = "# Deployments"


def heading(*, csv: bool) -> str:
    """What a new log begins with."""
    if csv:
        return markup.comma_separated([_COLUMNS])
    return "\n".join([_TITLE, "", markup.table_row(_COLUMNS), markup.table_row(["---"] * len(_COLUMNS)), ""])


def lines(run: RunHistory, *, version: str, report: str, csv: bool) -> dict[str, str]:
    """The line of each attempt at `run` that has ended, by the name that it has in the log.

    None where it deploys nothing. `version` is the input, or captured value, that says what; `report` is where the
    report is found from the log.
    """
    if run.category != Category.DEPLOYMENT or run.looks:
        return {}
    return {
        _name(run, each): _line(list(_cells(run, each, version)), report, csv=csv)
        for each in run.attempts
        if each.outcome not in {RUNNING, REFUSED}
    }


def _name(run: RunHistory, attempt: Attempt) -> str:
    return f"{run.run} {attempt.name}"


def _cells(run: RunHistory, attempt: Attempt, version: str) -> Iterator[str]:
    ended = (attempt.started + timedelta(seconds=attempt.seconds)).astimezone(UTC)
    yield ended.isoformat(sep=" ", timespec="seconds").removesuffix("+00:00")
    yield _version(run, version)
    yield f"{run.runbook} {run.title}"
    yield run.environment
    yield ", ".join(run.hosts)
    yield attempt.actor.person
    yield attempt.outcome
    yield _name(run, attempt)


def _version(run: RunHistory, name: str) -> str:
    inputs = run.facts.get("inputs") or {}
    values = [inputs[name]] if name in inputs else [kept[name] for kept in run.captured.values() if name in kept]
    return ", ".join(dict.fromkeys(map(markup.one_line, values)))


def _line(cells: Sequence[str], report: str, *, csv: bool) -> str:
    if csv:
        return markup.comma_separated([[*cells, report]])
    link = f"[report]({quote(report)})" if report else ""
    return markup.table_row([*map(markup.markdown, cells), link]) + "\n"


def names_in(text: str, names: Iterable[str]) -> set[str]:
    """Those of `names` that have a line in the log `text`."""
    return {name for name in names if re.search(rf"{re.escape(name)}(?![0-9])", text)}
