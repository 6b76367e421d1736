"""Where an alert is looked up: what each service needs, what is nothing for it, and what its program is asked."""

from __future__ import annotations

from datetime import timedelta

import pytest

from runner.kinds.verifications.monitoring.alert_probe import AlertFiring, AlertResolved

PROMETHEUS = {"prometheus": "https://prometheus.example/", "alert": "PoolHigh", "data": "pg_up"}
ALERTMANAGER = {"alertmanager": "{{ alertmanager_url }}", "alert": "PoolHigh"}
DATADOG = {"monitor": 1234, "api_key": "env:DD_API_KEY", "app_key": "{{ app_key }}"}


@pytest.mark.parametrize(
    ("written", "complaint"),
    [
        ({}, "needs one of prometheus, alertmanager and datadog"),
        ({**PROMETHEUS, **ALERTMANAGER}, "needs one of prometheus, alertmanager and datadog"),
        (PROMETHEUS | {"heartbeat": "Pulse"}, "has `heartbeat`, which is nothing for prometheus"),
        (ALERTMANAGER | {"data": "up"}, "has `data`, which is nothing for alertmanager"),
        (DATADOG | {"alert": "PoolHigh"}, "has `alert`, which is nothing for datadog"),
        ({"prometheus": "https://prometheus.example", "data": "up"}, "needs `alert`, its name there"),
        ({"monitor": 1234, "api_key": "env:DD_API_KEY"}, "needs `app_key`"),
        (PROMETHEUS | {"token": "hunter2"}, "says where a secret is: "),
        (PROMETHEUS | {"prometheus": "prometheus:9090"}, "its address does not begin with http:// or https://"),
        (PROMETHEUS | {"prometheus": "https://me:pw@host"}, "there is a user in its address; a password is given by"),
    ],
)
def test_a_source_that_makes_no_sense_is_refused(written, complaint, refusals):
    (message,) = refusals(AlertResolved, alert_resolved=written)
    assert message.startswith(complaint)


def test_without_data_an_exporter_that_has_died_would_look_well(refusals):
    (message,) = refusals(AlertResolved, alert_resolved={key: PROMETHEUS[key] for key in ("prometheus", "alert")})
    assert message == (
        "needs `data`, an expression that gives something as long as the alert can be judged: without one, an exporter "
        "that has died looks like an alert that has resolved"
    )


@pytest.mark.parametrize(
    ("source", "program", "asked", "lag"),
    [
        (
            PROMETHEUS | {"labels": {"team": "shop"}, "token": "env:TOKEN", "user": "me"},
            "prometheus",
            {
                "PROBE_WANTED": "resolved",
                "PROBE_URL": "https://prometheus.example",
                "PROBE_TOKEN": "env:TOKEN",
                "PROBE_USER": "me",
                "PROBE_ALERT": "PoolHigh",
                "PROBE_LABELS": '{"team": "shop"}',
                "PROBE_DATA": "pg_up",
                "PROBE_SECONDS": "9",
            },
            timedelta(minutes=1),
        ),
        (
            ALERTMANAGER | {"lag": "2m"},
            "alertmanager",
            {
                "PROBE_WANTED": "resolved",
                "PROBE_URL": "{{ alertmanager_url }}",
                "PROBE_ALERT": "PoolHigh",
                "PROBE_HEARTBEAT": "Watchdog",
                "PROBE_LAG": "120",
                "PROBE_SECONDS": "9",
            },
            timedelta(minutes=2),
        ),
        (
            DATADOG,
            "datadog",
            {
                "PROBE_WANTED": "resolved",
                "PROBE_URL": "https://api.datadoghq.com",
                "PROBE_MONITOR": "1234",
                "PROBE_API_KEY": "env:DD_API_KEY",
                "PROBE_APP_KEY": "{{ app_key }}",
                "PROBE_SECONDS": "9",
            },
            timedelta(minutes=1),
        ),
    ],
)
def test_the_program_of_the_service_is_asked(source, program, asked, lag):
    kind = AlertResolved.model_validate({"alert_resolved": source})

    call = kind.probe(timedelta(seconds=10))

    assert (call.environment, kind.program(), kind.lag) == (asked, program, lag)
    assert call.args["argv"][3:] == ["{{ ansible_playbook_python }}", "-B", "-m", f"probes.{program}"]
    assert (call.on_controller, call.args["chdir"]) == (True, "{{ playbook_dir }}")


def test_an_alert_is_called_by_its_id_or_its_name():
    named = AlertFiring.model_validate({"alert_firing": {"id": "MON-005", **PROMETHEUS}})
    alone = AlertResolved.model_validate({"alert_resolved": PROMETHEUS})
    numbered = AlertResolved.model_validate({"alert_resolved": DATADOG})

    words = [kind.describe() for kind in (named, alone, numbered)]
    assert words == ["MON-005 is firing", "PoolHigh has resolved", "the monitor 1234 has resolved"]
