"""Going on with a run: what is done stays done, what is not is done, and what nobody knows of is asked about."""

from __future__ import annotations

import contextlib
import os
from dataclasses import replace

import pytest
from harness.engine import FAILED, LOST, change, undoing
from harness.fake_run import SURVEY, Killed

from runner.core.errors import DeniedError, ExitCode
from runner.core.events import EventType
from runner.executor.job import Ending
from runner.orchestrator.run_environment import GateAnswer
from runner.store.locks.holder import Holder
from runner.store.locks.host_locks import Locks
from runner.store.state_directory import StateDirectory

HOSTS = ["a", "b", "c"]
NO = GateAnswer(yes=False, by="alice")


def killed(*_):
    raise Killed


def die(engine, *steps, **changes):
    """A run whose command is killed in the midst of something, and whose lock the kernel frees."""
    with pytest.raises(Killed):
        engine.run(*steps, **changes)


@pytest.fixture
def three(engine):
    engine.ansible.hosts = {"all": HOSTS}
    return engine


def test_each_host_goes_on_at_its_first_step_that_is_not_verified(three):
    # Given hosts that failed at different steps
    three.ansible.answers = {("two", "action", "b"): FAILED, ("three", "action", "c"): FAILED}
    failed = three.run(change("one"), change("two"), change("three"), max_failures=2)
    assert (failed.exit_code, failed.problems) == (ExitCode.FAILED, ("partial: passed on a; failed on b, c",))
    # When it is mended and gone on with
    three.ansible.answers = {}
    resumed = three.resume()
    # Then nothing that was verified is done again
    assert (resumed.outcome, resumed.exit_code) == ("passed", ExitCode.DONE)
    assert [three.done(host) for host in HOSTS] == [
        ["one", "two", "three"],
        ["one", "two", "two", "three"],
        ["one", "two", "three", "three"],
    ]
    # and only looked at again, each host for itself
    assert three.ansible.calls == [
        SURVEY,
        (("recheck-one",), ()),
        (("recheck-two",), ("a", "c")),
        (("recheck-three",), ("a",)),
        (("step-two",), ("b",)),
        (("step-three",), ("b", "c")),
    ]


def test_an_interrupted_change_was_done_where_all_that_verifies_it_holds(engine):
    engine.ansible.answers["two", "action"] = killed
    die(engine, change("one"), change("two"), change("three"))

    engine.ansible.answers = {}
    resumed = engine.resume()

    assert (resumed.outcome, engine.done("db1")) == ("passed", ["one", "two", "three"])
    settled = [record.data for record in engine.records if record.type == EventType.STEP_SETTLED]
    assert settled == [{"part": "action", "outcome": "passed", "reason": "its verifications hold"}]


@pytest.mark.parametrize("ending", ["killed", "unreachable"])
def test_where_they_do_not_a_person_is_asked_and_nothing_is_done_without(engine, ending):
    engine.ansible.answers["one", "action"] = killed if ending == "killed" else LOST
    if ending == "killed":
        die(engine, change("one"), change("two"))
    else:
        engine.run(change("one"), change("two"))
    engine.ansible.answers = {("one", "verify/1"): FAILED}
    engine.operator.answers["one"] = NO

    denied = engine.resume()
    denied_again = engine.resume()

    assert [result.exit_code for result in (denied, denied_again)] == [ExitCode.DENIED] * 2
    assert denied.hint == "look, then say --done one or --redo one"
    assert (engine.done("db1"), [kind for kind, *_ in engine.operator.asked]) == (["one"], ["unknown", "unknown"])


@pytest.mark.parametrize(
    ("said", "done"), [({"done": ["one"]}, ["one", "two"]), ({"redo": ["one"]}, ["one", "one", "two"])]
)
def test_a_person_says_what_became_of_it_in_advance(engine, said, done):
    engine.ansible.answers["one", "action"] = killed
    die(engine, change("one", verify=[{"exit": 0}]), change("two"))

    engine.ansible.answers = {}
    resumed = engine.resume(**said)

    assert (resumed.outcome, engine.done("db1"), engine.operator.asked) == ("passed", done, [])


@pytest.mark.parametrize(
    ("answer", "done"),
    [
        (GateAnswer(yes=True, by="al"), ["one", "two"]),
        (GateAnswer(yes=False, by="al", instead="redo"), ["one", "one", "two"]),
    ],
)
def test_or_when_asked(engine, answer, done):
    engine.ansible.answers["one", "action"] = killed
    die(engine, change("one", verify=[{"exit": 0}]), change("two"))

    engine.ansible.answers, engine.operator.answers = {}, {"one": answer}
    resumed = engine.resume()

    assert (resumed.outcome, engine.done("db1")) == ("passed", done)


@pytest.mark.parametrize("keys", [{"idempotent": True}, {"effect": "read"}])
def test_what_may_be_repeated_is_repeated_without_asking(engine, keys):
    engine.ansible.answers["one", "action"] = killed
    die(engine, change("one", verify=[{"exit": 0}], **keys))

    engine.ansible.answers = {}

    assert (engine.resume().outcome, engine.done("db1"), engine.operator.asked) == ("passed", ["one", "one"], [])


@pytest.mark.parametrize("ended", ["ok", "failed"])
def test_a_command_that_somebody_killed_is_in_doubt_and_not_repeated_unasked(engine, ended):
    engine.ansible.answers["one", "action"] = (ended, {"rc": -9, "msg": "non-zero return code"})
    first = engine.run(change("one", verify=[{"exit": 0}]), change("two"))
    engine.ansible.answers, engine.operator.answers = {}, {"one": NO}

    denied = engine.resume()
    resumed = engine.resume(done=["one"])

    assert (first.outcome, denied.problems) == ("unknown", ("one is in doubt on db1 (db1: killed by signal 9)",))
    assert (resumed.outcome, engine.done("db1")) == ("passed", ["one", "two"])


def test_an_action_that_failed_for_sure_is_done_again(engine):
    engine.ansible.answers["one", "verify/1"] = FAILED
    engine.run(change("one", verify=[{"exit": 0}]))

    engine.ansible.answers = {}

    assert (engine.resume().outcome, engine.done("db1")) == ("passed", ["one", "one"])


def test_a_change_that_was_made_and_not_verified_in_time_is_only_looked_at(engine):
    engine.ansible.answers["one", "verify/1"] = FAILED
    engine.run(change("one"), change("two"))

    engine.ansible.answers = {}

    assert (engine.resume().outcome, engine.done("db1")) == ("passed", ["one", "two"])


def test_what_no_longer_holds_is_named_and_everything_from_there_is_done_again_on_a_persons_word(engine):
    engine.ansible.answers["three", "action"] = FAILED
    engine.run(change("one"), change("two"), change("three"))
    # Given that it does not hold when it is looked at, twice, and does when it is done again
    seen = iter([("failed", {"assertion": "rc == 0"})] * 2)
    engine.ansible.answers = {("two", "verify/1"): lambda _: next(seen, None)}
    engine.operator.answers["two"] = NO

    denied = engine.resume()
    redone = engine.resume(redo=["two"])

    assert denied.problems == ("two is in doubt on db1 (db1: rc == 0 is not true)",)
    assert redone.outcome == "passed"
    assert engine.done("db1") == ["one", "two", "three", "two", "three"]


def test_what_was_taken_back_is_done_again(engine):
    engine.ansible.answers["two", "action"] = FAILED
    engine.run(undoing("one"), undoing("two", on_failure="undo"))
    engine.ansible.answers = {}

    resumed = engine.resume()

    assert resumed.outcome == "passed"
    assert engine.done("db1") == ["one", "two", "undo-two", "undo-one", "one", "two"]


def test_what_looked_at_a_change_that_was_taken_back_looks_again_at_the_one_that_is_made_anew(engine):
    engine.ansible.answers["three", "action"] = FAILED
    look = change("look", effect="read", verify=[{"exit": 0}])
    engine.run(look, undoing("one"), {**look, "id": "check"}, undoing("three", on_failure="undo"))
    engine.ansible.answers = {}

    resumed = engine.resume()

    assert resumed.outcome == "passed"
    assert engine.done("db1") == ["look", "one", "check", "three", "undo-three", "undo-one", "one", "check", "three"]


def test_what_looked_after_a_change_that_failed_looks_again_when_it_is_made(three):
    three.ansible.answers["one", "action", "b"] = FAILED
    look = change("look", effect="read", verify=[{"exit": 0}])
    three.run(change("one", on_failure="continue"), look)
    three.ansible.answers = {}

    resumed = three.resume()

    assert resumed.outcome == "passed"
    assert [three.done(host) for host in HOSTS] == [["one", "look"], ["one", "look", "one", "look"], ["one", "look"]]


def test_what_a_person_has_said_is_not_asked_again_and_values_survive(engine):
    manual = {
        "id": "walk",
        "name": "Walk",
        "manual": "Walk",
        "verify": [{"confirm": "You are there"}],
        "on_failure": "stop",
    }
    look = change("look", effect="read", capture={"pids": "stdout"}, verify=[{"exit": 0}])
    engine.operator.answers["two"] = NO
    engine.run(look, manual, change("two", approve="Go?"))
    engine.operator.asked.clear()
    engine.operator.answers = {}

    resumed = engine.resume()

    assert (resumed.outcome, [kind for kind, *_ in engine.operator.asked]) == ("passed", ["approve"])
    assert engine.state["captured"] == {"db1": {"pids": "pids of db1"}}
    assert engine.done("db1") == ["look", "two"]


def test_a_run_that_was_stopped_goes_on(engine):
    def stop(_):
        engine.env.cancellation.request("SIGINT")
        raise StoppedHereError

    class StoppedHereError(Exception):
        pass

    real = engine.ansible.execute

    def execute(*words, **options):
        try:
            return real(*words, **options)
        except StoppedHereError:
            return Ending("cancelled")

    engine.ansible.execute = execute
    engine.ansible.answers["two", "action"] = stop
    stopped = engine.run(change("one"), change("two"), change("three"))
    engine.ansible.answers = {}

    assert (stopped.outcome, stopped.exit_code) == ("aborted", ExitCode.INTERRUPTED)
    assert (engine.resume().outcome, engine.done("db1")) == ("passed", ["one", "two", "three"])


def test_a_run_that_had_not_begun_can_not_be_gone_on_with(engine):
    engine.ansible.resolve = killed
    die(engine, change("one", approve="Go?"))

    with pytest.raises(Exception, match="has not started"):
        engine.resume()


@pytest.mark.parametrize(
    ("said", "problem"), [("tow", "RUN-001 has no step 'tow'"), ("one@db9", "one is not done on db9")]
)
def test_what_is_no_step_of_the_run_is_refused_before_anything_is_done(engine, said, problem):
    engine.ansible.answers["one", "action"] = FAILED
    engine.run(change("one"))

    refused = engine.resume(redo=[said])

    assert (refused.exit_code, refused.problems, engine.ansible.calls) == (ExitCode.INVALID, (problem,), [SURVEY])


def in_doubt_on_a_and_b(three):
    three.ansible.answers["one", "action", "b"] = killed
    die(three, change("one", verify=[{"exit": 0}]))
    three.ansible.answers = {}


def test_what_became_of_a_step_is_asked_for_each_host_by_itself(three):
    in_doubt_on_a_and_b(three)
    redo = GateAnswer(yes=False, by="alice", instead="redo")
    three.operator.answer = lambda gate, view: GateAnswer(yes=True, by="alice") if view.hosts == ["a"] else redo

    assert three.resume().outcome == "passed"
    assert [three.done(host) for host in HOSTS] == [["one"], ["one", "one"], ["one"]]


@pytest.mark.parametrize(
    "said",
    [
        {"done": ["one@a"], "redo": ["one@b"]},
        {"done": ["one"], "redo": ["one@b"]},
        {"done": ["one@a"], "redo": ["one"]},
    ],
)
def test_what_names_a_host_goes_before_what_names_none(three, said):
    in_doubt_on_a_and_b(three)

    assert (three.resume(**said).outcome, three.operator.asked) == ("passed", [])
    assert [three.done(host) for host in HOSTS] == [["one"], ["one", "one"], ["one"]]


def test_who_does_not_say_what_became_of_it_hears_of_each_host_and_how_to_say_it(three):
    in_doubt_on_a_and_b(three)
    three.operator.answers["one"] = NO

    denied = three.resume()

    unknown = "nobody knows whether it was done"
    assert denied.problems == (f"one is in doubt on a, b (a: it was done, and is not verified; b: {unknown})",)
    assert denied.hint == "look, then say --done one@a --done one@b, with --redo for what is to be done again"


@pytest.fixture
def held(engine):
    """Another run has the machine of the only host."""
    other = Holder("20260101-000000-aaaa", "RUN-009", "bob", "ctl", os.getpid(), engine.env.clock())
    with contextlib.ExitStack() as taken:
        locks = Locks(engine.env.state.path / "locks", clock=engine.env.clock)
        yield lambda: taken.enter_context(locks.take(["host:db1"], other))


@pytest.mark.parametrize("go_on", ["resume", "undo"])
@pytest.mark.parametrize(("mode", "pages"), [("run", []), ("auto", ["trigger"])])
def test_who_comes_second_is_recorded_and_where_nobody_sits_somebody_hears(engine, held, go_on, mode, pages):
    # Given a run that failed, and another one that has its host by now
    engine.ansible.answers["two", "action"] = FAILED
    engine.run(undoing("one"), change("two"), escalation=ESCALATES)
    held()
    before, engine.asked_for = engine.state, replace(engine.asked_for, mode=mode)

    refused = getattr(engine, go_on)()

    assert (refused.exit_code, refused.outcome, engine.channel.actions) == (ExitCode.LOCKED, "failed", pages)
    assert (engine.state, before["status"]) == (before, "finished")
    last = engine.records[-1]
    assert (last.type, last.data["exit_code"]) == (EventType.RUN_REFUSED, ExitCode.LOCKED)
    assert last.data["reason"].startswith("host:db1 is held by bob on ctl")


@pytest.mark.parametrize(("mode", "pages"), [("run", []), ("auto", ["trigger"])])
def test_a_run_that_comes_second_ends_in_the_same_way(engine, held, mode, pages):
    held()

    refused = engine.run(change("one"), mode=mode, escalation=ESCALATES)

    assert (refused.exit_code, engine.channel.actions, engine.done("db1")) == (ExitCode.LOCKED, pages, [])
    assert engine.records[-1].data["exit_code"] == ExitCode.LOCKED


@pytest.mark.parametrize(("when", "pages"), [("step_failed", ["trigger"]), ("refused", ["trigger"]), ("denied", [])])
def test_where_a_full_disk_keeps_a_run_from_its_locks_it_calls_as_its_policy_says_and_its_end_is_recorded(
    engine, small_disk, when, pages
):
    def fill(event):
        if event.type == EventType.TARGET_RESOLVED:
            with contextlib.suppress(OSError):
                (small_disk / "filler").write_bytes(b"x" * 1_000_000)

    engine.env = replace(engine.env, state=StateDirectory.open(small_disk / "state"), listeners=[fill])

    ended = engine.run(change("one"), escalation={**ESCALATES, "when": [when]})

    assert (ended.exit_code, engine.channel.actions, engine.done("db1")) == (ExitCode.AUDIT, pages, [])
    assert ended.happened == f"{small_disk}/state/locks cannot be locked: No space left on device"
    assert (engine.records[-1].data["exit_code"], engine.state["status"]) == (ExitCode.AUDIT, "finished")
    why = f"{ended.happened}; make room, or give access"
    assert [page.details["not recorded"] for page in engine.channel.sent] == [why] * len(pages)


def test_a_page_of_a_refusal_that_does_not_arrive_is_the_worst_there_is(engine, held):
    engine.channel.status = "refused"
    held()

    assert engine.run(change("one"), mode="auto", escalation=ESCALATES).exit_code == ExitCode.PAGING


ESCALATES = {"when": ["step_failed"], "contacts": ["on-call"], "provide": ["timeline"]}


def test_who_is_refused_at_the_door_leaves_every_step_and_the_incident_as_they_were(three):
    # Given a run that failed on one host, lost another, and called somebody
    three.ansible.answers = {("two", "action", "b"): FAILED, ("two", "action", "c"): LOST}
    three.run(change("one"), change("two", on_failure="escalate"), max_failures=1, escalation=ESCALATES)
    before, steps, pages = three.state, three.outcomes, list(three.channel.actions)

    def refuse(*_, **__):
        raise DeniedError("Production needs --environment production")

    three.ansible.resolve = refuse
    refused = three.resume()

    assert (refused.outcome, refused.exit_code, refused.problems) == (
        "failed",
        ExitCode.DENIED,
        ("Production needs --environment production",),
    )
    assert (three.state, three.outcomes, three.channel.actions) == (before, steps, pages)


@pytest.mark.parametrize("when", [["step_failed"], [{"declared": "Data is lost"}]])
def test_of_an_unattended_resume_that_is_refused_somebody_hears_whatever_the_policy_says(engine, when):
    # Given a run that failed, and a resume of it at which nobody sits
    engine.ansible.answers["one", "action"] = FAILED
    engine.run(change("one", on_failure="stop"), escalation={**ESCALATES, "when": when})
    before, engine.asked_for = list(engine.channel.actions), replace(engine.asked_for, mode="auto")

    def refuse(*_, **__):
        raise DeniedError("A run that asks nobody needs a runbook without errors of lint")

    engine.ansible.resolve = refuse
    refused = engine.resume()

    assert (refused.exit_code, before, engine.channel.actions) == (ExitCode.DENIED, [], ["trigger"])
    assert [call.action for call in refused.calls] == ["trigger"]


def test_a_doubt_that_nobody_settles_leaves_what_failed_failed_and_what_is_unknown_unknown(three):
    # Given a step that was lost on one host, and that failed on another
    three.ansible.answers = {("one", "action", "b"): FAILED, ("one", "action", "c"): LOST}
    three.run(change("one", on_failure="escalate"), change("two"), max_failures=2, escalation=ESCALATES)
    steps, pages = three.state["steps"], list(three.channel.actions)
    three.ansible.answers = {("one", "verify/1", "c"): FAILED}
    three.operator.answers["one"] = NO

    denied = three.resume()

    assert (denied.outcome, denied.exit_code) == ("failed", ExitCode.DENIED)
    assert steps["one"] == {"a": "passed", "b": "failed", "c": "unreachable"}
    assert three.state["steps"]["one"] == {"a": "passed", "b": "failed", "c": "failed"}
    assert three.outcomes["one", "b"] == "failed"
    assert three.channel.actions == pages


def test_an_interrupted_step_that_nobody_settles_stays_unknown(engine):
    engine.ansible.answers["one", "action"] = killed
    die(engine, change("one", verify=[{"exit": 0}]), change("two"))
    engine.operator.answers["one"] = NO

    assert (engine.resume().exit_code, engine.outcomes["one", "db1"]) == (ExitCode.DENIED, "unknown")


@pytest.mark.parametrize("first", [{"done": ["one@a"]}, {"redo": ["one@a"]}])
def test_what_is_said_of_one_host_still_holds_when_the_other_is_answered_later(three, first):
    # Given a step whose verification does not hold, whatever anybody says
    three.ansible.answers["one", "action", "b"] = killed
    die(three, change("one"))
    three.ansible.answers = {("one", "verify/1"): FAILED}
    three.operator.answers["one"] = NO
    # When each host is answered by itself
    half = three.resume(**first)
    assert (half.exit_code, half.hint) == (ExitCode.DENIED, "look, then say --done one@b or --redo one@b")
    three.ansible.answers = {("one", "verify/1", "a"): FAILED} if "done" in first else {}
    whole = three.resume(done=["one@b"])
    # Then nobody is asked once more
    assert whole.outcome == "passed"
    assert three.done("a") == ["one"] * (2 if "redo" in first else 1)


def test_what_a_person_says_counts_also_where_nobody_can_say_what_would_be_done(engine):
    engine.ansible.answers["one", "action"] = killed
    die(engine, change("one", verify=[{"exit": 0}]), change("two"))

    engine.ansible.answers.clear()
    engine.ansible._commands = lambda job, part, steps: {}

    assert (engine.resume().outcome, engine.done("db1")) == ("passed", ["one", "two"])
