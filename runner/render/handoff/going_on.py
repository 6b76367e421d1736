"""What goes on from a run: the commands that can be typed, who was called, who has it, and who is called next."""

import shlex
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from runner.render.history.page_history import PageHistory, called_levels, calls
from runner.render.history.run_history import RunHistory
from runner.render.history.step_history import RUNNING
from runner.store.lease import Silence
from runner.store.next_command import NextCommand, acknowledging, needs


def commands(run: RunHistory, silence: Silence | None, *, calls: bool) -> tuple[tuple[str, str], ...]:
    """The command lines that go on from `run`, each with what it does; where it `calls`, first how to take it."""
    take = [acknowledging(run.run)] if calls else []
    ways_on = (*take, *(() if silence else run.ways_on or _meanwhile(run)))
    return (*((_typed(run, way.words), way.does) for way in ways_on), *(_of_silent(run, silence) if silence else ()))


def _meanwhile(run: RunHistory) -> tuple[NextCommand, ...]:
    """What can be typed while the run goes on, or after its command died; nothing after a good end."""
    if run.outcome == RUNNING:
        stop = NextCommand(("cancel", run.run), "stops it")
        return (NextCommand(("status", run.run), "shows where it stands"), stop)
    if run.abandoned:
        show = NextCommand(("show", run.run), "shows what happened")
        given: Mapping[str, Any] = run.facts.get("inputs") or {}
        return (NextCommand(("resume", run.run), f"continues where it stopped{needs(given.values())}"), show)
    return ()


def _of_silent(run: RunHistory, silence: Silence) -> Sequence[tuple[str, str]]:
    """What can be typed while the command of a run exists and does nothing: first it must be gone."""
    status, cancel, resume = (
        _typed(run, words) for words in (("status", run.run), ("cancel", run.run, "--now"), ("resume", run.run))
    )
    goes_on = [(f"kill -CONT {silence.pid}", "lets it go on where it was stopped")] if silence.stopped else []
    heeded = ", which it does once it goes on" if silence.stopped else ""
    return [
        (status, "shows where it stands"),
        *goes_on,
        (cancel, f"asks it to stop{heeded}"),
        (f"kill -9 {silence.pid}", f"ends it where nothing else does; only then `{resume}` continues where it stopped"),
    ]


def _typed(run: RunHistory, words: Sequence[str]) -> str:
    """The command line as it is typed on the machine of the run, from any directory."""
    library = str(run.provenance.get("library", ""))
    if not (library and run.directory):
        return run.typed(words)
    return typed_anywhere(words, library, str(Path(run.directory).parent.parent), run.typed)


def typed_anywhere(words: Sequence[str], library: str, state: str, typed: Callable[[Sequence[str]], str]) -> str:
    """The command line with `words` as it is typed from any directory; `typed` is how it is from a right one."""
    if state == str(Path(library) / ".runbook"):
        return f"cd {shlex.quote(library)} && {typed(words)}"
    return typed(["--library", library, "--state-dir", state, *words])


def who_was_called(run: RunHistory) -> tuple[str, ...]:
    """Who was called for `run`, when and by which channel, and whether the page arrived, a line each."""
    return tuple(
        f"{page.time:%H:%M:%S} {page.level or 'L1'} {page.contact} by {page.channel}: {_became(page)}"
        for page in calls(run.pages)
    )


def _became(page: PageHistory) -> str:
    if page.arrived:
        return "it arrived"
    doubt = "it may have arrived" if page.doubt or page.status == "requested" else "it has not arrived"
    return f"{doubt}: {page.reason}" if page.reason else doubt


def who_has(run: RunHistory) -> str:
    """Who has the incident that `run` has called for; empty where nobody was called."""
    if run.acknowledged:
        return run.acknowledged.words
    return "nobody has said so" if run.called else ""


def who_is_next(run: RunHistory) -> str:
    """The level of the ladder that is called while nobody acknowledges; empty where somebody has, or nobody was called.

    The first record of the run has the ladder, a line for each level, which begins with its name.
    """
    called = max((level.name for level in called_levels(run.pages, run.news_since)), default="")
    if run.acknowledged or not called:
        return ""
    above = [str(line) for line in run.facts.get("ladder") or () if str(line).partition(" ")[0] > called]
    return f"{above[0]} is called" if above else "nobody else is called"
