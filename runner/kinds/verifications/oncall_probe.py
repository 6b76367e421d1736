"""`oncall`: somebody is on call in PagerDuty now, and still will be after a while."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from runner.core import duration
from runner.core.fields import Keywords, Limit, Model
from runner.core.identifiers import Spelling
from runner.core.templates import Template
from runner.kinds.invocation import Invocation, uri
from runner.kinds.verifications.base import VerificationKind

_FORMAT = "'%Y-%m-%dT%H:%M:%SZ'"
_TOLD = """'"oncalls"' in content"""
"""Whether the answer is one of that service: a page of somebody else's does not say that nobody is on call."""
_FOUND = "(REGISTER.json.oncalls | default([]))"
"""https://developer.pagerduty.com/api-reference/3a6b910f11050-list-all-of-the-on-calls"""


def _address(url: str) -> str:
    if not url.startswith(("https://", "http://127.0.0.1:", "http://localhost:")):
        raise ValueError("must begin with https://: a token is sent there")
    return url.rstrip("/")


PagerDutyId = Annotated[str, Spelling(r"^P[A-Z0-9]{4,30}$", "an id of PagerDuty, like PABC123")]


class OnCallQuery(Model):
    """Of which schedule, or escalation policy, in PagerDuty, and for how long from now."""

    schedule: PagerDutyId | None = Field(default=None, description="The id of an on-call schedule: PABC123")
    policy: PagerDutyId | None = Field(default=None, description="The id of an escalation policy, in its place")
    token: Template = Field(description="A key of the REST API that may read: the {{ input }} of a secret")
    for_: Limit = Field(default=timedelta(minutes=30), alias="for", description="How long; 30m by default")
    url: Annotated[str, AfterValidator(_address), Keywords(pattern="^https?://")] = Field(
        default="https://api.pagerduty.com", description="The REST API; https://api.eu.pagerduty.com in Europe"
    )

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.schedule is None) == (self.policy is None):
            raise ValueError("needs a `schedule` or a `policy`, and not both")
        return self


class OnCall(VerificationKind):
    """Looked up on the machine where runbookctl runs; `on_call_now` and `on_call_then` are the people, by name."""

    key = "oncall"
    example = '- {oncall: {schedule: PABC123, token: "{{ pagerduty_token }}", for: 30m}}'

    oncall: OnCallQuery

    def probe(self, timeout: timedelta) -> Invocation:
        """One request for everybody who is on call in that time."""
        query, later = self.oncall, f"now().timestamp() + {self.oncall.for_.total_seconds():g}"
        now, until = f"now(utc=true, fmt={_FORMAT})", f"({_FORMAT} | strftime({later}, utc=true))"
        which = f"schedule_ids[]={query.schedule}" if query.schedule else f"escalation_policy_ids[]={query.policy}"
        request = {
            "url": f"{query.url}/oncalls?{which}&time_zone=UTC&limit=100&since={{{{ {now} }}}}&until={{{{ {until} }}}}",
            "method": "GET",
            "headers": {
                "Authorization": f"Token token={query.token}",
                "Accept": "application/vnd.pagerduty+json;version=2",
                "Content-Type": "application/json",
            },
        }
        call = uri(request, timeout=timeout)
        people = {"on_call_now": _at(now), "on_call_then": _at(until)}
        return replace(call, names={**call.names, **people}, on_controller=True)

    def default_conditions(self) -> Sequence[str]:
        """Somebody now, and somebody then."""
        return ("status == 200", _TOLD, "on_call_now | length > 0", "on_call_then | length > 0")

    @property
    def complaint(self) -> str:
        """What PagerDuty answered, or when nobody is on call."""
        later = f"in {duration.show(self.oncall.for_)} nobody is on call any more"
        unknown = "', and nobody knows who is on call'"
        refused = f"'PagerDuty answered ' ~ status ~ {unknown} if status != 200"
        strange = f"'PagerDuty answered something else than it should' ~ {unknown} if not ({_TOLD})"
        return f"{refused} else {strange} else 'nobody is on call' if not on_call_now else '{later}'"

    def describe(self) -> str:
        """In words."""
        of = f"schedule {self.oncall.schedule}" if self.oncall.schedule else f"escalation policy {self.oncall.policy}"
        return f"Somebody is on call for the next {duration.show(self.oncall.for_)} ({of} in PagerDuty)"


def _at(moment: str) -> str:
    """An expression for the names of those who are on call at `moment`; one without a begin or an end always is."""
    begun = _and(_FOUND, "start", f"'le', {moment}")
    there = _and(begun, "end", f"'gt', {moment}")
    return f"({there} | map(attribute='user.summary') | unique | list)"


def _and(found: str, key: str, test: str) -> str:
    """Those of `found` whose `key` passes the `test`, or that have none."""
    without, having = f"{found} | rejectattr('{key}') | list", f"{found} | selectattr('{key}')"
    return f"({without} + {having} | selectattr('{key}', {test}) | list)"
