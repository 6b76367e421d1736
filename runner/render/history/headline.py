"""One sentence that says what happened in a run and why, for the head of everything that tells of it."""

from collections.abc import Iterable, Sequence

from runner.core.events import DONE, IN_WORDS, EventType, Outcome
from runner.core.step_tags import UNDO
from runner.core.wording import counted, listed
from runner.render.history.attempts import REFUSED, Attempt
from runner.render.history.page_history import REQUESTED
from runner.render.history.run_history import RunHistory
from runner.render.history.step_history import RUNNING, Check, StepHistory

_FINE = frozenset({*DONE, Outcome.PLANNED, Outcome.UNKNOWABLE, Outcome.NEVER_REACHED})


def headline(run: RunHistory) -> str:
    """What happened in `run` and why; a sentence or a few."""
    return " ".join(filter(None, (_attempts(run), *_body(run), *_declared(run), _after(run))))


def _body(run: RunHistory) -> Iterable[str]:
    match run.outcome:
        case "running":
            yield f"It waits for an answer ({run.waiting.rstrip('.')})." if run.waiting else _going(run)
        case Outcome.PASSED:
            yield _passed(run)
        case Outcome.PLANNED:
            yield f"It only looked{_on(run.hosts)}; nothing was changed."
        case Outcome.UNDONE:
            yield f"It was undone: {_named(_with(run, Outcome.UNDONE)) or 'nothing had been changed'}."
        case Outcome.PARTLY_UNDONE if run.happened:
            yield f"Not everything was undone: {run.happened.rstrip('.')}."
            if undone := _with(run, Outcome.UNDONE):
                yield f"Undone: {_named(undone)}."
        case Outcome.HANDED_OVER:
            yield from _mended(run)
            yield f"{run.happened or 'Another runbook took over, and what had failed holds again'}."
            yield from _never_reached(run)
        case Outcome.UNKNOWN if run.abandoned and run.happened:
            yield f"{run.happened[:1].upper()}{run.happened[1:].rstrip('.')}."
            yield from _never_reached(run)
        case _:
            yield from _stopped(run)


def _passed(run: RunHistory) -> str:
    idle = [step for step in run.steps if step.outcome == Outcome.NOT_NEEDED]
    if run.nothing_needed:
        return f"Nothing was needed{_on(run.hosts)}: the condition of each step says so."
    if idle:
        words = f"{counted(len(idle), 'step')} {'was' if len(idle) == 1 else 'were'} not needed: {_named(idle)}."
        return f"{len(run.steps) - len(idle)} of {len(run.steps)} steps passed{_on(run.hosts)}; {words}"
    return (
        f"All {len(run.steps)} steps passed{_on(run.hosts)}."
        if len(run.steps) != 1
        else f"Its one step passed{_on(run.hosts)}."
    )


def _going(run: RunHistory) -> str:
    going = _with(run, RUNNING)
    return f"It is in progress: {_named(going)}." if going else "It is in progress."


def _stopped(run: RunHistory) -> Iterable[str]:
    undone = _with(run, Outcome.UNDONE)
    bad = [(number, step) for number, step in enumerate(run.steps, 1) if _is_bad(step)]
    if bad:
        # A skip alone stops no run.
        number, step = next((each for each in bad if each[1].outcome != Outcome.SKIPPED), bad[0])
        hosts = [host for host, outcome in step.outcomes.items() if outcome not in {*_FINE, Outcome.UNDONE}]
        checks = step.every_check[::-1]
        own = [each for each in checks if each.host == hosts[0]] or checks
        why = next((each.reason for each in own if _explains(each)), "")
        place = f" ({step.place})" if step.place else ""
        word = step.outcomes[hosts[0]]
        because = f": {reason.rstrip('.')}" if (reason := why or _error(run)) else ""
        if step.stops and word == Outcome.FAILED:
            yield f"A diagnosis{place} ended the run{_on(hosts)}: {step.stops.rstrip('.')}."
            yield from _never_reached(run)
            return
        which = f"Step {step.number}" if step.number else f"Step {number} of {len(run.steps)}"
        denied = word == Outcome.ABORTED and why.startswith("by ")
        yield f"{which}, {step.name}{place}, {'was denied' if denied else f'ended as {word}'}{_on(hosts)}{because}."
        yield from _undo_failed(step, run)
    elif run.problems:
        yield f"{(_error(run) or run.problems[0].splitlines()[0]).rstrip('.')}."
    else:
        yield f"It ended as {run.outcome}."
    yield from _never_reached(run)
    if undone:
        yield f"Undone: {_named(undone)}."


def _undo_failed(step: StepHistory, run: RunHistory) -> Iterable[str]:
    """What did not pass after that `step`, which is what was undone of others."""
    for undo in run.steps[run.steps.index(step) + 1 :]:
        if _is_bad(undo) and undo.id.startswith(UNDO):
            why = next((f": {each.reason.rstrip('.')}" for each in undo.every_check if _explains(each)), "")
            yield f"{undo.name} did not pass{why}."


def _error(run: RunHistory) -> str:
    """The error that ended the run, in one sentence; empty where a step did."""
    first = run.problems[0].splitlines()[0] if run.problems else ""
    return run.happened if first and run.happened.startswith(first) else ""


def _mended(run: RunHistory) -> Iterable[str]:
    """The steps that did not pass before another runbook took over, where they did not, and why."""
    for step in run.steps:
        if failed := [each for each in step.every_check if _explains(each)]:
            hosts = dict.fromkeys(each.host for each in failed if each.host)
            yield f"{step.name} did not pass{_on(list(hosts))}: {failed[0].reason.rstrip('.')}."


def _never_reached(run: RunHistory) -> Iterable[str]:
    if never := [step for step in run.steps if step.outcome == Outcome.NEVER_REACHED]:
        yield f"{counted(len(never), 'step')} {'was' if len(never) == 1 else 'were'} never reached."


def _is_bad(step: StepHistory) -> bool:
    return any(outcome not in {*_FINE, Outcome.UNDONE} for outcome in step.outcomes.values())


def _explains(check: Check) -> bool:
    return bool(check.reason) and check.outcome not in DONE


def _attempts(run: RunHistory) -> str:
    """That it took more than one attempt, and how the ones before ended."""
    before = [f"{attempt.name} {_ended(attempt)}" for attempt in run.attempts[:-1]]
    last = run.attempts[-1]
    refused = f", which {_ended(last)}" if last.outcome == REFUSED else ""
    return f"{len(run.attempts)} attempts: {', '.join(before)}, then {last.name}{refused}." if before else ""


def _ended(attempt: Attempt) -> str:
    return "was refused" if attempt.outcome == REFUSED else f"ended as {attempt.outcome}"


def _declared(run: RunHistory) -> Iterable[str]:
    """What a person has said so that somebody was called."""
    declared = IN_WORDS[EventType.ESCALATION_DECLARED]
    return dict.fromkeys(f"Declared by {each.detail.rstrip('.')}." for each in run.timeline if each.what == declared)


def _after(run: RunHistory) -> str:
    if run.children:
        return f"It handed over to the run {', '.join(run.children)}."
    if run.parent:
        return (
            f"It did a step of the run {run.parent}." if run.is_called else f"It took over from the run {run.parent}."
        )
    # A page may have arrived: no answer came, or none could be recorded, as on a full disk.
    doubted = {page.contact for page in run.undelivered if page.doubt or page.status == REQUESTED}
    unknown = [name for name in run.unreached if name in doubted]
    unreached = [name for name in run.unreached if name not in unknown]
    sentences = [f"{listed(unreached)} could not be reached."] if unreached else []
    sentences += [f"Whether {listed(unknown)} heard of it is not known."] if unknown else []
    return " ".join(sentences)


def _with(run: RunHistory, word: str) -> list[StepHistory]:
    return [step for step in run.steps if word in step.outcomes.values()]


def _named(steps: Sequence[StepHistory]) -> str:
    return listed([step.name for step in steps])


def _on(hosts: Sequence[str]) -> str:
    return f" on {listed(hosts)}" if hosts else ""
