"""What a probe asks is asked without Ansible: over HTTP from here, a command or a query on its host."""

from __future__ import annotations

import json

import pytest

from runner.core.errors import InvalidInputError
from runner.kinds.verifications.command_probe import CommandProbe
from runner.kinds.verifications.http_probe import HttpProbe
from runner.kinds.verifications.monitoring.alert_probe import AlertFiring
from runner.kinds.verifications.sql_probe import SqlProbe
from runner.kinds.verifications.that import That
from runner.lab.drills.drill_question import question
from runner.lab.drills.plain_ansible import Inventory
from runner.model.procedure.drill import DrillProbe
from runner.model.verification import Verification

INVENTORY = Inventory(
    {"app": ["app1", "app2"], "db": ["db1"]},
    {
        "app1": {
            "ansible_connection": "local",
            "app_url": "http://{{ ansible_host }}:{{ port }}",
            "ansible_host": "127.0.0.1",
        },
        "app2": {"ansible_connection": "local"},
        "db1": {
            "ansible_connection": "local",
            "runbook_psql": "{{ directory }}/psql",
            "runbook_sql": {"PGPASSWORD": "{{ 'a b' }}"},
        },
    },
)


def probe(*kinds, **options):
    return DrillProbe(look=Verification(says="It is well", kinds=kinds), **options)


@pytest.fixture
def ask(tmp_path):
    def do(asked, *, hosts="app", **inputs):
        made = question(asked, INVENTORY, hosts, {"directory": str(tmp_path), **inputs}, tmp_path)
        look = made.ask()
        return look.good, dict(look.seen)

    return do


def test_a_url_is_filled_in_from_the_host_that_has_its_variables(httpserver, ask):
    httpserver.expect_request("/health", query_string="a=1").respond_with_json({"version": "1.5.0"})
    asked = probe(
        HttpProbe(http={"url": "{{ app_url }}/health?a=1"}), That(that=("status == 200", "json.version == version"))
    )

    assert ask(asked, hosts="db", port=httpserver.port, version="1.5.0") == (
        True,
        {"status": 200, "json": {"version": "1.5.0"}, "content": json.dumps({"version": "1.5.0"}, indent=4)},
    )
    assert ask(asked, hosts="db", port=httpserver.port, version="1.5.1")[0] is False


def test_who_does_not_answer_is_a_bad_look(ask):
    good, seen = ask(probe(HttpProbe(http={"url": "http://127.0.0.1:1/"})))

    assert (good, seen["status"]) == (False, -1)


def test_what_is_sent_is_sent(httpserver, ask):
    httpserver.expect_request("/orders", method="POST", json={"customer": 7}).respond_with_data("made", status=201)
    asked = probe(
        HttpProbe(http={"url": "{{ app_url }}/orders", "method": "POST", "body": {"customer": 7}}),
        That(that=("status == 201",)),
    )

    assert ask(asked, port=httpserver.port)[0] is True


def test_a_command_is_done_on_the_first_of_its_hosts(ask):
    asked = probe(
        CommandProbe(command=["echo", "{{ inventory_hostname }}"]), That(that=("stdout == 'app2'",)), hosts="app[1]"
    )

    assert ask(asked) == (True, {"rc": 0, "stdout": "app2", "stderr": "", "json": {}})


def test_a_query_is_done_with_what_the_inventory_says_and_no_password_is_an_argument(ask, tmp_path):
    psql = tmp_path / "psql"
    psql.write_text('#!/bin/sh\ncat >/dev/null; echo "[{\\"password\\": \\"$PGPASSWORD\\"}]"\n')
    psql.chmod(0o755)

    assert ask(probe(SqlProbe(sql="SELECT 1"), That(that=("row.password == 'a b'",)), hosts="db"))[0] is True


def test_nobody_is_asked_whose_variables_are_missing(ask):
    with pytest.raises(InvalidInputError, match="no host of the inventory has what it names"):
        ask(probe(HttpProbe(http={"url": "{{ shop_url }}/health"})))


def test_it_comes_back_though_a_command_does_not(ask):
    asked = probe(CommandProbe(command=["sleep", "60"]), hosts="app2")

    assert ask(asked)[0] is False


def test_a_service_is_asked_from_here_and_one_that_does_not_answer_is_a_bad_look(ask):
    alert = AlertFiring(alert_firing={"prometheus": "{{ monitoring }}", "alert": "PoolHigh", "data": "up"})

    good, seen = ask(probe(alert), monitoring="http://127.0.0.1:9")

    assert (good, "Prometheus at http://127.0.0.1:9" in seen["problem"]) == (False, True)
