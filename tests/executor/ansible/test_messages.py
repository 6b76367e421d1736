"""An invocation survives the pipe to the supervisor as it is."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from runner.executor.ansible.messages import PlaybookInvocation

WORDS = st.lists(st.text()).map(tuple)
INVOCATIONS = st.builds(
    PlaybookInvocation,
    run_id=st.text(),
    workspace=st.text(),
    playbook=st.text(),
    inventories=WORDS,
    tags=WORDS,
    skip_tags=WORDS,
    limit=st.none() | st.text(),
    forks=st.integers(1, 50),
    hosts=st.text(),
    becomes=st.booleans(),
    environment=st.dictionaries(st.text(), st.text()),
    deadline=st.none() | st.floats(0, 1e6),
)


@given(INVOCATIONS)
def test_an_invocation_is_one_line_and_comes_out_as_it_went_in(invocation):
    assert PlaybookInvocation.loads(invocation.dumps()) == invocation
    assert len(invocation.dumps().splitlines()) == 1


def test_what_is_not_given_has_a_harmless_value():
    invocation = PlaybookInvocation(run_id="r", workspace="/p", playbook="x.yml", inventories=("/i",))

    assert json.loads(invocation.dumps()) == {
        "run_id": "r",
        "workspace": "/p",
        "playbook": "x.yml",
        "inventories": ["/i"],
        "tags": [],
        "skip_tags": [],
        "limit": None,
        "forks": 5,
        "hosts": "all",
        "becomes": False,
        "environment": {},
        "deadline": None,
    }
