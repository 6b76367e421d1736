"""Rules about when a runbook is run by itself: that its time comes, and that nothing keeps it from being begun then."""

from collections.abc import Iterator

from runner.core.errors import InvalidInputError
from runner.library.calendars import Calendars
from runner.lint.rules.base import Criterion, Hit, Level, LintContext, Place, Rule, quoted
from runner.model.input import missing, read_all
from runner.model.runbook import Runbook
from runner.model.schedules.schedule import Schedule
from runner.model.schedules.times import outside, problem
from runner.model.yaml.finding import did_you_mean


def _example(cron: str, more: str = "") -> str:
    keys = f'id: nightly, cron: "{cron}", zone: Europe/Berlin, inventory: inventories/hosts.yml{more}'
    return f"schedules:\n  - {{{keys}}}\n"


@Rule(
    "impossible-schedule",
    Level.ERROR,
    Criterion.COMPLETE,
    problem="A schedule that never comes is maintenance that is never done, and nobody notices.",
    wrong=_example("0 4 30 2 *"),
    right=_example("0 4 28 2 *"),
)
def impossible_schedule(context: LintContext) -> Iterator[Hit]:
    """A schedule that never comes."""
    for number, schedule in enumerate(context.runbook.schedules):
        place = ("schedules", number)
        if schedule.cron and (found := problem(schedule.cron)):
            yield Hit((*place, "cron"), f"{quoted(schedule.cron)}: {found}", "write it like 30 3 * * 1")
        elif schedule.cron and schedule.window and outside(schedule.cron, schedule.window):
            message = f"never comes within {quoted(schedule.window)}"
            yield Hit((*place, "cron"), f"{quoted(schedule.cron)} {message}", "give it a time within the window")
        if schedule.zone and not schedule.times.has_zone:
            message = f"no time zone is called {quoted(schedule.zone)}"
            yield Hit((*place, "zone"), message, "write a name like Europe/Berlin")


@Rule(
    "unusable-schedule",
    Level.ERROR,
    Criterion.COMPLETE,
    problem="What keeps a schedule from being begun is found at night, when nobody is there to mend it.",
    wrong=_example("0 4 * * *", ", on_missed: [somebody]"),
    right=_example("0 4 * * *", ", on_missed: [on-call]"),
)
def unusable_schedule(context: LintContext) -> Iterator[Hit]:
    """A schedule that would be refused each time, or that cannot be told from another one."""
    root = context.source.path.parent.parent
    earlier: set[str] = set()
    for number, schedule in enumerate(context.runbook.schedules):
        place: Place = ("schedules", number)
        if schedule.id in earlier:
            yield Hit((*place, "id"), f"another schedule is called {schedule.id!r}", "give each an id of its own")
        earlier.add(schedule.id)
        if not (root / schedule.inventory).exists():
            message = f"there is no inventory {schedule.inventory}"
            yield Hit((*place, "inventory"), message, "write its path from the library, like inventories/staging")
        if fault := _calendar_fault(context, schedule):
            yield Hit((*place, "calendars", 0), fault)
        for n, name in enumerate(schedule.on_missed):
            if name not in context.contacts:
                hint = did_you_mean(name, context.contacts) or "runbooks/contacts.yml has those who can be called"
                yield Hit((*place, "on_missed", n), f"nobody is called {name!r}", hint)
        if schedule.kind == "run":
            yield from _inputs(context.runbook, schedule, place)
            yield from _questions(context.runbook, place)
        elif not context.runbook.drill:
            yield Hit((*place, "kind"), f"{context.runbook.id} has no drill", "write one under `drill`, or plan a run")
        elif schedule.inputs:
            yield Hit((*place, "inputs"), "a drill has its inputs from `drill`, and never these", "write them there")


def _calendar_fault(context: LintContext, schedule: Schedule) -> str:
    try:
        return Calendars(context.source.path.with_name("calendars.yml")).fault(schedule.calendars)
    except (InvalidInputError, OSError) as error:
        return str(error)


def _questions(runbook: Runbook, place: Place) -> Iterator[Hit]:
    """What only a person can know, wherever it is asked: nobody is there at night."""
    for step in runbook.procedure:
        if not step.auto and (step.manual or step.confirmations):
            message = f"the step {step.id} is for a person, so that every run by this schedule is refused"
            yield Hit(place, message, f"write `auto: true` in {step.id}, if a machine may answer for it")


def _inputs(runbook: Runbook, schedule: Schedule, place: Place) -> Iterator[Hit]:
    values, wrong = read_all(runbook.inputs, schedule.inputs)
    for each in wrong:
        yield Hit((*place, "inputs", each.name), each.what, each.mend)
    named = {each.name for each in wrong}
    for each in missing(runbook.inputs, values):
        if each.name not in named:
            message = f"the input {each.name} has no value, and nobody is there to be asked"
            yield Hit(place, message, f"write inputs: {{{each.name}: ...}}")
