"""What was seen is told in few words, whole in the report, and comes back from an event as it went in."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from runner.core.observation import Observation, texts, worst_of


def operand(name, value, worst=""):
    return {"name": name, "value": value, "worst": worst}


def test_of_a_command_the_last_lines_of_what_it_complained_of():
    lines = [f"line {number}" for number in range(8)]

    seen = Observation.of_result({"rc": 3, "stdout": "going on", "stderr": "\n".join(lines) + "\n"})

    assert seen == Observation(exit_code=3, stream="stderr", lines=tuple(lines[-5:]))
    assert seen.sentence == "exit code 3: line 7"


def test_without_a_complaint_the_last_lines_of_the_output_or_of_the_answer():
    assert Observation.of_result({"rc": 0, "stdout": "a\nb", "stderr": " \n"}).lines == ("a", "b")
    assert Observation.of_result({"status": 503, "content": "no"}) == Observation(None, 503, "content", ("no",))


def test_the_sentence_has_a_line_that_begins_something():
    refused = ("psql: error: connection failed: Connection refused", "\tIs the server running?")
    assert Observation(exit_code=2, lines=refused).sentence == f"exit code 2: {refused[0]}"
    assert Observation(exit_code=2, lines=("\tall of it", "  is indented ")).sentence == "exit code 2: is indented"
    assert Observation(exit_code=2).sentence == "exit code 2"


def test_an_exit_code_is_told_once():
    assert Observation(exit_code=3, values={"rc": "3", "row.a": "9"}).paragraphs() == ["row.a = 9", "exit code 3"]
    assert Observation(exit_code=0, values={"rc": "0"}).paragraphs() == ["rc = 0"]


def test_what_is_good_has_no_sentence():
    assert Observation(exit_code=0, lines=("fine",)).sentence == ""
    assert Observation(lines=("fine",)).sentence == ""


def test_what_is_shown_in_a_sentence_and_whole():
    used = {when: {"row.used": value} for when, value in (("values", "92"), ("first", "95"), ("worst", "97"))}
    seen = Observation(exit_code=2, stream="stderr", lines=("no", "never"), cut={"stdout": 300_000}, **used)

    assert seen.in_words() == "row.used = 92 (first 95, worst 97)"
    assert seen.paragraphs() == [
        "row.used = 92 (first 95, worst 97)",
        "exit code 2",
        "stdout was cut: 300,000 bytes",
        "stderr: no",
        "stderr: never",
    ]


def test_the_worst_is_the_sample_that_is_farthest_from_being_good():
    samples = [
        [operand("used", value, "max"), operand("free", 100 - value, "min"), operand("name", "x")]
        for value in (70, 97, 80)
    ]

    assert worst_of(samples) == {"used": "97", "free": "3"}
    assert worst_of([[operand("used", "full", "max")], [operand("used", None, "max")]]) == {}


def test_values_are_json_and_what_is_missing_is_said_to_be():
    assert texts([operand("a", "x"), operand("b", [1, None]), {"name": "c", "missing": True}]) == {
        "a": '"x"',
        "b": "[1, null]",
        "c": "not there",
    }


TEXTS = st.dictionaries(st.text(), st.text(min_size=1), max_size=3)


@given(
    st.builds(
        Observation,
        exit_code=st.none() | st.integers(),
        status=st.none() | st.integers(),
        stream=st.sampled_from(["", "stderr"]),
        lines=st.lists(st.text()).map(tuple),
        cut=st.dictionaries(st.sampled_from(["stdout", "stderr"]), st.integers(1)),
        values=TEXTS,
        first=TEXTS,
        worst=TEXTS,
    )
)
def test_it_comes_back_from_an_event_as_it_went_in(seen):
    assert Observation.from_data(json.loads(json.dumps(seen.data()))) == seen


ANYTHING = st.recursive(
    st.none() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=15,
)


@given(
    st.dictionaries(
        st.sampled_from(["rc", "status", "stderr", "stdout", "exit_code", "lines", "values", "first"]), ANYTHING
    )
)
def test_whatever_is_given_it_is_an_observation(given_data):
    for seen in (Observation.of_result(given_data), Observation.from_data(given_data)):
        assert all("\n" not in line for line in Observation.of_result(given_data).lines)
        json.dumps(seen.data())
