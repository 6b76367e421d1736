"""The fast engine gives the same record as Ansible as it comes: events, evidence, values, outcomes, exit codes."""

from __future__ import annotations

import json
import os
import time

import pytest
from differential.cases import Case
from differential.engine_record import ENGINES, Ended, EngineRecord
from differential.hosts import PYTHON
from differential.plain_ansible import SourcesCase
from differential.services import Asked, service
from equivalence import place, plain_place
from harness.bench import Bench, module_python, step
from werkzeug import Response

from runner.core.process_stat import is_alive

HOSTS = ("a", "b")
URL, URI = "{{ service }}", "ansible.builtin.uri"
ASKED = os.environ.get("RUNBOOK_TEST_ENGINES", "")
SEEDS = ASKED.split(",") if ASKED else ["7"]
"""Which runbooks that are made at random are done by both engines."""
SOURCES = [(seed, 12) for seed in map(int, SEEDS)] if ASKED else [(114, 3)]
"""Which of those about variables, and of how many steps; this one has variables in most places, and most kinds of step."""
WORDS = ("step.intended", "action.finished")


def read(name, shell, **keys):
    asked = step(name, shell, **{"effect": "read", "on_failure": "continue", **keys})
    return {key: value for key, value in asked.items() if value}


STEPS = [
    read("words", "", command="printf '%s|' one 'two three' \"four\"", capture={"words": "stdout"}),
    read(
        "keeps",
        "echo {{ words | length }} {{ inventory_hostname }}",
        verify=[{"that": "stdout == '19 ' + inventory_hostname"}],
    ),
    read("fails", "echo out; echo err >&2; exit 7"),
    read("absent", "", command="no-such-program"),
    read("refused", "", command="/etc/passwd"),
    read("nowhere", "true", chdir="/no/such/directory"),
    read("environment", "echo $GIVEN", env={"GIVEN": "{{ 'a b' }} $HOME 'x'"}, capture={"given": "stdout"}),
    read("bytes", r"printf '\377\376 text'; printf '\377' >&2"),
    read("much", "yes | head -c 300000"),
    read("undefined", "", command="echo {{ words.nothing.there }}"),
    read("broken", "true", verify=[{"that": "words.nothing.there"}]),
    read("half", "test {{ inventory_hostname }} != b"),
    read(
        "until",
        "true",
        verify=[{"command": "test {{ inventory_hostname }} = a", "exit": 0, "within": "600ms", "every": "200ms"}],
    ),
    read(
        "holds",
        "true",
        verify=[{"command": "echo 5", "that": "stdout | int < 6", "hold_for": "600ms", "every": "200ms"}],
    ),
    read("slow", "sleep 5", timeout="500ms"),
    read("signalled", "kill -TERM $$"),
    read("input", "", command="cat", stdin="line one\nline two"),
    read("needed", "true", only_if="inventory_hostname == 'b'"),
    read("module", "", module={"ansible.builtin.stat": {"path": "/"}}, verify=[{"that": "result.stat.exists"}]),
    read("last", "echo $RUNBOOK_ATTEMPT | cut -d/ -f2"),
]


@pytest.mark.live
def test_both_engines_leave_the_same_record(tmp_path):
    # Given steps of all kinds on three hosts, many of which fail
    records, told, remarks = {}, {}, {}
    for engine in ENGINES:
        bench = Bench(tmp_path, {"RUNBOOK_ENGINE": engine}, elsewhere=tmp_path / engine)
        bench.hosts(**{name: {} for name in HOSTS})
        bench.write(*STEPS, max_failures=3)
        # When they are done by Ansible as it comes, and by the fast engine
        ran = bench.run(patience=300)
        records[engine] = EngineRecord.of([Ended("run", ran.code, ran.out, ran.err)], bench.state, place=tmp_path)
        remarks[engine] = ran.events[-1]["remarks"]
        told[engine] = [
            record["data"]["runbook"]["engine"]
            for record in bench.records()
            if record["type"] == "runbook.span.finished"
        ]
    # Then all that is recorded is the same, but who has done the tasks
    assert records["stock"].differences(records["fast"]) == []
    assert len(records["stock"].lines) > 10 * len(STEPS)
    assert told["stock"] == [{"name": "stock"}]
    assert [(each["name"], each["stock"]) for each in told["fast"]] == [("fast", {"ansible.builtin.stat": 2})]
    left = "engine: fast; 2 tasks as Ansible does them: 2 ansible.builtin.stat"
    assert remarks == {"stock": [], "fast": [left]}


def asks(path, *, name="", request=None, **keys):
    """A step that asks the service."""
    named, keys = name or path.strip("/").replace("/", "-"), {"verify": [{"that": "status < 600"}], **keys}
    return read(named, "", http={"url": f"{URL}{path}", **(request or {})}, **keys)


def asks_as_module(name, path="/ok", env=None, **arguments):
    """The same in the words of Ansible's module."""
    request = {URI: {"url": f"{URL}{path}", **arguments}}
    return read(name, "", module=request, env=env, verify=[{"that": "result.status == 200"}])


REQUESTS = [
    asks("/ok", capture={"state": "json.status"}, verify=[{"that": "json.n == 3"}]),
    asks("/status/503"),
    asks("/status/418", accept="any", verify=[{"that": "status == 418"}]),
    asks("/status/202", request={"method": "POST", "body": {"a": [1, "{{ state }}"]}}, effect="change"),
    asks("/status/200", request={"method": "PUT", "body": "a=b", "headers": {"X-A": "{{ state }}"}}, effect="change"),
    asks("/nothing", timeout="3s"),
    asks("/bytes"),
    asks("/much"),
    asks("/headers"),
    asks("/redirect", accept=[302]),
    asks("/zipped"),
    asks("/trickle", timeout="1s"),
    asks("/ok/{{ state.nothing.there }}", name="undefined"),
    asks_as_module("path", env={"PATH": "/nowhere"}),
    asks_as_module("proxied", env={"http_proxy": "http://127.0.0.1:9"}),
    asks_as_module("written", dest="{{ here }}/answer"),
    asks_as_module("form", body={"a": "{{ state }}"}, body_format="form-urlencoded", method="POST"),
    asks_as_module("follows", "/redirect"),
    asks_as_module("wrong", method="no method"),
    asks(
        "/comes/a",
        name="comes",
        accept="any",
        verify=[{"http": f"{URL}/comes/a", "within": "20s", "every": "100ms"}],
    ),
    read("refused", "true", verify=[{"http": "http://127.0.0.1:9/", "that": "status == -1"}]),
    read("resolved", "true", verify=[{"http": "http://nowhere.invalid/", "that": "status == -1"}]),
]


@pytest.mark.live
def test_a_service_is_asked_alike_and_nothing_stays_of_it(tmp_path):
    # Given requests that are answered well, badly, slowly and not at all
    records, told, left = {}, {}, {}
    for engine in ENGINES:
        with service(Asked()) as port:
            home = tmp_path / engine / "home"
            home.mkdir(parents=True)
            given = {"RUNBOOK_ENGINE": engine, "HOME": str(home), "TMPDIR": str(home)}
            bench = Bench(tmp_path, given, elsewhere=home.parent)
            bench.hosts(a={"service": f"http://127.0.0.1:{port}", "here": str(tmp_path)})
            bench.write(*REQUESTS, max_failures=3)
            # When they are done by Ansible as it comes, and by the fast engine
            ran = bench.run(patience=300)
            (tmp_path / "answer").unlink()
            ended = Ended("run", ran.code, ran.out.replace(str(port), "PORT"), ran.err)
            records[engine] = EngineRecord.of([ended], bench.state, place=tmp_path)
            left[engine] = sorted(path.relative_to(home) for path in home.rglob("*") if path.is_file())
            (told[engine],) = [
                record["data"]["runbook"]["engine"]
                for record in bench.records()
                if record["type"] == "runbook.span.finished"
            ]
    # Then all that is recorded is the same, but who has done the tasks
    assert records["stock"].differences(records["fast"]) == []
    assert len(records["stock"].lines) > 5 * len(REQUESTS)
    reasons = ["with PATH in the environment", *(f"{URI} with {what}" for what in ("dest", "another body_format"))]
    assert (told["stock"]["name"], told["fast"]["stock"]) == ("stock", dict.fromkeys(reasons, 1))
    assert left["fast"] == []  # where Ansible itself leaves what a request that it gave up still uses


@pytest.mark.live
def test_no_request_is_made_twice_where_a_later_one_of_the_same_task_goes_the_stock_way(tmp_path, httpserver):
    # Given a task that asks for something that it does not wait for, and then in another way than the engine knows
    httpserver.expect_request("/slow").respond_with_handler(lambda _: time.sleep(7) or Response("late"))
    httpserver.expect_request("/known").respond_with_data("well")
    items = [{"path": "/slow", "environment": {}}, {"path": "/known", "environment": {"PATH": "/usr/bin:/bin"}}]
    task = {
        "name": "Ask for each",
        URI: {"url": httpserver.url_for("") + "{{ item.path }}"},
        "environment": "{{ item.environment }}",
        "loop": items,
        "timeout": 6,  # a busy machine needs seconds to come to the first request
    }
    bench = Bench(tmp_path, {"RUNBOOK_ENGINE": "fast"})
    bench.hosts(a={})
    (tmp_path / "runbooks" / "tasks").mkdir(parents=True, exist_ok=True)
    (tmp_path / "runbooks" / "tasks" / "asks.yml").write_text(json.dumps([task]))
    bench.write(read("asks", "", tasks="tasks/asks.yml", effect="change", verify=[{"command": "true"}]))
    # When
    bench.run(patience=300)
    # Then each was made once
    assert sorted(request.path for request, _ in httpserver.log) == ["/known", "/slow"]


SAY_WHO_DOES_IT = """
at=$PPID
while [ "$at" -gt 1 ]; do
  ! grep -q os.fdopen "/proc/$at/cmdline" || found=$at
  at=$(sed 's/.*) //' "/proc/$at/stat" | cut -d ' ' -f 2)
done
echo "$found $(cd . && pwd) $RUNBOOK_RENDER"
"""
"""Says which Python on the host does this, where, and what the environment has for this part of the run."""


@pytest.mark.live
def test_a_host_keeps_its_python_over_all_parts_of_a_run_and_loses_it_at_the_end(tmp_path):
    # Given steps of which each waits for an approval, so that each is a part of the run
    bench = Bench(tmp_path, {"RUNBOOK_ENGINE": "fast"})
    bench.hosts(a={})
    names = ("one", "two", "three")
    bench.write(*(step(name, SAY_WHO_DOES_IT, approve="Shall I?", capture={name: "stdout"}) for name in names))
    # When
    ran = bench.run("--yes", patience=300)
    # Then one Python has done all of them, each as if it had been started for it, and is gone
    assert ran.code == 0, ran.out
    captured = [event["data"]["values"] for event in ran.events if event["type"] == "values.captured"]
    done = [value.split(" ") for values in captured for value in values.values()]
    (pid,) = {each[0] for each in done}
    assert {each[1] for each in done} == {done[0][1]}
    assert [name in each[2].split(",") for name, each in zip(names, done, strict=True)] == [True] * 3
    assert not is_alive(int(pid))


UNTIL_IT_HAS_LEARNED = """
for look in $(seq "$MOST"); do
  at=$PPID
  while [ "$at" -gt 1 ]; do
    ls -l "/proc/$at/fd" 2>/dev/null | grep -q 'memfd:module' && exit 0
    at=$(sed 's/.*) //' "/proc/$at/stat" | cut -d ' ' -f 2)
  done
  sleep 0.05
done
exit 1
"""
"""Waits for a Python, of which it was started, that has a module of Ansible's in memory."""


@pytest.mark.live
@pytest.mark.parametrize(("looks", "most", "code"), [(["http"], 400, 0), ([], 2, 1)])
def test_a_host_learns_how_a_service_is_looked_at_while_it_does_what_comes_before(
    tmp_path, httpserver, looks, most, code
):
    # Given a step that goes on until its host has learned that
    httpserver.expect_request("/").respond_with_data("well")
    verify = [{"exit": 0}, *({each: httpserver.url_for("/")} for each in looks)]
    bench = Bench(tmp_path, {"RUNBOOK_ENGINE": "fast"})
    bench.hosts(a={})
    bench.write(step("starts", UNTIL_IT_HAS_LEARNED, env={"MOST": str(most)}, verify=verify))
    # When
    ran = bench.run(patience=300)
    # Then it has where the service is looked at next
    assert ran.code == code, ran.out


@pytest.mark.live
@pytest.mark.parametrize("seed", [*map(int, SEEDS)])
def test_whatever_a_runbook_has_both_engines_leave_the_same_record(seed):
    with place(ssh=False, large=1_000_000, python=module_python(PYTHON)) as where:
        assert where.compare(Case.of(seed)) == []


@pytest.mark.live
@pytest.mark.parametrize(("seed", "most"), SOURCES)
def test_wherever_a_variable_comes_from_both_engines_do_on_a_host_what_plain_ansible_does(seed, most):
    with plain_place(ssh=False, python=module_python(PYTHON)) as where:
        assert where.compare(SourcesCase.of(seed, most=most)) == []


@pytest.mark.live
def test_no_more_hosts_are_worked_on_at_a_time_than_ansible_does(tmp_path):
    # Given more hosts than Ansible has forks for
    bench = Bench(tmp_path, {"RUNBOOK_ENGINE": "fast"})
    bench.hosts(**{f"host{number}": {} for number in range(53)})
    bench.write(read("look", "sleep 0.1"))
    # When
    ran = bench.run(patience=300)
    # Then the last one begins after the first one has ended
    told = [record["type"] for record in bench.records()]
    begins, ends = ([n for n, kind in enumerate(told) if kind == f"runbook.{word}"] for word in WORDS)
    assert (ran.code, len(begins), len(ends), begins[49] < ends[0] < begins[-1]) == (0, 53, 53, True)
