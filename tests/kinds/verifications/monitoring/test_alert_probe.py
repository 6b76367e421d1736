"""`alert_resolved` and `alert_firing`: an alert by its id, which the registry completes, or with its source beside it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from runner.kinds.verifications.monitoring.alert_probe import AlertFiring, AlertResolved

SOURCE = {"prometheus": "{{ prometheus_url }}", "data": "pg_up"}


@pytest.mark.parametrize(
    ("entry", "completed"),
    [
        ({"alertname": "PoolHigh", "source": SOURCE}, {"id": "MON-005", "alert": "PoolHigh", **SOURCE}),
        (
            {"alertname": "PoolHigh", "source": {**SOURCE, "alert": "Other"}},
            {"id": "MON-005", "alert": "Other", **SOURCE},
        ),
        ({"alertname": "PoolHigh", "source": {"monitor": 1}}, {"id": "MON-005", "monitor": 1}),
    ],
)
def test_the_registry_says_where_an_alert_is_looked_up(entry, completed):
    assert AlertResolved.completed("MON-005", {"MON-005": entry}.get) == completed


def test_what_stands_in_the_runbook_needs_no_registry():
    written = {**SOURCE, "alert": "PoolHigh"}
    assert AlertFiring.completed(written, {}.get) is written


@pytest.mark.parametrize("entries", [{}, {"MON-005": {"title": "-"}}])
def test_an_alert_without_a_source_cannot_be_asked(entries):
    with pytest.raises(ValueError, match="in the registry, so nobody can be asked how it stands$"):
        AlertResolved.completed("MON-005", entries.get)


def test_an_id_alone_is_only_a_name():
    # As it is in a page in Markdown, before the library is known
    kind = AlertResolved.model_validate({"alert_resolved": "MON-005"})

    assert (kind.describe(), kind.lag, kind.probes) == ("MON-005 has resolved", None, True)
    assert kind.probe(timedelta(seconds=10)).environment == {"PROBE_WANTED": "resolved", "PROBE_SECONDS": "9"}


def test_what_is_not_good_is_a_problem():
    kind = AlertResolved.model_validate({"alert_resolved": {**SOURCE, "alert": "PoolHigh"}})

    assert (kind.conditions(None), kind.default_conditions()) == ((), ("problem == ''",))
