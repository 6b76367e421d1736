"""What the callback plugin says becomes events; only a marker of this runbook ties a task to a step."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.core.errors import ExecutionError
from runner.core.events import Event, EventType, Outcome
from runner.core.observation import Observation
from runner.orchestrator.event_translator import Translator

RUN = "20260101T000000Z-0123abcd"


UNSET = (
    "Finalization of task args for 'ansible.builtin.set_fact' failed: "
    "Error while resolving value for 'runbook_needs_a': 'used' is undefined"
)
NOBODY = "Status code was -1 and not [200, 201]: "
UNREADABLE = "Module result deserialization failed: No start of json char found"
SHIM = "pyenv: python3.9: command not found\n\nThe `python3.9' command exists in these Python versions:\n  3.9.1\n"
TRACEBACK = "Traceback (most recent call last):\n  File x\nModuleNotFoundError: No module named 'zipfile'\n"


@pytest.fixture
def translator():
    return Translator(RUN, "RUN-001")


def message(kind, part, *, step="a", runbook="RUN-001", host="one", **result):
    return {"kind": kind, "host": host, "task": f"{runbook}/{step}/{part} | Fine", "result": result}


def events(translator, *messages):
    return [event for each in messages for event in translator.events(each)]


def action(outcome, **data):
    return Event(EventType.ACTION_FINISHED, RUN, "a", "one", {"part": "action", "outcome": outcome, **data})


def verified(outcome, part="verify/1", **data):
    return Event(EventType.VERIFICATION_FINISHED, RUN, "a", "one", {"part": part, "outcome": outcome, **data})


def test_a_step_is_intended_when_its_action_starts_and_only_then(translator):
    started = [
        {**message("start", part), "result": None} for part in ("action", "capture", "verify/1", "guard", "gate")
    ]
    assert events(translator, *started) == [Event(EventType.STEP_INTENDED, RUN, "a", "one")]


@pytest.mark.parametrize(
    ("kind", "result", "outcome", "reason"),
    [
        ("ok", {"rc": 0, "stdout": "fine"}, Outcome.PASSED, None),
        (
            "failed",
            {"rc": 1, "msg": "non-zero return code", "stderr": "a\nno room\n"},
            Outcome.FAILED,
            "exit code 1: no room",
        ),
        ("failed", {"rc": 124, "msg": "non-zero return code"}, Outcome.FAILED, "exit code 124"),
        (
            "failed",
            {
                "msg": "Task failed: Finalization of task args for 'ansible.builtin.set_fact' failed: Error: 'x' is undefined"
            },
            Outcome.FAILED,
            "Error: 'x' is undefined",
        ),
        ("failed", {"rc": -9, "msg": "non-zero return code"}, Outcome.UNKNOWN, "killed by signal 9"),
        ("ok", {"rc": -15, "msg": "non-zero return code"}, Outcome.UNKNOWN, "killed by signal 15"),
        ("failed", {"msg": "first\nsecond"}, Outcome.FAILED, "first"),
        ("failed", {"rc": -9, "msg": "MODULE FAILURE", "module_stdout": ""}, Outcome.UNKNOWN, "MODULE FAILURE"),
        ("ok", {"rc": 137, "msg": "MODULE FAILURE", "module_stdout": ""}, Outcome.UNKNOWN, "MODULE FAILURE"),
        ("failed", {"rc": 127, "msg": "no Python", "module_stdout": ""}, Outcome.FAILED, "no Python"),
        (
            "failed",
            {"rc": 127, "msg": UNREADABLE, "module_stdout": "", "module_stderr": SHIM},
            Outcome.FAILED,
            f"{UNREADABLE}: pyenv: python3.9: command not found",
        ),
        (
            "failed",
            {"rc": 1, "msg": UNREADABLE, "module_stdout": "", "module_stderr": TRACEBACK},
            Outcome.UNKNOWN,
            f"{UNREADABLE}: ModuleNotFoundError: No module named 'zipfile'",
        ),
        (
            "failed",
            {"msg": "Task failed: Error while evaluating conditional: 'row' has no attribute 'a'"},
            Outcome.FAILED,
            "'row' has no attribute 'a'",
        ),
        (
            "failed",
            {"msg": f"{NOBODY}Request failed: <urlopen error [Errno 111] Connection refused>"},
            Outcome.FAILED,
            "no answer: Connection refused",
        ),
        ("failed", {"msg": f"{NOBODY}Connection failure: timed out"}, Outcome.FAILED, "no answer: timed out"),
        ("failed", {"msg": "Timed out after 60 second(s)."}, Outcome.FAILED, "timed out after 60s"),
        ("failed", {"msg": "OK (9 bytes)"}, Outcome.FAILED, "the answer is something else than it should be (9 bytes)"),
        ("failed", {"msg": "  \n "}, Outcome.FAILED, "failed"),
        ("failed", {"msg": 5, "stderr": 6}, Outcome.FAILED, "5: 6"),
        ("failed", {}, Outcome.FAILED, "failed"),
        ("unreachable", {"msg": "No route to host"}, Outcome.UNREACHABLE, "No route to host"),
        ("skipped", {"skip_reason": "Conditional result was False"}, Outcome.SKIPPED, "Conditional result was False"),
    ],
)
def test_how_an_action_ended_and_why(translator, kind, result, outcome, reason):
    seen = Observation.of_result(result).data() if reason else {}
    because = {"reason": reason, **({"seen": seen} if seen else {})} if reason else {}
    assert events(translator, message(kind, "action", **result)) == [action(outcome, **because, result=result)]


def test_what_was_captured_are_the_facts_that_were_set(translator):
    captured = message("ok", "capture", ansible_facts={"stuck": [1, 2]}, changed=False)
    assert events(translator, captured) == [
        Event(EventType.VALUES_CAPTURED, RUN, "a", "one", {"values": {"stuck": [1, 2]}})
    ]


def test_what_could_not_be_captured_ends_the_step(translator):
    (event,) = events(translator, message("failed", "capture", msg="row has no attribute a"))
    assert event.type is EventType.ACTION_FINISHED
    assert event.data == {
        "part": "capture",
        "outcome": Outcome.FAILED,
        "reason": "row has no attribute a",
        "result": {"msg": "row has no attribute a"},
    }


def test_a_verification_is_told_with_what_its_probe_saw(translator):
    seen = {"rc": 0, "stdout": "up"}
    assert events(translator, message("ok", "verify/1/probe", **seen), message("ok", "verify/1", msg="All")) == [
        verified(Outcome.PASSED, result=seen)
    ]


def test_a_verification_of_the_steps_own_result_has_nothing_else_to_show(translator):
    assert events(translator, message("ok", "verify/2")) == [verified(Outcome.PASSED, "verify/2")]
    assert events(translator, message("failed", "verify/2", assertion="rc in [0]", evaluated_to=False)) == [
        verified(Outcome.FAILED, "verify/2", reason="rc in [0] is not true")
    ]


def failed(assertion, **values):
    """A verification that does not hold, with the values that the plugin has seen in its condition."""
    observed = [{"name": name, "value": value} for name, value in values.items()]
    return {**message("failed", "verify/1", assertion=assertion, msg="Assertion failed"), "observed": [observed]}


def test_a_condition_that_does_not_hold_shows_its_values(translator):
    (event,) = events(translator, failed("used >= 0.9 * size", used=2, size=100))
    assert event == verified(
        Outcome.FAILED,
        reason="used >= 0.9 * size is not true: used = 2, size = 100",
        seen={"values": {"used": "2", "size": "100"}},
    )


def test_a_probe_that_says_why_is_told_in_its_own_words(translator):
    seen = [{"name": "problem", "value": 'no data: "up" gives nothing'}]
    looked = message("ok", "verify/1/probe", rc=0, stdout="{}")
    judged = message("failed", "verify/1", assertion="problem == ''") | {"observed": [seen]}

    (event,) = events(translator, looked, judged)

    assert event.data["reason"] == 'no data: "up" gives nothing'


def test_where_a_probe_is_made_is_not_where_the_step_is_done(translator):
    elsewhere = message("ok", "verify/1/probe", rc=0) | {"on": "localhost"}
    judged = message("ok", "verify/1"), message("ok", "verify/2/probe", rc=0), message("ok", "verify/2")

    found = [event.data.get("on") for event in events(translator, elsewhere, *judged)]

    assert found == ["localhost", None]


def test_an_exit_code_that_is_not_as_it_must_be_is_told_with_what_the_action_complained_of(translator):
    answer = {"rc": 42, "stderr": "a\nb\nc\nd\ne\ndisk full on /var\n"}
    *_, event = events(translator, message("ok", "action", **answer), failed("rc in [0]", rc=42))
    lines = ["b", "c", "d", "e", "disk full on /var"]
    seen = {"exit_code": 42, "stream": "stderr", "lines": lines, "values": {"rc": "42"}}
    assert event == verified(Outcome.FAILED, reason="exit code 42: disk full on /var", seen=seen)


@pytest.mark.parametrize(
    ("text", "words", "lines"),
    [
        ("a\nb\nc\nd\ne\nstarting\n", "it ends with b ⏎ c ⏎ d ⏎ e ⏎ starting", ["b", "c", "d", "e", "starting"]),
        ("", "it is empty", None),
        ("x" * 400, f"it ends with {'x' * 80}... (400 characters)", ["x" * 300 + "... (400 characters)"]),
    ],
)
def test_a_text_without_a_match_shows_its_last_lines_and_the_pattern(translator, text, words, lines):
    asked = failed(r"stdout is search('it\x27s {2\x7d}b|ready', multiline=true)", stdout=text)

    (event,) = events(translator, asked)

    assert event.data["reason"] == f'stdout does not match "it\'s {{2}}}}b|ready": {words}'
    assert event.data["seen"] == ({"stream": "stdout"} | ({"lines": lines} if lines else {}))


LATE = {"rc": 124, "cmd": ["timeout", "--kill-after=5s", "30s", "sleep", "99"]}


@pytest.mark.parametrize(
    ("late", "limit"),
    [
        ([message("failed", "action", **LATE)], "the `timeout` of the step"),
        ([message("ok", "verify/1/probe", **LATE), failed("probe.rc == 0")], "the limit of one look of a verification"),
    ],
)
def test_what_was_ended_by_its_time_limit_names_the_limit_and_where_it_is_set(translator, late, limit):
    *_, event = events(translator, *late)

    assert event.data["reason"].startswith(f"timed out on the host after 30s, {limit}")


@pytest.mark.parametrize(
    ("delta", "reason"),
    [
        ("0:00:29.999999", "exit code 124: gave up"),
        ("0:00:30.000001", "timed out on the host after 30s, the `timeout` of the step"),
        ("1 day, 0:00:00", "timed out on the host after 30s, the `timeout` of the step"),
    ],
)
def test_a_command_that_ends_as_timeout_does_before_its_time_has_passed_was_not_ended_by_it(translator, delta, reason):
    *_, event = events(translator, message("failed", "action", **LATE, delta=delta, stderr="gave up"))

    assert event.data["reason"] == reason


def test_a_text_of_an_output_that_was_cut_is_not_called_empty(translator):
    output = {"stdout": {"bytes": 300_000, "truncated": True}}
    asked = failed("stdout is search('x')", stdout="")

    *_, event = events(translator, message("ok", "verify/1/probe", rc=0, stdout="yy", output=output), asked)

    assert event.data["reason"] == (
        "stdout does not match 'x': stdout was cut (300,000 bytes), so that nothing can be said of all of it; "
        "print less, or let the command itself judge"
    )


def test_a_long_value_is_cut_with_its_length(translator):
    (event,) = events(translator, failed("'ready' in stdout", stdout="x" * 5000))
    assert event.data["reason"] == f"'ready' in stdout is not true: stdout = \"{'x' * 79}... (5,002 characters)"
    assert event.data["seen"]["values"] == {"stdout": f'"{"x" * 999}... (5,002 characters)'}


def test_samples_become_the_trend(translator):
    # Given a probe that was asked three times, in a loop of one item
    samples = [{"stdout": f"[{number}]", "rc": 0} for number in (97, 80, 60)]
    asked = [message("retry", "verify/1/probe", **sample) for sample in samples[:2]]
    asked.append(message("ok", "verify/1/probe", results=samples[2:], samples=1))
    # When it is judged
    told = events(translator, *asked, message("ok", "verify/1"))
    # Then each sample is in the trend, and the last is what was seen
    assert told == [verified(Outcome.PASSED, trend=["[97]", "[80]", "[60]"], result=samples[2])]


def test_a_sample_that_is_all_that_was_kept_of_many_is_no_trend(translator):
    held = message("ok", "verify/1/probe", results=[{"stdout": "4", "rc": 0}], samples=7)
    assert events(translator, held, message("ok", "verify/1")) == [
        verified(Outcome.PASSED, result={"stdout": "4", "rc": 0})
    ]


def test_a_trend_has_an_end_and_its_samples_too(translator):
    asked = [message("retry", "verify/1/probe", stdout=f"{number} {'x' * 500}") for number in range(100)]
    (event,) = events(translator, *asked, message("failed", "verify/1", assertion="row.a < 7"))
    assert len(event.data["trend"]) == 60
    assert event.data["trend"][-1] == ("99 " + "x" * 500)[:200]
    assert event.data["reason"] == "row.a < 7 is not true after 100 samples"


@pytest.mark.parametrize(
    ("sample", "shown"),
    [({"status": 503}, "503"), ({"msg": "refused"}, "refused"), ({}, ""), ({"stdout": ["a"]}, "['a']")],
)
def test_a_sample_is_shown_by_what_it_has(translator, sample, shown):
    asked = [message("retry", "verify/1/probe", **sample)] * 2
    (event,) = events(translator, *asked, message("ok", "verify/1"))
    assert event.data["trend"] == [shown, shown]


@pytest.mark.parametrize(
    ("kind", "outcome"),
    [("failed", Outcome.FAILED), ("unreachable", Outcome.UNREACHABLE), ("skipped", Outcome.SKIPPED)],
)
def test_a_probe_that_could_not_be_made_is_the_end_of_its_verification(translator, kind, outcome):
    broken = {"msg": "no such variable"}
    assert events(translator, message(kind, "verify/1/probe", **broken)) == [
        verified(outcome, reason="no such variable", result=broken)
    ]


def test_each_hosts_samples_are_its_own(translator):
    asked = [message("retry", "verify/1/probe", host=host, stdout=host) for host in ("one", "two", "one")]
    told = events(translator, *asked, *(message("ok", "verify/1", host=host) for host in ("one", "two")))
    assert [(event.host, event.data.get("trend")) for event in told] == [("one", ["one", "one"]), ("two", None)]


def test_samples_of_one_verification_are_not_those_of_the_next(translator):
    first = [message("retry", "verify/1/probe", stdout="a")] * 2
    assert events(translator, *first, message("ok", "verify/1"))[0].data["trend"] == ["a", "a"]
    assert events(translator, message("ok", "verify/1")) == [verified(Outcome.PASSED)]


@pytest.mark.parametrize("part", ["gate", "guard", "rescue"])
@pytest.mark.parametrize("kind", ["start", "ok", "failed", "skipped", "unreachable"])
def test_what_belongs_to_no_part_of_a_step_means_nothing(translator, part, kind):
    assert events(translator, message(kind, part)) == []


@pytest.mark.parametrize(
    "forged",
    [
        message("ok", "action", runbook="RUN-002"),
        {"kind": "ok", "host": "one", "task": "Gathering Facts", "result": {}},
        {"kind": "ok", "host": "one", "task": "x RUN-001/a/action | Fine", "result": {}},
        {"kind": "ok", "host": "one", "task": "x\nRUN-001/a/action | Fine", "result": {}},
        {"kind": "ok", "host": "one", "task": "RUN-001/a/verify/1/probe/2 | Fine", "result": {}},
        {"kind": "ok", "host": "one", "result": {}},
        {"kind": "end"},
        message("other", "action"),
    ],
)
def test_a_foreign_or_forged_name_means_nothing(translator, forged):
    assert events(translator, forged) == []


@given(st.text())
def test_no_name_but_a_marker_means_anything(name):
    forged = {"kind": "ok", "host": "one", "task": name, "result": {}}
    assert list(Translator(RUN, "RUN-001").events(forged)) == []


@given(
    st.dictionaries(
        st.sampled_from(["msg", "rc", "stderr", "stdout", "results", "assertion", "ansible_facts"]),
        st.none() | st.integers() | st.text() | st.lists(st.integers() | st.dictionaries(st.text(), st.text())),
    )
)
def test_whatever_a_host_answers_is_translated(result):
    translator = Translator(RUN, "RUN-001")
    for kind in ("retry", "ok", "failed", "unreachable"):
        for part in ("verify/1/probe", "verify/1", "action"):
            for event in translator.events(message(kind, part, **result)):
                assert "\n" not in event.data.get("reason", "")


def test_an_attempt_that_may_be_followed_by_another_proves_nothing_when_it_fails(translator):
    # Given one that fails, and a second that succeeds
    tried = [
        {**message("start", "attempt/1"), "result": None},
        message("failed", "attempt/1", rc=3, msg="non-zero return code"),
        message("ok", "retry/1"),
        {**message("start", "action"), "result": None},
        message("ok", "action", rc=0),
    ]
    # Then only the second is the action
    intended = Event(EventType.STEP_INTENDED, RUN, "a", "one")
    failed = {"part": "attempt/1", "outcome": "failed", "reason": "exit code 3", "seen": {"exit_code": 3}}
    assert events(translator, *tried) == [
        intended,
        Event(EventType.ATTEMPT_FINISHED, RUN, "a", "one", {**failed, "result": tried[1]["result"]}),
        intended,
        action("passed", result={"rc": 0}),
    ]


def test_an_attempt_that_succeeds_is_the_action_and_one_that_is_not_worth_another_has_failed(translator):
    assert events(translator, message("ok", "attempt/1", rc=0)) == [action("passed", result={"rc": 0})]
    lost = {"msg": "no route to host"}
    assert events(translator, message("unreachable", "attempt/1", **lost)) == [
        action("unreachable", reason="no route to host", result=lost)
    ]
    judged = {"assertion": "result.rc in [3]", "msg": "Assertion failed"}
    assert events(translator, message("failed", "retry/1", **judged)) == [
        action("failed", reason="result.rc in [3] is not true", result=judged)
    ]


def test_an_attempt_that_is_not_worth_another_says_why_the_step_has_failed(translator):
    tried = [message("failed", "attempt/1", rc=5, msg="non-zero return code", stderr="no such table")]
    judged = {"assertion": "result.rc in [3]", "msg": "Assertion failed"}

    *_, last = events(translator, *tried, message("failed", "retry/1", **judged))

    seen = {"exit_code": 5, "stream": "stderr", "lines": ["no such table"]}
    assert last == action("failed", reason="exit code 5: no such table", seen=seen, result=judged)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
KEYS = st.sampled_from(
    [
        "rc",
        "samples",
        "results",
        "msg",
        "stdout",
        "stderr",
        "status",
        "content",
        "assertion",
        "module_stdout",
        "skip_reason",
        "ansible_facts",
    ]
)
PARTS = st.sampled_from(["action", "capture", "attempt/1", "retry/1", "verify/1", "verify/1/probe", "gate", "rescue"])


@given(
    told=st.lists(
        st.tuples(
            st.sampled_from(["start", "retry", "ok", "failed", "unreachable", "skipped"]),
            PARTS,
            ANYTHING | st.dictionaries(KEYS, ANYTHING, max_size=6),
        ),
        max_size=6,
    )
)
def test_whatever_a_host_answers_is_an_event_or_nothing(told):
    translator = Translator(RUN, "RUN-001")

    made = events(translator, *({**message(kind, part), "result": result} for kind, part, result in told))

    assert all(isinstance(event.data.get("reason", ""), str) for event in made)
    assert json.dumps([event.data for event in made])


def test_a_module_that_died_with_a_return_code_that_is_none_is_one_of_which_nobody_knows_what_it_did(translator):
    (event,) = events(translator, message("failed", "action", module_stdout="x", rc=[1]))

    assert (event.data["outcome"], event.data["result"]["rc_as_answered"]) == (Outcome.UNKNOWN, [1])


def test_what_would_be_something_else_to_a_later_step_is_not_captured(translator):
    events(translator, message("ok", "action", rc=0, stdout="x", output={"stdout": {"truncated": False}}))
    captured = message("ok", "capture", ansible_facts={"cap": "2026-01-01"}, altered={"cap": "a date"})

    with pytest.raises(ExecutionError, match="what is captured as cap is a date: only what JSON has stays what it is"):
        list(translator.events(captured))


@pytest.mark.parametrize(
    ("stdout", "facts", "reason"),
    [
        ("fine", {"cap": "a", "rows": [{"x": 1}]}, ""),
        ("a\\xffb", {"cap": "a\\xffb"}, ""),
        ("x", {"cap": "a\0b"}, "what is captured as cap holds a NUL character, which no program can be given"),
        ("x", {"cap": "a", "rows": [{"x": ["\ud800"]}]}, "what is captured as rows is not text in UTF-8"),
        (
            "x",
            {"cap": [float("nan")]},
            "what is captured as cap holds Infinity or NaN, which no program can be given as a number",
        ),
        ("x", {"rows": {"a\0": 1}}, "what is captured as rows holds a NUL character, which no program can be given"),
        (
            b"a\xffb",
            {"code": 0, "cap": ["a\\xffb"]},
            "what is captured as cap is not text in UTF-8: bytes of it stand as escapes in the output",
        ),
        (b"a\xffb", {"cap": "b"}, ""),
    ],
)
def test_what_no_later_step_can_be_given_is_not_captured_and_its_step_has_failed(translator, stdout, facts, reason):
    printed = {"escaped": True} if isinstance(stdout, bytes) else {}
    events(translator, message("ok", "action", rc=0, stdout="x", output={"stdout": {"truncated": False, **printed}}))
    seen, refused = [], ""
    try:
        seen.extend(translator.events(message("ok", "capture", ansible_facts=facts)))
    except ExecutionError as error:
        refused = error.message

    failed = {"part": "capture", "outcome": Outcome.FAILED, "reason": reason, "result": {}}
    kind = EventType.ACTION_FINISHED if reason else EventType.VALUES_CAPTURED
    assert seen == [Event(kind, RUN, "a", "one", failed if reason else {"values": facts})]
    assert refused == (f"a on one: {reason}" if reason else "")


def decided(kind, fact=None, *, used=None, **result):
    facts = {} if fact is None else {"ansible_facts": {"runbook_needs_a": fact}}
    told = {**message(kind, "only_if", **facts, **result), "task": "RUN-001/a/only_if | Only if used > 90"}
    return told | ({} if used is None else {"observed": [[{"name": "used", "value": used}]]})


@pytest.mark.parametrize(
    ("told", "outcome", "reason"),
    [
        (decided("ok", fact=True, used=95), Outcome.PASSED, "used = 95"),
        (decided("ok", fact=False, used=42), Outcome.NOT_NEEDED, "used > 90 is not true: used = 42"),
        (decided("failed", "no", used="x"), Outcome.FAILED, 'used > 90 is neither true nor false: used = "x"'),
        (
            decided("failed", msg=f"Task failed: {UNSET}"),
            Outcome.FAILED,
            "used > 90 cannot be evaluated: 'used' is undefined",
        ),
        (decided("ok", 0, used=0), Outcome.FAILED, "used > 90 is neither true nor false: used = 0"),
        (decided("ok"), Outcome.FAILED, "used > 90 cannot be evaluated: passed"),
    ],
)
def test_whether_a_step_is_needed_is_what_the_decision_says_with_the_values_that_it_saw(
    translator, told, outcome, reason
):
    (event,) = events(translator, told)
    assert event.type is EventType.STEP_DECIDED
    assert (event.data["outcome"], event.data["reason"], event.data["says"]) == (outcome, reason, "Only if used > 90")
    assert ("values" in event.data) is (outcome in {Outcome.PASSED, Outcome.NOT_NEEDED})


def test_a_step_that_is_not_needed_is_not_begun_whatever_ansible_tells_of_it(translator):
    told = events(translator, decided("ok", fact=False), message("start", "action"), message("skipped", "action"))
    assert [event.type for event in told] == [EventType.STEP_DECIDED]


def test_what_was_decided_before_is_not_told_again(translator):
    assert events(translator, decided("skipped", skip_reason="Conditional result was False")) == []
