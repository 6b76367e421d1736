"""A notification that waits in an outbox, and what may become of it."""

from __future__ import annotations

from datetime import UTC, datetime

from runner.channels.base import Page, Receipt
from runner.escalation.outbox import Notification

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
PAGE = Page(
    action="trigger",
    dedup_key="runbookctl/RUN-001/lab/1",
    summary="RUN-001 Disk is full (lab): step failed",
    severity="critical",
    source="db1",
    component="RUN-001",
    group="lab",
    details={"timeline": ["12:00 began"]},
    links=(("https://example.com", "Report"),),
    timestamp=NOON,
)
WRITTEN = {"pagerduty": {"routing_key": "env:KEY"}}
ONE = Notification(
    run="20260101T000000Z-0123abcd",
    contact="on-call",
    level="L1",
    channel=WRITTEN,
    position=0,
    page=PAGE,
    requested=NOON,
)
REFUSED, LOST = Receipt("pagerduty", "refused", 0, "no key"), Receipt("pagerduty", "deferred", 2, "HTTP 503")
ARRIVED = Receipt("pagerduty", "accepted", 1, "answered 202")
