"""What a real Alertmanager says of alerts: firing, silenced, inhibited, resolved, and of which nobody tells it."""

from __future__ import annotations

import re

import pytest
from harness.monitoring import until

from runner.kinds.probes.alertmanager import look


@pytest.fixture
def asked(watched, why):
    def asked(**changes):
        question = {"URL": watched.alertmanager, "ALERT": "PoolHigh", "WANTED": "resolved", "HEARTBEAT": "Watchdog"}
        sentence = why(look, {**question, "LAG": "1", **changes}).replace(watched.alertmanager, "URL")
        sentence = re.sub(r'instance="127\.0\.0\.1:\d+"', "-", re.sub(r"since [0-9T:-]+Z", "since -", sentence))
        return re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "ID", sentence)

    return asked


def test_an_alert_is_firing_silenced_inhibited_and_resolved(watched, asked):
    where = '(-, job="shop", severity="page")'
    # Given an alert that Prometheus has told of
    watched.exporter.values = {"pool_used": 97, "database_down": 0}
    until(lambda: watched.told("PoolHigh") == ["active"], "it is told")
    # Then it is firing
    assert asked() == f"PoolHigh is still firing since - {where}"
    assert asked(WANTED="firing") == ""
    # When somebody silences it, it has not resolved, and is still firing
    silence = watched.silence("PoolHigh")
    until(lambda: watched.told("PoolHigh") == ["suppressed"], "it is silenced")
    assert asked() == f"PoolHigh is silenced by ID, which is not resolved {where}"
    assert asked(WANTED="firing") == ""
    # When another alert inhibits it, it has not resolved
    watched.expire(silence)
    watched.exporter.values = {"pool_used": 97, "database_down": 1}
    until(lambda: watched.told("DatabaseDown") and watched.told("PoolHigh") == ["suppressed"], "it is inhibited")
    assert asked() == f"PoolHigh is inhibited by another alert, which is not resolved {where}"
    # When its cause is gone, it has resolved
    watched.exporter.values = {"pool_used": 20, "database_down": 0}
    until(lambda: watched.told("PoolHigh") == [], "it has resolved")
    assert (asked(), asked(WANTED="firing")) == ("", "PoolHigh is not firing")
    # And with a label that it does not have, or one that Alertmanager must read as it is, it never was there
    assert asked(LABELS='{"severity": "tic\\"ket\\\\"}') == ""


def test_nobody_knows_of_an_alert_that_nobody_tells_of(watched, asked):
    watched.exporter.values = {"pool_used": 20, "database_down": 0}
    until(lambda: watched.told("PoolHigh") == [] and watched.told("Watchdog"), "all is well")
    # Given a heartbeat that is not there
    gone = "the alert Pulse, which always fires, is not there"
    assert asked(HEARTBEAT="Pulse") == f"no data: {gone}, so nobody knows whether Alertmanager at URL is told of alerts"
    # And an Alertmanager that may not have heard of everything since it was started
    just = re.sub(r"\d+ s ago", "- ago", asked(LAG="86400"))
    assert just == "unknown: Alertmanager at URL was started - ago, and is told of everything in 86400 s"
