"""Another runbook takes over where a step did not pass."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest
from harness.engine import FAILED, NOBODY, change
from harness.fake_run import FakeContact
from harness.fakes import RUN_ID, RUNBOOK, runbook_file

from runner.compiler.committed_playbook import compiled
from runner.core.errors import ExitCode, InvalidInputError
from runner.core.events import EventType
from runner.library.library import Library
from runner.render.history.run_history import history
from runner.store.log.log_reader import read

OTHER = RUN_ID[:-1] + "x"


@pytest.fixture
def other(engine):
    """The runbook that takes over."""

    def write(**changes):
        runbook_file(engine.directory, RUNBOOK, id="RUN-002", title="Take over", **{"escalation": NOBODY, **changes})
        library = Library(engine.directory)
        source = library.source("RUN-002")
        library.playbook(source).parent.mkdir(exist_ok=True)
        library.playbook(source).write_text(compiled(source))

    ids = iter([RUN_ID.replace("T000000Z", "T000001Z")])
    actor = replace(engine.env.actor, pid=os.getpid())  # locks are joined in the process that has them
    engine.env = replace(engine.env, new_run_id=lambda: next(ids), actor=actor)
    return write


def ends(engine):
    records = read(engine.env.state.audit / "audit.jsonl")
    return [(record.run, record.data["outcome"]) for record in records if record.type == EventType.RUN_FINISHED]


def test_it_is_told_what_is_known_and_the_one_that_handed_over_ends_after_it(engine, other):
    # Given
    other(inputs={"word": {"help": "A word"}, "count": {"type": "int", "default": 3, "help": "How many"}})
    engine.ansible.answers["two", "action"] = FAILED
    over = {"run": "RUN-002", "inputs": {"word": "{{ found }}"}}
    # When
    result = engine.run(change("one", effect="read", capture={"found": "stdout"}), change("two", on_failure=over))
    # Then
    child = RUN_ID.replace("T000000Z", "T000001Z")
    assert (result.outcome, result.run_id, result.exit_code) == ("handed over", RUN_ID, ExitCode.DONE)
    assert [(each.runbook, each.hosts, each.result.run_id) for each in result.children] == [("RUN-002", ["db1"], child)]
    assert ends(engine) == [(child, "passed"), (RUN_ID, "handed over")]
    started = [r.data for r in read(result.audit) if r.type == EventType.RUN_STARTED][-1]
    given = [r.data["inputs"] for r in read(result.audit) if r.type == EventType.INPUTS_GIVEN][-1]
    assert (started["parent"], given) == (RUN_ID, {"word": "found of db1", "count": 3})


def test_whoever_hands_over_calls_nobody_and_whoever_takes_over_does(engine, other):
    other()
    engine.ansible.answers["two", "action"] = FAILED
    policy = {**NOBODY, "when": ["step_failed"]}

    engine.run(change("two", on_failure="RUN-002"), escalation=policy)

    assert engine.channel.sent == []


def test_whoever_takes_over_in_a_drill_calls_by_the_channels_of_the_drill_and_is_of_it(engine, other):
    policy = {**NOBODY, "when": ["step_failed"]}
    other(steps=[change("three", on_failure="escalate")], escalation=policy)
    engine.ansible.answers["two", "action"] = engine.ansible.answers["three", "action"] = FAILED
    engine.asked_for = replace(engine.request(change("two", on_failure="RUN-002")), drill=True)

    result = engine.do()

    child = engine.env.state.run(result.children[0].result.run_id).state
    assert (result.children[0].result.outcome, child.drill, engine.channel.actions) == ("failed", True, ["trigger"])


@pytest.mark.parametrize("wrong", ["absent", "stale"])
def test_what_can_not_take_over_is_known_before_anything_is_done(engine, other, wrong):
    if wrong == "stale":
        other()
        (engine.directory / "playbooks" / "RUN-002.yml").write_text("[]\n")

    with pytest.raises(InvalidInputError, match="RUN-002"):
        engine.run(change("two", on_failure="RUN-002"))

    assert engine.ansible.calls == []


def test_an_input_that_is_not_known_in_the_end_is_a_failure_that_calls(engine, other):
    other(inputs={"word": {"help": "A word"}})
    engine.ansible.hosts = {"all": ["a", "b"]}
    engine.ansible.answers["two", "action"] = FAILED
    over = {"run": "RUN-002", "inputs": {"word": "{{ found }}"}}

    result = engine.run(
        change("one", effect="read", capture={"found": "stdout"}),
        change("two", on_failure=over),
        escalation={**NOBODY, "when": ["step_failed"]},
    )

    assert result.problems[0] == "RUN-002 cannot take over: found is not the same on every host"
    assert engine.channel.actions == ["trigger"]


def test_in_production_nobody_is_asked_again_when_another_takes_over(engine, other):
    other()
    engine.ansible.environments = {"db1": "production"}
    engine.ansible.answers["two", "action"] = FAILED

    given = {"reason": "The pool is full", "environment": "production"}
    result = engine.run(change("two", on_failure="RUN-002"), **given)

    assert result.outcome == "handed over"
    child = result.children[0].result.run_id
    rulings = [r.data for r in read(result.audit, run=child) if r.type == EventType.GUARD_CHECKED]
    assert [(each["guard"], each["given"], each["verdict"]) for each in rulings] == [
        ("reason", "The pool is full", "met"),
        ("environment", "production", "met"),
    ]


def test_the_runbook_that_takes_over_may_have_hosts_that_are_more_harmless(engine, other):
    other(hosts="spare")
    engine.ansible.hosts = {"all": ["db1"], "spare": ["s1"]}
    engine.ansible.environments = {"db1": "production", "s1": "lab"}
    engine.ansible.answers["two", "action"] = FAILED

    given = {"reason": "The pool is full", "environment": "production"}

    assert engine.run(change("two", on_failure="RUN-002"), **given).outcome == "handed over"


KEY, WORD = {"type": "secret", "help": "A key"}, {"help": "A word"}


def hands_over(engine, takes, mapped, inputs, **secrets):
    """A run whose only step fails and hands over, with these inputs, to RUN-002."""
    engine.ansible.answers["two", "action"] = FAILED
    over = {"run": "RUN-002", "inputs": mapped}
    return engine.run(change("two", on_failure=over), takes=takes, inputs=inputs, secrets=secrets)


def jobs_of(engine):
    jobs, real = [], engine.ansible.execute
    engine.ansible.execute = lambda job, *words, **options: jobs.append(job) or real(job, *words, **options)
    return jobs


def test_a_secret_goes_over_as_one_also_when_a_person_typed_it(engine, other):
    other(inputs={"token": KEY})
    jobs = jobs_of(engine)

    result = hands_over(engine, {"key": KEY}, {"token": "{{ key }}"}, {"key": "prompt"}, key="hunter2!")

    assert (result.outcome, dict(jobs[1].secrets)) == ("handed over", {"token": "hunter2!"})
    given = [record.data["inputs"] for record in read(result.audit) if record.type == EventType.INPUTS_GIVEN]
    assert given == [{"key": "prompt"}, {"token": "prompt"}]


def test_a_secret_of_its_own_is_looked_for_when_it_takes_over(engine, other):
    other(inputs={"token": KEY, "other": {**KEY, "default": "file:keys/other"}})
    jobs = jobs_of(engine)
    asked_for = []
    secrets = lambda reference: asked_for.append(reference) or f"behind {reference}"  # noqa: E731
    engine.env = replace(engine.env, secrets=secrets)

    result = hands_over(engine, {}, {"token": "file:token"}, {})

    runbooks = engine.directory / "runbooks"
    assert (result.outcome, asked_for) == ("handed over", [f"file:{runbooks}/keys/other", f"file:{runbooks}/token"])
    assert jobs[1].secrets["token"] == f"behind file:{runbooks}/token"


def test_what_the_first_knew_the_second_does_not_tell(engine, other):
    other(inputs={})
    engine.ansible.answers["look", "action"] = ("ok", {"rc": 0, "stdout": "it was hunter2!"})

    result = hands_over(engine, {"key": KEY}, {}, {"key": "env:KEY"}, key="hunter2!")

    answers = [
        record.data["result"] for record in read(result.audit) if record.step == "look" and "result" in record.data
    ]
    assert answers[0]["stdout"] == "it was ***"


def test_a_secret_that_is_not_there_when_it_is_needed_is_a_failure(engine, other):
    other(inputs={"token": {**KEY, "default": "env:TOKEN", "min_length": 100}})

    result = hands_over(engine, {}, {}, {})

    assert result.problems == ("RUN-002 cannot take over: token: is shorter than 100 characters",)


@pytest.mark.parametrize(
    ("takes", "mapped", "inputs", "declared", "wrong"),
    [
        (
            {"key": KEY},
            {"word": "{{ key }}"},
            {"key": "env:KEY"},
            {"word": WORD},
            "word: key is a secret, and this is none; make both of type secret in RUN-001 and here",
        ),
        (
            {"word": WORD},
            {"token": "{{ word }}"},
            {"word": "x"},
            {"token": KEY},
            "token: word is no secret, and this is one; make both of type secret in RUN-001 and here",
        ),
        (
            {"word": WORD},
            {"count": "{{ word }}", "level": "x", "strange": 1},
            {"word": "ten"},
            {"count": {"type": "int", "help": "How many"}, "level": {"type": "enum", "values": ["a"], "help": "Which"}},
            "count: 'ten' is not a whole number; write a whole number (How many); "
            "level: 'x' is not one of a; write one of a (Which); "
            "strange: there is no such input; it takes count, level",
        ),
        ({}, {}, {}, {"word": WORD}, "word: has no value; write text (A word)"),
        ({}, {}, {}, {"token": KEY}, "token: has no value; write a secret (A key)"),
        ({}, {"token": "prompt"}, {}, {"token": KEY}, "token: nobody is asked when a runbook takes over"),
    ],
)
def test_inputs_that_could_not_be_taken_over_are_told_before_anything_is_done(
    engine, other, takes, mapped, inputs, declared, wrong
):
    other(inputs=declared)

    with pytest.raises(InvalidInputError) as caught:
        hands_over(engine, takes, mapped, inputs)

    assert caught.value.message == f"RUN-002 could not take over from two: {wrong}"
    assert engine.ansible.calls == []


def test_only_the_hosts_that_failed_are_handed_over(engine, other):
    other()
    engine.ansible.hosts = {"all": ["a", "b", "c"]}
    engine.ansible.answers["two", "action", "b"] = FAILED
    jobs = jobs_of(engine)

    engine.run(change("two", on_failure="RUN-002"), limit="all")

    assert [job.limit for job in jobs] == ["all", "b", "all"]
    assert engine.ansible.calls[-1] == (("recheck-two",), ("b",))
    over = [record.data["hosts"] for record in engine.records if record.type == EventType.RUN_HANDED_OVER]
    assert over == [["b"]]


@pytest.mark.parametrize(
    ("hosts", "limit", "child"),
    [
        ("db", None, "db1,db2"),  # none of its hosts has failed: all of them
        ("all", None, "b"),
        ("db", "b,c,db2", "db2"),  # never more than somebody has named
    ],
)
def test_one_that_is_for_other_hosts_works_on_its_own(engine, other, hosts, limit, child):
    other(hosts=hosts)
    engine.ansible.hosts = {"app": ["a", "b", "c"], "db": ["db1", "db2"], "all": ["a", "b", "c", "db1", "db2"]}
    engine.ansible.answers["two", "action", "b"] = FAILED
    jobs = jobs_of(engine)

    result = engine.run(change("two", on_failure="RUN-002"), hosts="app", limit=limit)

    assert (result.outcome, result.children[0].hosts) == ("handed over", ["b"])
    assert next(job.limit for job in jobs if job.name == "RUN-002.yml") == child


@pytest.mark.parametrize(
    ("second", "child"),
    [
        ("db", "b,db1,db2"),  # a step of it is for other hosts: on all of those
        ("all", "b"),
        ("c", "b,c"),
    ],
)
def test_of_its_steps_one_that_is_for_other_hosts_works_on_those(engine, other, second, child):
    steps = [change("mend"), change("restart", hosts=second)]
    other(hosts="app[1]", steps=steps)
    groups = {"app": ["a", "b", "c"], "app[1]": ["b"], "db": ["db1", "db2"], "all": ["a", "b", "c", "db1", "db2"]}
    engine.ansible.hosts = {**groups, "c": ["c"]}
    engine.ansible.answers["two", "action", "b"] = FAILED
    jobs = jobs_of(engine)

    result = engine.run(change("two", on_failure="RUN-002"), hosts="app")

    assert (result.outcome, result.children[0].hosts) == ("handed over", ["b"])
    assert next(job.limit for job in jobs if job.name == "RUN-002.yml") == child


def test_where_a_limit_leaves_it_no_host_nothing_is_begun(engine, other):
    other(hosts="db")
    engine.ansible.hosts = {"app": ["a", "b"], "db": ["db1"]}

    result = engine.run(change("two", on_failure="RUN-002"), hosts="app", limit="b")

    assert (result.outcome, result.hosts, engine.done("b")) == ("never reached", {}, [])
    assert result.happened == "RUN-002 could not take over: the inventory and --limit leave none of its hosts (db)"


def test_the_step_that_failed_is_verified_again_and_the_run_ends_by_that(engine, other):
    other()
    engine.ansible.answers["two", "action"] = FAILED

    engine.run(change("two", on_failure="RUN-002"), change("three"))

    kinds = [record.type for record in engine.records if record.type in AFTERWARDS]
    assert kinds[kinds.index(EventType.RUN_HANDED_OVER) :] == [
        *(EventType.RUN_HANDED_OVER, EventType.STEP_REOPENED),
        *(EventType.VERIFICATION_FINISHED, EventType.STEP_FINISHED, EventType.RUN_FINISHED),
    ]
    assert engine.outcomes == {("two", "db1"): "passed", ("three", "db1"): "never reached"}
    told = history(engine.records)
    assert (told.outcome, told.unproven) == ("handed over", "it ended as handed over")


AFTERWARDS = {
    *(EventType.RUN_HANDED_OVER, EventType.STEP_REOPENED, EventType.VERIFICATION_FINISHED),
    *(EventType.STEP_FINISHED, EventType.RUN_FINISHED),
}
CALLS = {**NOBODY, "when": ["step_failed"]}


def test_what_still_does_not_hold_is_a_failure_that_calls(engine, other):
    other()
    engine.ansible.answers["two", "verify/1"] = FAILED

    result = engine.run(change("two", on_failure="RUN-002"), escalation=CALLS)

    assert (result.outcome, result.exit_code, engine.channel.actions) == ("failed", ExitCode.ESCALATED, ["trigger"])
    assert result.happened == ("RUN-002 passed, and the step 'Two' still does not hold on db1: non-zero return code")


def test_a_step_that_cannot_be_verified_again_is_a_failure_that_says_so(engine, other):
    other()
    engine.ansible.answers["two", "action"] = FAILED

    result = engine.run(change("two", on_failure="RUN-002", verify=[{"exit": 0}]))

    assert (result.outcome, result.exit_code, result.happened) == (
        "failed",
        ExitCode.FAILED,
        "RUN-002 passed, and nobody knows whether the step 'Two' holds on db1 by now: "
        "none of its verifications looks for itself",
    )


def test_what_only_looks_is_done_again(engine, other):
    other()
    answers = iter([FAILED, ("ok", {"rc": 0, "stdout": ""})])
    engine.ansible.answers["two", "action"] = lambda _: next(answers)

    result = engine.run(change("two", effect="read", on_failure="RUN-002", verify=[{"exit": 0}]))

    assert (result.outcome, engine.done("db1")) == ("handed over", ["two", "two"])


def test_what_a_person_was_to_confirm_nobody_has(engine, other):
    other()
    engine.ansible.answers["two", "action"] = FAILED
    verify = [{"command": "ls /two", "says": "two is there"}, {"confirm": "Do users see it?"}]

    result = engine.run(change("two", on_failure="RUN-002", verify=verify))

    assert result.happened == "RUN-002 passed, and the step 'Two' still does not hold on db1"


@pytest.mark.parametrize("calls", [True, False], ids=["calls", "calls nobody"])
def test_when_the_one_that_took_over_fails_somebody_is_called_once(engine, other, calls):
    class Reachable(Library):
        def contacts(self, _):
            return {"on-call": FakeContact((engine.channel,))}

    engine.library = Reachable(engine.directory)
    other(escalation=CALLS if calls else NOBODY)
    engine.ansible.answers["two", "action"] = engine.ansible.answers["look", "action"] = FAILED

    result = engine.run(change("two", on_failure="RUN-002"), escalation=CALLS)

    assert (result.outcome, result.exit_code) == ("failed", ExitCode.ESCALATED)
    assert (engine.channel.actions, len(result.calls)) == (["trigger"], 1)
    assert result.happened == (
        "RUN-002 took over for db1 and ended as failed: Look at the disk failed on db1: exit code 1"
    )


def test_a_run_that_handed_over_goes_on_with_what_it_had_never_reached(engine, other):
    other()
    engine.ansible.answers["two", "action"] = FAILED
    engine.run(change("one"), change("two", on_failure="RUN-002"), change("three"))

    result = engine.resume()

    assert (result.outcome, engine.done("db1")) == ("passed", ["one", "two", "three"])


def test_whoever_stops_the_one_that_took_over_stops_both(engine, other):
    other()
    engine.ansible.answers["two", "action"] = FAILED
    engine.ansible.answers["look", "action"] = lambda _: engine.env.cancellation.request("SIGINT") or FAILED

    result = engine.run(change("two", on_failure="RUN-002"))

    child = result.children[0].result.run_id
    assert (result.exit_code, ends(engine)) == (ExitCode.INTERRUPTED, [(child, "aborted"), (RUN_ID, "aborted")])


def test_runbooks_that_hand_over_in_a_circle_come_to_an_end(engine, other):
    other(steps=[change("mend", on_failure="RUN-001")])
    engine.ansible.answers["two", "action"] = engine.ansible.answers["mend", "action"] = FAILED

    result = engine.run(change("two", on_failure="RUN-002"))

    assert "RUN-001 cannot take over: it has handed over before in this chain of runs" in result.problems[0]


def test_a_run_that_took_over_keeps_what_was_named_for_the_one_before(engine, other):
    other()
    engine.ansible.answers["two", "action"] = FAILED

    result = engine.run(change("two", on_failure="RUN-002"), limit="all")

    state = engine.env.state.run(result.children[0].result.run_id).state
    assert (state.limit, state.named) == ("db1", "all")
