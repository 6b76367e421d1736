"""A question is answered here or from elsewhere, by enough different people, for exactly what is asked, in time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest
from harness import EXAMPLES
from harness.engine import Engine, change
from harness.fake_run import ACTOR, Killed
from harness.fakes import RUN_ID
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runner.approvals.question import Vote
from runner.approvals.question_store import Questions
from runner.core.errors import ExitCode
from runner.core.events import EventType
from runner.model.contacts import Contact
from runner.orchestrator.run_environment import GateAnswer, QuestionView

TWO = {"says": "Go?", "min": 2}
CEREMONY = {"reason": "It is time", "environment": "production"}
COUNT = {"count": {"type": "int", "default": 0, "help": "How many"}}


@dataclass
class Elsewhere:
    """Nobody answers here: each time the question is put, the next of `acts` happens, and then nobody does."""

    engine: Engine
    acts: list[Callable[[], GateAnswer | None]] = field(default_factory=list)
    views: list[QuestionView] = field(default_factory=list)

    def answer(self, gate, view):
        del gate
        self.views.append(view)
        return self.acts.pop(0)() if self.acts else GateAnswer(yes=False, by="nobody", note="nobody is there")

    @property
    def questions(self):
        return Questions(self.engine.env.state.path / "runs" / RUN_ID)

    def votes(self, by, *, yes=True, subject=None, note=""):
        def act():
            asked = self.questions.latest()
            at = self.engine.env.clock().wall.isoformat()
            self.questions.vote(asked, Vote(by, by, yes, subject or asked.subject, at, note))
            self.engine.env.clock.forward(0.001)

        return act

    def forward(self, seconds):
        return lambda: self.engine.env.clock.forward(seconds)


@pytest.fixture
def elsewhere(engine):
    operator = Elsewhere(engine)
    engine.env = replace(engine.env, operator=operator)
    return operator


def answers(engine):
    told = [record for record in engine.records if record.type == EventType.GATE_ANSWERED]
    return [(record.data["outcome"], record.data["by"], record.data["note"]) for record in told]


def test_somebody_elsewhere_answers_and_the_run_goes_on(engine, elsewhere):
    elsewhere.acts = [elsewhere.votes("bob", note="fine")]

    result = engine.run(change("act", approve="Go?"))

    assert (result.exit_code, engine.done("db1")) == (ExitCode.DONE, ["act"])
    assert answers(engine) == [("passed", "bob", "fine")]


def test_a_no_from_elsewhere_ends_it(engine, elsewhere):
    elsewhere.acts = [elsewhere.votes("bob", yes=False, note="wait")]

    result = engine.run(change("act", approve="Go?"))

    assert (result.exit_code, engine.done("db1")) == (ExitCode.DENIED, [])
    assert answers(engine) == [("aborted", "bob", "wait")]


def test_manual_work_is_confirmed_from_elsewhere_too(engine, elsewhere):
    walk = {"id": "walk", "name": "Walk", "manual": "Walk there", "verify": [{"confirm": "It is well"}]}
    elsewhere.acts = [elsewhere.votes("bob", note="walked"), elsewhere.votes("carol")]

    assert engine.run(walk).exit_code == ExitCode.DONE
    assert answers(engine) == [("passed", "bob", "walked"), ("passed", "carol", "")]


def test_it_takes_as_many_different_people_as_the_step_says(engine, elsewhere):
    here = lambda: GateAnswer(yes=True, by="alice")  # noqa: E731
    elsewhere.acts = [here, elsewhere.votes("alice"), elsewhere.votes("bob")]

    assert engine.run(change("act", approve=TWO)).exit_code == ExitCode.DONE
    assert answers(engine) == [("passed", "alice, bob", "")]
    assert [(view.needs, view.objection) for view in elsewhere.views] == [
        ("2 people", ""),
        ("1 person", "alice has approved this already; it takes 2 different people"),
        ("1 person", "alice has approved this already; it takes 2 different people"),
    ]


def test_in_production_who_started_it_can_not_approve_it(engine, elsewhere):
    engine.ansible.environments["db1"] = "production"
    elsewhere.acts = [elsewhere.votes("alice"), elsewhere.votes("bob")]

    assert engine.run(change("act", approve="Go?"), **CEREMONY).exit_code == ExitCode.DONE
    assert elsewhere.views[0].objection == "alice started this run; somebody else has to approve it"
    assert answers(engine) == [("passed", "bob", "")]


def test_an_operator_who_says_yes_all_the_same_has_said_no(engine):
    engine.ansible.environments["db1"] = "production"

    result = engine.run(change("act", approve="Go?"), **CEREMONY)

    assert (result.exit_code, engine.done("db1")) == (ExitCode.DENIED, [])
    assert answers(engine) == [("aborted", "alice", "alice started this run; somebody else has to approve it")]


def test_where_the_policy_says_so_it_is_the_same_everywhere(engine, elsewhere):
    demands(engine, {"four_eyes": True})
    elsewhere.acts = [elsewhere.votes("alice"), elsewhere.votes("bob")]

    assert engine.run(change("act", approve="Go?")).exit_code == ExitCode.DONE
    assert answers(engine) == [("passed", "bob", "")]


def test_who_is_alone_when_it_burns_may_approve_it_with_a_broken_glass(engine, elsewhere):
    engine.ansible.environments["db1"] = "production"
    elsewhere.acts = [elsewhere.votes("alice")]

    result = engine.run(change("act", approve="Go?"), environment="production", break_glass="It burns, I am alone")

    assert (result.exit_code, answers(engine)) == (ExitCode.DONE, [("passed", "alice", "")])


def demands(engine, policy):
    """The inventory has this policy for every host."""
    engine.ansible.inventory["connection_facts"] = {"db1": {"connection": "local", "policy": policy}}


def test_who_goes_on_with_a_run_of_somebody_else_can_not_approve_it_either(engine, elsewhere):
    engine.ansible.environments["db1"] = "production"
    engine.run(change("act", approve="Go?"), **CEREMONY)
    engine.env = replace(engine.env, actor=replace(ACTOR, user="root (sudo by Bob)"))
    elsewhere.acts = [elsewhere.votes("alice"), elsewhere.votes("bob"), elsewhere.votes("carol")]

    assert engine.resume().exit_code == ExitCode.DONE
    assert answers(engine)[-1] == ("passed", "carol", "")


def test_only_members_of_the_group_count(engine, elsewhere):
    elsewhere.acts = [elsewhere.votes("bob"), elsewhere.votes("carol")]
    request = engine.request(change("act", approve={"says": "Go?", "group": "dba"}))
    engine.asked_for = replace(request, contacts={**request.contacts, "dba": Contact(name="DBA", members=("Carol",))})

    assert engine.do().exit_code == ExitCode.DONE
    assert answers(engine) == [("passed", "carol", "")]


def test_a_group_of_nobody_is_refused(engine, elsewhere):
    del elsewhere

    result = engine.run(change("act", approve={"says": "Go?", "group": "backend-team"}))

    assert (result.exit_code, engine.done("db1")) == (ExitCode.INVALID, [])
    assert result.hint == "write `members: [LOGIN, ...]` under backend-team"


def test_what_is_not_approved_in_time_is_denied(engine, elsewhere):
    elsewhere.acts = [elsewhere.votes("bob"), elsewhere.forward(600), elsewhere.votes("carol")]

    result = engine.run(change("act", approve={**TWO, "expires": "10m"}))

    assert (result.exit_code, engine.done("db1")) == (ExitCode.DENIED, [])
    assert answers(engine) == [("aborted", "nobody", "not approved within 10m: 1 person missing")]


def dies():
    raise Killed


def test_what_was_voted_before_the_command_died_still_counts(engine, elsewhere):
    elsewhere.acts = [elsewhere.votes("bob"), dies, elsewhere.votes("carol")]
    with pytest.raises(Killed):
        engine.run(change("act", approve=TWO))

    assert engine.resume().exit_code == ExitCode.DONE
    assert answers(engine) == [("passed", "bob, carol", "")]


@pytest.mark.parametrize("what", ["a character", "a host", "an address", "an input"])
def test_what_was_voted_is_void_when_something_has_changed(engine, elsewhere, what):
    elsewhere.acts = [elsewhere.votes("bob"), dies]
    with pytest.raises(Killed):
        engine.run(change("act", approve=TWO), takes=COUNT, inputs={"count": 1})
    if what == "a character":
        engine.asked_for = engine.request(change("act", approve=TWO, why="Now"), takes=COUNT, inputs={"count": 1})
    if what == "an input":
        engine.asked_for = replace(engine.asked_for, inputs={"count": 2})
    if what == "a host":
        engine.directory_of_the_run.update(target={"all": ["db1", "db2"]})
        engine.ansible.hosts["all"] = ["db1", "db2"]
    if what == "an address":
        engine.directory_of_the_run.update(machines={"db1": "10.0.0.9:22"})
        engine.ansible.inventory["machines"] = {"db1": "10.0.0.9:22"}
    elsewhere.acts = [elsewhere.votes("carol")]

    result = engine.resume()

    assert (result.exit_code, engine.done("db1")) == (ExitCode.DENIED, [])
    assert answers(engine) == [("aborted", "nobody", "nobody is there")]


def test_a_yes_is_void_when_the_step_would_do_something_else_by_now(engine, elsewhere):
    def bob_votes_and_eve_edits():
        elsewhere.votes("bob")()
        engine.ansible.commands["act"] = {"module": "shell", "args": {"cmd": "evil"}}

    elsewhere.acts = [bob_votes_and_eve_edits]

    result = engine.run(change("act", approve="Go?"))

    assert (result.exit_code, engine.done("db1")) == (ExitCode.DENIED, [])
    assert result.problems == (
        "the approval of act is void: on db1 what is done was `touch /act` and is now `shell cmd=evil`",
    )


def test_the_deadline_of_the_run_ends_the_wait(engine, elsewhere):
    elsewhere.acts = [lambda: engine.env.clock.forward(61)]

    result = engine.run(change("act", approve="Go?"), deadline="1m")

    assert (result.exit_code, engine.done("db1")) == (ExitCode.TIMED_OUT, [])


def test_a_cancellation_ends_the_wait(engine, elsewhere):
    elsewhere.acts = [lambda: engine.env.cancellation.request("SIGTERM")]

    result = engine.run(change("act", approve="Go?"))

    assert (result.exit_code, engine.done("db1")) == (ExitCode.INTERRUPTED, [])
    assert answers(engine) == [("aborted", "nobody", "the run was stopped")]


ACTS = st.one_of(
    st.tuples(st.just("vote"), st.sampled_from("abc"), st.integers(0, 9).map(bool)),
    st.tuples(st.just("pass"), st.sampled_from([1, 20, 59])),
    st.tuples(st.sampled_from(["crash", "abort"]), st.sampled_from([0, 30]), st.booleans()),
)


def model(acts, least, four_eyes):
    """Whether the step is done, by a model that knows nothing of files: `a` is who started the run."""
    yes, age = set(), 0
    for kind, *what in acts:
        if kind == "vote":
            if not what[1]:
                return False
            yes |= {what[0]} - ({"a"} if four_eyes else set())
        else:
            age += what[0]
        if kind in {"crash", "abort"} and (age >= 60 or what[1]):  # another input makes it another question
            yes, age = set(), 0
        if age >= 60 or len(yes) >= least:
            return age < 60
    return False


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=EXAMPLES // 2)
@given(acts=st.lists(ACTS, max_size=8), least=st.integers(1, 3), four_eyes=st.booleans())
def test_however_votes_time_aborts_and_crashes_come_in_between(tmp_path_factory, monkeypatch, acts, least, four_eyes):
    engine = Engine(tmp_path_factory.mktemp("run"), monkeypatch)
    engine.ansible.environments["db1"] = "production" if four_eyes else "staging"
    elsewhere = Elsewhere(engine)
    starter = replace(ACTOR, user="a")
    engine.env = replace(engine.env, operator=elsewhere, actor=starter)
    ends = {"crash": dies, "abort": lambda: engine.env.cancellation.request("SIGTERM")}
    made = {
        "vote": lambda by, yes: elsewhere.votes(by, yes=yes),
        "pass": elsewhere.forward,
        "crash": lambda *_: ends["crash"],
        "abort": lambda *_: ends["abort"],
    }
    elsewhere.acts = [made[kind](*what) for kind, *what in acts]
    again = iter([what for kind, *what in acts if kind in {"crash", "abort"}])

    act = change("act", approve={"says": "Go?", "min": least, "expires": "1m"})
    given = CEREMONY if four_eyes else {}
    result = tried(lambda: engine.run(act, takes=COUNT, inputs={"count": 0}, **given))
    while result is None or result.exit_code is ExitCode.INTERRUPTED:
        seconds, edits = next(again)
        engine.env.clock.forward(seconds)
        if edits:
            engine.asked_for = replace(engine.asked_for, inputs={"count": len(elsewhere.acts)})
        result = tried(engine.resume)

    assert (engine.done("db1") == ["act"]) == model(acts, least, four_eyes)
    assert elsewhere.questions.latest().verdict != "open"


def tried(act):
    try:
        return act()
    except Killed:
        return None


def test_the_record_says_who_voted_and_on_what(engine, elsewhere):
    elsewhere.acts = [lambda: GateAnswer(yes=True, by="alice", note="ok"), elsewhere.votes("bob")]

    engine.run(change("act", approve={**TWO, "expires": "5m"}))

    asked = next(record.data for record in engine.records if record.type == EventType.GATE_ASKED)
    voted = [record.data for record in engine.records if record.type == EventType.VOTE_GIVEN]
    terms = {name: asked[name] for name in ("question", "min", "group", "four_eyes", "expires")}
    assert terms == {"question": 1, "min": 2, "group": "", "four_eyes": False, "expires": 300.0}
    cast = {"by": "alice", "login": "alice", "vote": "yes", "note": "ok"}
    assert voted == [{**cast, "question": 1, "subject": asked["subject"]}]


def lacking(engine, name, *hosts):
    """What `act` does cannot be said, on `hosts` or on all: a name in it is not defined."""
    render = engine.ansible._commands

    def without(job, part, steps):
        commands = render(job, part, steps)
        for host in commands.get("act", {}):
            if host in hosts or not hosts:
                commands["act"][host] = {**commands["act"][host], "missing": [f"'{name}' is undefined"]}
        return commands

    engine.ansible._commands = without


@pytest.mark.parametrize(
    ("name", "mend"),
    [("item", "only a step with `each` has it"), ("port_of", "give it a value, then resume the run")],
)
def test_what_cannot_be_approved_as_a_name_in_it_is_not_defined_fails_at_once(engine, elsewhere, name, mend):
    lacking(engine, name)

    result = engine.run(change("look", effect="read"), change("act", approve="Go?"))

    why = f"what it would do is not known: '{name}' is undefined ({mend})"
    assert (result.exit_code, result.happened) == (ExitCode.FAILED, f"Act failed on db1: {why}")
    assert (elsewhere.views, elsewhere.questions.latest(), engine.done("db1")) == ([], None, ["look"])


def test_where_it_is_defined_people_are_asked_about_the_other_hosts_if_these_may_fail(engine, elsewhere):
    engine.ansible.hosts = {"all": ["db1", "db2"]}
    lacking(engine, "port_of", "db1")
    elsewhere.acts = [elsewhere.votes("bob")]

    result = engine.run(change("act", approve="Go?"), max_failures=1)

    assert {tuple(view.hosts) for view in elsewhere.views} == {("db2",)}
    assert (result.outcome, engine.done("db1"), engine.done("db2")) == ("failed", [], ["act"])
    # and once it has a value, it is asked about on the first one as well
    del engine.ansible._commands
    elsewhere.acts = [elsewhere.votes("bob")]
    assert (engine.resume().outcome, engine.done("db1")) == ("passed", ["act"])
