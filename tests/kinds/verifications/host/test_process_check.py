"""The number of processes is compared as it is written."""

from __future__ import annotations

import pytest

from runner.kinds.verifications.host.process_check import Process


def process(**query):
    return Process.model_validate({"process": {"name": "postgres", **query}})


@pytest.mark.parametrize(
    ("query", "good"),
    [
        ({}, [1, 2, 3]),
        ({"count": 2}, [2]),
        ({"count": 0}, [0]),
        ({"count": ">= 2"}, [2, 3]),
        ({"count": "<2"}, [0, 1]),
        ({"count": "== 03"}, [3]),
    ],
)
def test_the_number_is_compared(judge, query, good):
    assert [number for number in range(4) if not judge(process(**query), stdout=f'{{"count": {number}}}')] == good


@pytest.mark.parametrize(("rc", "stdout"), [(1, ""), (0, ""), (0, "{}"), (0, '{"count": "0"}')])
def test_no_answer_is_not_none(judge, rc, stdout):
    assert judge(process(count=0), rc=rc, stdout=stdout) != ""


@pytest.mark.parametrize(
    "query",
    [
        {"count": "many"},
        {"count": "=> 1"},
        {"count": True},
        {"count": -1},
        {"name": ""},
        {"name": "/usr/sbin/nginx"},
        {"name": "nginx "},
    ],
)
def test_what_makes_no_sense_is_refused(refusals, query):
    assert len(refusals(Process, process={"name": "x", **query})) == 1


@pytest.mark.parametrize("count", [">= 0", ">=0", ">= 000", "< 0"])
def test_a_count_that_always_or_never_holds_is_refused(refusals, count):
    (found,) = refusals(Process, process={"name": "x", "count": count})
    assert found == f"must be a number, or what can fail, like '>= 1', not {count!r}"


def test_it_is_said_in_words():
    assert process().describe() == "The number of processes called postgres is >= 1"
