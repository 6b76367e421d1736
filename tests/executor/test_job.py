"""A cancellation counts every request from everywhere once, and an ending survives the pipe as it is."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from runner.executor.job import Cancellation, Ending


@given(st.builds(Ending, st.text(), st.integers(-64, 255), st.text()))
def test_an_ending_is_one_line_and_comes_out_as_it_went_in(ending):
    assert Ending.loads(ending.dumps()) == ending
    assert len(ending.dumps().splitlines()) == 1


def test_requests_of_this_process_and_from_elsewhere_are_counted_once():
    elsewhere, cancellation = [], Cancellation()
    read = lambda: list(elsewhere)  # noqa: E731
    cancellation.listen(read)
    cancellation.listen(read)

    before = cancellation.asked()
    cancellation.request("SIGINT")
    elsewhere.append("by bob")
    after = (cancellation.asked(), cancellation.asked())

    assert (before, after, cancellation.requests) == (0, (2, 2), ["SIGINT", "by bob"])
