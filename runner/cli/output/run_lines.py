"""What a person is told of a whole run: how it begins, what it waits for, who is called, what rolls it back."""

from typing import Any

from runner.cli.output.terminal import safe, short
from runner.cli.prompts import guard_options
from runner.core.events import Event, EventType
from runner.core.wording import addressee

REASON = 300


def of_the_run(event: Event) -> list[str]:  # noqa: C901, PLR0911 - one return for each kind of event
    """The lines about `event`, which is about no step."""
    data = event.data
    match event.type:
        case EventType.RUN_STARTED | EventType.RUN_RESUMED:
            again = "undoes " if data.get("take_back") else "resumes " * (event.type is EventType.RUN_RESUMED)
            return [f"{again}run {event.run} of {data['runbook']} {safe(data['title'])}"]
        case EventType.TARGET_RESOLVED:
            return [f"{data['environment']}: {', '.join(map(safe, data['hosts']))}"]
        case EventType.LOCK_AWAITED:
            return [f"waits    {short(each)}" for each in data["held"]]
        case EventType.ESCALATION_DECLARED:
            return [f"declared {short(data['declared'])}"]
        case EventType.INCIDENT_RESOLVED:
            return [f"incident was resolved before, by {short(data['by'])} {safe(data['note'])}"]
        case EventType.CONTACT_PASSED_OVER:
            who = f"{safe(data['contact'])} is called {safe(data['hours'])} only"
            return [f"not called {who}; {safe(data['instead'])} instead"]
        case EventType.PAGE_FINISHED:
            return [f"page     {called(data)}"]
        case EventType.TRIGGER_SEEN | EventType.TRIGGER_ANSWERED | EventType.RUN_HANDED_OVER:
            return [_of_a_trigger(event)]
        case EventType.CHANGES_ACCEPTED:
            return [f"accepted the changes of the runbook, by {safe(data['by'])}"]
        case EventType.UNDO_PLANNED:
            stays = [(safe(each["name"]), ", ".join(map(safe, each["hosts"])), each["why"]) for each in data["stays"]]
            return [f"stays    {name} on {hosts}: {why}" for name, hosts, why in stays]
        case EventType.RUN_REFUSED:
            return [f"refused  the run stays {data['outcome'] or 'as it was'}"]
    return guard_options.lines(event)


def _of_a_trigger(event: Event) -> str:
    """What is told of a rollback trigger, and of the runbook that rolls back."""
    data = event.data
    if event.type is EventType.RUN_HANDED_OVER:
        return f"over to  {data['to']}, as the run {data['as_run']}"
    if event.type is EventType.TRIGGER_ANSWERED:
        return f"rollback {data['trigger']}: {data['runbook']} {data['answer']}, by {safe(data['by'])}"
    state = {"fired": "FIRED", "quiet": "quiet"}.get(data["state"], "cannot be looked at")
    return f"trigger  {data['trigger']} {short(data['says'])}: {state}{because(data)}"


def called(data: Any) -> str:
    """Who was told what, and what became of it."""
    return f"{data['action']} {safe(addressee(data['contact'], data['channel']))}: {data['status']}{because(data)}"


def because(data: Any) -> str:
    """The reason, when there is one."""
    return f": {short(str(data['reason']), REASON)}" if data.get("reason") else ""
