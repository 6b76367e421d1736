"""What is told is answered in its order, by the real other side, however much of it there is before anybody waits."""

from __future__ import annotations

import pytest
from runbook_reports import MOST, Reports

from runner.executor.ansible.callback_socket import CallbackSocket


@pytest.fixture
def reports_to(tmp_path):
    made = []

    def connected(handle):
        socket = CallbackSocket(tmp_path / "report", handle)
        socket.__enter__()
        made.append((socket, Reports(str(tmp_path / "report"))))
        return made[-1][1]

    yield connected
    for socket, reports in made:
        reports.close()
        socket.__exit__()


def test_what_is_asked_has_its_own_answer_though_others_came_before(reports_to):
    heard = []
    reports = reports_to(lambda message: heard.append(message["number"]) or {"was": message["number"]})

    reports.tell("ok", number=1)
    reports.tell("ok", number=2)
    answer = reports.ask("inventory", number=3)

    assert (answer, heard, reports.settle()) == ({"was": 3}, [1, 2, 3], {})


def test_neither_side_waits_for_the_other_to_read(reports_to):
    heard = []
    reports = reports_to(lambda message: heard.append(message["number"]))

    for number in range(20 * MOST):
        reports.tell("ok", number=number, text="x" * 10_000)
    reports.settle()

    assert heard == [*range(20 * MOST)]
