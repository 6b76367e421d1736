"""What each key of a written file is for, as an editor shows it beside the cursor."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

_RUNBOOK = {
    "id": "RUN- and three to six digits; the file is named like it",
    "title": "What happens, in one line: people search for it at night",
    "deprecated": "Since when it is not used any more, and which runbook replaces it; nobody can run it",
    "category": "What the runbook is for",
    "severity": "How bad it is: P0 to P3, or critical, warning, info",
    "owner": "Who maintains the runbook: a name from contacts.yml",
    "trigger": "When to use it: an alert, or an event in words",
    "scope": "What it handles, and what it does not",
    "hosts": "On which hosts: an Ansible host pattern; a step may narrow it",
    "max_hosts": "The most hosts that one run may touch",
    "min_hosts": "The fewest hosts that one run may have",
    "serial": "How many hosts are worked on at a time: 2, 25%, or a ramp such as [1, 2, 25%]",
    "max_failures": "How many hosts may fail, or be unreachable, before the run stops: a number or a share",
    "locks": "What only one run at a time may use",
    "deadline": "How long the whole run may take",
    "inputs": "Values that the person who starts the run may give with -e name=value",
    "values": "Files beside the runbook that set variables, each a mapping of names: values/shop.yml",
    "env": "Environment variables of every command, shell code, script and module; a step may have others",
    "prerequisites": "What must hold before step 1: each is probed; a tick (`confirm`) is for what no probe can know",
    "steps": "The procedure: each step has one action, and says how one sees that it worked",
    "on_cancel": "Steps that are done when somebody cancels the run",
    "escalation": "When somebody is called, who, and with what",
    "announce": "The contacts who are told how a run goes, without being called",
    "follow_up": "What is left to do when the run is over",
    "schedules": "When it is run automatically",
    "links": "Ids of what it belongs to: MON-005, DEP-001, RISK-008",
}

_STEP = {
    "id": "The id of the step: small letters and digits joined by -; never change it once it is published",
    "name": "What is done, in one line",
    "why": "Why it is done, for somebody who does it for the first time",
    "hosts": "Only on these of the runbook's hosts",
    "only_if": "Only where this is true; else the step is not needed there: used > 90",
    "on": "The one machine on which it is done for each of its hosts: a host, a group of one, or localhost",
    "effect": "What it does to its hosts: read only looks, change (the default), destructive cannot be repaired",
    "choose": "What the operator picks from captured rows: {pids: {from: stuck, field: pid}}",
    "approve": "The question that a person answers before it is done",
    "auto": "Whether a run that asks nobody may answer yes for this step",
    "capture": "Values that later steps need: each an expression over the result, {used: row.used}",
    "verify": "How one sees that it worked; a step without a verification does not load",
    "retry": "How often a failed action is tried in all: 3, or {attempts: 3, delay: 2s, backoff: 2, exit_codes: 75}",
    "on_failure": "What happens if it does not pass: stop, escalate, continue, undo, or a runbook that takes over",
    "undo": "How its change is undone, and how that is verified",
    "reversible": "`no` says that nothing undoes it",
    "idempotent": "Whether doing it twice is as good as once",
    "timeout": "How long the action may take on each host",
    "become": "Whether the action is executed as another user",
    "become_user": "The user to become; root by default",
}

_VERIFICATION = {
    "says": "What is expected, in a sentence that people read in reports",
    "within": "Ask again until it holds, for this long",
    "every": "The pause between two samples",
    "become": "Whether it looks as another user; as the step does by default",
    "become_user": "The user to become for it; root by default",
}

_ELSEWHERE = {
    "Trigger.alert": "The alert that leads here: a MON- id",
    "Trigger.condition": "When the alert fires",
    "Trigger.event": "What happens, where no alert fires",
    "Scope.handles": "What it covers, each in a few words that people would use",
    "Scope.excludes": "What it does not cover, with the runbook that does: {what: Server crash, see: RUN-010}",
    "Deprecated.since": "The day, like 2026-01-31",
    "Deprecated.replaced_by": "The runbook that is used instead",
    "Deprecated.reason": "Why, in one line",
    "Exclusion.what": "What is not handled here",
    "Exclusion.see": "The runbook that handles it",
    "Input.type": "The type of the value; text by default",
    "Input.help": "What the value is for, in one line",
    "Input.default": "The value when none is given; without it one must be given",
    "Input.values": "The possible values of `type: enum`",
    "Input.pattern": "A regular expression that the whole value matches",
    "Input.min": "The smallest value",
    "Input.max": "The largest value",
    "Input.min_length": "The fewest characters that it may have",
    "Input.max_length": "The most characters that it may have",
    "Approval.says": "The question",
    "Approval.min": "How many different people must say yes",
    "Approval.group": "Only its members may say yes: a contact that names them",
    "Approval.expires": "How long people have to answer; after that the answer is no",
    "Schedule.cron": "When: minute, hour, day of the month, month and weekday, as cron reads them",
    "Schedule.zone": "The time zone: a name such as Europe/Berlin",
    "Schedule.inventory": "Against which inventory",
    "Schedule.window": "Only within these hours",
    "Schedule.late_ok": "How much later than its time it may still begin",
    "Schedule.if_missed": "What happens if its time passed without a run",
    "Schedule.overlap": "What happens if the previous run is still in progress",
    "Escalation.when": "Each is enough: step_failed, {unresolved_for: 15m}, {declared: Data integrity concern}, "
    "{verification_failed: 3}, {that: error_rate > 2}, {no_answer: 10m}, unreachable, abandoned, refused, no_answer, "
    "denied",
    "Escalation.contacts": "Who is called, in this order: names from contacts.yml",
    "Escalation.provide": "What they are told: timeline, actions, failure, trend, an input, a captured value, a step",
    "Escalation.next_after": "How long L1 has to acknowledge before L2 is called, then L3; without it all at once",
    "Unresolved.unresolved_for": "Call if the run has not ended after this time",
    "Declared.declared": "Call if the operator says that this is the case",
    "VerificationsFailed.verification_failed": "Call as soon as so many verifications have failed",
    "CapturedCondition.that": "Call as soon as this holds of captured values, like error_rate > 2",
    "NoAnswer.no_answer": "Call if a question waits for this long",
    "FollowUp.do": "What is to be done",
    "FollowUp.within": "How soon",
    "FollowUp.ticket": "The contact whose channel github or jira opens a ticket for it",
    "FollowUp.if": "Only after a run that ended so",
    "Choice.from": "The captured list to pick from",
    "Choice.field": "The part of each picked row that is kept",
    "Retry.attempts": "How often in all, the first one included",
    "Retry.delay": "The pause before the second attempt",
    "Retry.backoff": "How many times longer each pause is than the one before",
    "Retry.exit_codes": "Only a command that ends with one of these is tried again",
    "HandOver.run": "The runbook that takes over",
    "HandOver.inputs": "Its inputs: each a value, or the {{ name }} of something known here",
    "Use.use": "A file of shared steps, which stand in the place of this item: shared/db-healthy",
    "Use.id": "What the ids of its steps begin with; the file's name where it is not said",
    "Use.with": "Its parameters: each a value, or a template like {{ app_url }}",
    "Use.hosts": "The hosts of those of its steps that name none",
    "Decide.id": "The id of the diagnosis; the branch that is taken is captured as it, with _ for -",
    "Decide.name": "The question, in one line",
    "Decide.why": "Why it is asked",
    "Decide.hosts": "Only on these of the runbook's hosts",
    "Decide.only_if": "Only where this is true; else nothing of it is needed there",
    "Decide.on": "The machine on which it is asked for each of the hosts",
    "Decide.become": "Whether it is asked as another user",
    "Decide.become_user": "The user to become; root by default",
    "Decide.within": "How long all that it asks may take on each host, together",
    "Decide.on_failure": "What happens if there is no answer, as for any step",
    "Decide.decide": "The branches: the first whose `if` holds is taken, and the last is `else`",
    "Branch.if": "A condition, or what a host is asked: command, http or sql, and the answer that is a yes",
    "Branch.says": "What it means that this branch is taken, in words",
    **{
        f"{model}.{key}": text
        for model in ("Branch", "BranchAction")
        for key, text in {
            "then": "The steps of the branch",
            "run": "The runbook that is done in the branch",
            "inputs": "Its inputs",
            "stop": "The sentence with which the run ends on the host",
        }.items()
    },
    "Otherwise.else": "What is done where no branch is taken: `nothing`, or {then: ...}, {run: ...}, {stop: ...}",
    "SharedSteps.title": "What the steps are for, in one line",
    "SharedSteps.inputs": "The parameters, which whoever uses the steps gives",
    "SharedSteps.steps": "The steps; their ids and captured names get the file's name before them",
    "Undo.verify": "How the undo is verified",
    "Contact.name": "The person, team or rota as people call it",
    "Contact.level": "L1 is called first, L3 last",
    "Contact.handle": "How they are mentioned in a chat, like @db-team",
    "Contact.members": "Who belongs to it",
    "Contact.hours": "When they are called: mon-fri 08:00-18:00 Europe/Berlin; at any time without it",
    "Contact.authority": "What they may decide or approve, each in a few words",
    "Contact.channels": "How they are called; without one they only own",
}

DESCRIPTIONS: Mapping[str, str] = MappingProxyType(
    {f"Runbook.{key}": text for key, text in _RUNBOOK.items()}
    | {f"Step.{key}": text for key, text in _STEP.items()}
    | {f"Verification.{key}": text for key, text in _VERIFICATION.items()}
    | _ELSEWHERE
)
"""Each key by `Model.key`; what a key of a kind is for, the kind says itself."""
