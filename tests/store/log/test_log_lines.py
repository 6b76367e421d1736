"""The lines of an audit log that is read from disk: no more than is asked for, and an error names what is wrong where."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.core.errors import AuditError
from runner.store.log import chain
from runner.store.log.log_lines import ASIDE, follow, is_torn, lines_of, parse

LOG = Path("/var/lib/runbook/audit.jsonl")
LINES = st.lists(st.binary(max_size=20).map(lambda text: text.replace(b"\n", b"") + b"\n"), max_size=8)


@given(lines=LINES, rest=st.binary(min_size=1, max_size=9).map(lambda text: text.replace(b"\n", b"x")))
def test_every_line_is_read_and_the_last_may_have_no_end(lines, rest):
    found = list(lines_of(BytesIO(b"".join([*lines, rest]))))

    assert found == [*lines, rest]
    assert [is_torn(line) for line in found] == [*[False] * len(lines), True]


@given(lines=LINES, asked=st.integers(0, 8))
def test_no_more_is_read_than_is_asked_for(lines, asked):
    given_size = sum(map(len, lines[:asked]))

    assert list(lines_of(BytesIO(b"".join(lines)), up_to=given_size)) == lines[:asked]


def test_a_line_that_is_longer_than_any_is_read_in_pieces_that_are_not_taken_for_torn_ones():
    first, rest = lines_of(BytesIO(b"x" * (chain.MAX_LINE + 1)))

    assert (len(first), is_torn(first), rest, is_torn(rest)) == (chain.MAX_LINE, False, b"x", True)


def test_the_records_of_a_chain_follow_each_other_and_one_that_does_not_is_named():
    one, head = chain.link(chain.START, b'"a":1')
    two, end = chain.link(head, b'"b":2')

    assert follow(follow(chain.START, one, LOG), two, LOG) == end
    with pytest.raises(AuditError) as wrong:
        follow(head, two.replace(b'"b":2', b'"b":3'), LOG)
    assert wrong.value.message == (
        f"The audit log {LOG} is broken at line 2: the hash of record 2 does not fit: it was edited, or what stands "
        "before it was"
    )
    assert wrong.value.hint == ASIDE


def test_a_line_that_is_no_record_is_named():
    with pytest.raises(AuditError, match=rf"^The audit log {LOG} is broken at line 7: "):
        parse(b"{}\n", LOG, 7)
