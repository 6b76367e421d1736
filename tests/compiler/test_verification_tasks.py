"""One verification becomes a probe that looks and an assert that judges."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import timedelta

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template
from harness.ansible_loader import plugin_loader

from runner.compiler.verification_tasks import checks, task
from runner.core.identifiers import Marker
from runner.kinds.ansible_yaml import Task
from runner.kinds.invocation import Invocation, bounded
from runner.kinds.values import is_number
from runner.kinds.verifications.command_probe import CommandProbe
from runner.kinds.verifications.exit_code import Exit
from runner.kinds.verifications.hold_for import HoldFor
from runner.kinds.verifications.http_probe import HttpProbe
from runner.kinds.verifications.matches import Matches
from runner.kinds.verifications.that import That
from runner.kinds.verifications.value_trend import Trend
from runner.model.verification import Verification

SECOND = timedelta(seconds=1)
CLOCK = (
    "((lookup('ansible.builtin.file', '/proc/uptime', errors='ignore') or now(utc=true).timestamp() | string)"
    ".split()[0] | float)"
)
MARKER = Marker("RUN-001", "a", "verify/1")
CALL = bounded(["ls"], timeout=SECOND)
NAME, PROBE_NAME = "RUN-001/a/verify/1 | Fine", "RUN-001/a/verify/1/probe | Fine"
LOOK = {"register": "probe", "changed_when": False, "failed_when": False}
ASK = {"timeout": 15, **LOOK}
"""A request is ended some seconds after its own limit, which is for each piece of the answer."""
REQUEST = {"url": "http://a/", "method": "GET", "return_content": True, "follow_redirects": "none", "timeout": 10}


def tasks_of(*kinds, call=CALL, **keys):
    return list(checks(MARKER, Verification(says="Fine", kinds=kinds, **keys), call, "stdout"))


def judged(that, **names):
    return Task(NAME, "ansible.builtin.assert", {"that": that, "quiet": True}, {"vars": names} if names else {})


def test_the_steps_own_result_is_judged_by_the_names_it_is_spoken_of():
    assert tasks_of(Matches(matches="a"), Exit(exit=0)) == [
        judged(
            ["stdout is search('a', multiline=true)", "rc in [0]"],
            rc="{{ result.rc }}",
            stdout="{{ result.whole_lines | default(result.stdout) }}",
        )
    ]


CUT = "not (result.output.{}.truncated | default(false))"


@pytest.mark.parametrize(
    ("condition", "streams"),
    [
        ("'a' in stdout", ["stdout"]),
        ("json.a == 1", ["stdout"]),
        ("'a' not in stderr or stdout == ''", ["stdout", "stderr"]),
        ("result.stdout_lines | length < 3", ["stdout"]),
        ("result['stderr'] == ''", ["stderr"]),
        ("result | length > 3", ["stdout", "stderr"]),
        ("rc == 0 and result.changed", []),
    ],
)
def test_what_was_cut_satisfies_no_condition_that_reads_it(condition, streams):
    (assertion,) = tasks_of(That(that=condition))
    assert assertion.args["that"] == [*map(CUT.format, streams), condition]


@pytest.mark.parametrize("pattern", [r"a\sb", "[^a]", "(?!a)b", r"\Aa", "(?s)a.b", r"a\nb"])
def test_a_match_that_may_be_longer_than_a_line_needs_the_whole_text(pattern):
    (assertion,) = tasks_of(Matches(matches=pattern))
    assert assertion.args["that"][0] == CUT.format("stdout")


def test_what_a_condition_does_not_name_is_not_bound():
    assert tasks_of(That(that="result.changed and word == 'x'")) == [judged(["result.changed and word == 'x'"])]
    assert tasks_of(That(that="word == 'x'"), call=None) == [judged(["word == 'x'"])]


def test_a_probe_never_fails_and_the_assert_wants_an_answer_first():
    status = {"status": "{{ probe.status | default(-1) }}"}
    assert tasks_of(HttpProbe(http="http://a/")) == [
        Task(PROBE_NAME, "ansible.builtin.uri", REQUEST, ASK),
        judged(["probe.status | default(-1) >= 100", "status == 200"], **status),
    ]


def test_a_probe_may_ask_by_a_name_of_the_steps_result_that_its_own_does_not_have():
    call = replace(CALL, names={**CALL.names, "status": "REGISTER.status", "build": "REGISTER.json.id"})
    asked, _ = tasks_of(HttpProbe(http="http://a/{{ build }}/{{ status }}/{{ other }}"), call=call)
    assert asked.keywords["vars"] == {"build": "{{ result.json.id }}"}


def test_where_the_exit_code_is_judged_any_answer_will_do():
    argv = ["timeout", "--kill-after=5s", "10s", "ls"]
    assert tasks_of(CommandProbe(command="ls"), Exit(exit=2)) == [
        Task(PROBE_NAME, "ansible.builtin.command", {"argv": argv, "expand_argument_vars": False}, LOOK),
        judged(["rc in [2]"], rc="{{ probe.rc }}"),
    ]


@pytest.mark.parametrize("path", ["/proc/uptime", "/nowhere/uptime"])
def test_time_is_told_by_a_clock_that_nobody_sets_where_there_is_one(path):
    plugin_loader()
    templar = Templar(loader=DataLoader(), variables={})
    template = trust_as_template(f"{{{{ {CLOCK.replace('/proc/uptime', path)} }}}}")

    before, seen, after = clock_of(path), templar.template(template), clock_of(path)

    assert before - 0.02 <= seen <= after + 0.02


def clock_of(path):
    return time.clock_gettime(time.CLOCK_BOOTTIME) if path.startswith("/proc") else time.time()


@pytest.mark.parametrize(("every", "delay", "retries"), [(None, 1, 121), (0.25, "{{ 0.25 }}", 481), (2, 2, 61)])
def test_within_asks_again_until_it_holds_or_the_time_is_over(every, delay, retries):
    keys = {"within": 120 * SECOND} | ({"every": every * SECOND} if every else {})
    probe, assertion = tasks_of(HttpProbe(http="http://a/"), That(that="json.ready"), **keys)
    assert probe == Task(
        PROBE_NAME,
        "ansible.builtin.uri",
        REQUEST,
        {
            **ASK,
            "loop": [f"{{{{ {CLOCK} + 120 }}}}"],
            "loop_control": {"loop_var": "deadline", "label": "within 2m"},
            "until": f"(holds | default(false)) is true or {CLOCK} >= deadline",
            "retries": retries,
            "delay": delay,
            "vars": {
                "json": "{{ probe.json | to_json(allow_nan=false) | from_json }}",
                "holds": "{{ (probe.status | default(-1) >= 100) and (json.ready) }}",
            },
        },
    )
    assert assertion == judged(
        ["(probe.results | last).status | default(-1) >= 100", "json.ready"],
        json="{{ (probe.results | last).json | to_json(allow_nan=false) | from_json }}",
    )


def test_an_input_says_for_how_long_it_is_asked_again():
    probe, _ = tasks_of(HttpProbe(http="http://a/"), That(that="json.ready"), within="{{ patience }}")

    assert (probe.keywords["loop"], probe.keywords["retries"], probe.keywords["loop_control"]["label"]) == (
        [f"{{{{ {CLOCK} + patience_seconds }}}}"],
        "{{ (patience_seconds / 1) | round(0, 'ceil') | int + 1 }}",
        "within {{ patience }}",
    )


@pytest.mark.parametrize(
    ("hold_for", "every", "samples", "pause"),
    [
        ("5s", None, 6, 1),
        ("5s", 0.5, 11, 0.5),
        ("{{ watch }}", 2, "(watch_seconds / 2) | round(0, 'ceil') | int + 1", 2),
    ],
)
def test_hold_for_takes_every_sample_and_stops_at_the_first_bad_one(hold_for, every, samples, pause):
    keys = {"every": every * SECOND} if every else {}
    probe, assertion = tasks_of(HttpProbe(http="http://a/"), HoldFor(hold_for=hold_for), **keys)
    assert probe == Task(
        PROBE_NAME,
        "ansible.builtin.uri",
        REQUEST,
        {
            **ASK,
            "loop": f"{{{{ range({samples}) | list }}}}",
            "loop_control": {
                "loop_var": "sample",
                "pause": pause,
                "break_when": "(holds | default(false)) is not true",
            },
            "vars": {
                "status": "{{ probe.status | default(-1) }}",
                "holds": "{{ (probe.status | default(-1) >= 100) and (status == 200) }}",
            },
        },
    )
    assert assertion == judged(
        ["(probe.results | last).status | default(-1) >= 100", "status == 200", f"probe.results | length == {samples}"],
        status="{{ (probe.results | last).status | default(-1) }}",
    )


def test_a_call_brings_its_environment_and_its_limit():
    call = Invocation("m", {"a": 1}, environment={"A": "b"}, task_timeout=1.5 * SECOND)
    assert task(MARKER, "Fine", call, {"register": "result"}) == Task(
        NAME, "m", {"a": 1}, {"environment": {"A": "b"}, "timeout": 2, "register": "result"}
    )


def test_a_trend_looks_once_before_it_asks_again_and_keeps_what_that_has_found():
    trend = Trend(trend={"that": "json.used", "falls": None, "within": "2m"})

    first, kept, probe, assertion = tasks_of(HttpProbe(http="http://a/"), trend)

    json, now = {"json": "{{ probe.json | to_json(allow_nan=false) | from_json }}"}, {"trend_now": "{{ json.used }}"}
    assert (first.name, first.args) == (f"{PROBE_NAME} (first)", REQUEST)
    assert (first.keywords["register"], first.keywords["failed_when"]) == (
        "probe",
        "(holds | default(false)) is not true",
    )
    answered, number = "probe.status | default(-1) >= 100", is_number("trend_now")
    good = f"{{{{ ({answered}) and ({number}) }}}}"
    assert first.keywords["vars"] == {**json, **now, "holds": good}
    assert (kept.args, kept.keywords) == ({"trend_first": "{{ trend_now }}"}, {"vars": {**json, **now}})
    holds = f"{{{{ ({answered}) and ({number}) and (trend_now < trend_first) }}}}"
    assert probe.keywords["vars"]["holds"] == holds
    assert assertion.args["that"][-1] == "trend_now < trend_first"


@pytest.mark.parametrize(
    ("that", "may_be_silent"),
    [
        ("status in [-1, 502]", True),
        ("status == -1 or status >= 500", True),
        ("status != 200", False),
        ("json.total > -1", False),
        ("status > 500-1", False),
    ],
)
def test_that_nobody_answers_is_good_only_where_the_condition_says_so(that, may_be_silent):
    *_, judge = tasks_of(HttpProbe(http="http://a/"), That(that=(that,)))

    assert ("probe.status | default(-1) >= 100" not in judge.args["that"]) is may_be_silent
