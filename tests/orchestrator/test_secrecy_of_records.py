"""A secret that somebody or something says is in nothing that is written, sent or shown, on whichever road it came."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from harness.engine import FAILED, change, undoing
from harness.fake_run import request_in
from harness.fakes import RUNBOOK, runbook_file
from harness.secret_stores import CANARY, install, looked_up

from runner.compiler.committed_playbook import compiled
from runner.core.errors import ExecutionError, InvalidInputError
from runner.core.redaction import MASK
from runner.library.library import Library
from runner.orchestrator.run_environment import GateAnswer

SECRET = "hunter2 & co"
TAKES = {"key": {"type": "secret", "help": "The key"}, "note": {"help": "A note", "default": "nothing"}}
CALLS = {"when": ["step_failed"], "contacts": ["on-call"], "provide": ["timeline", "actions"]}
GIVEN = {"key": "env:KEY", "note": "nothing"}


def written(engine):
    """Every file of the state directory in which the secret is, in any of the ways in which we write text."""
    ways = {SECRET.encode(), json.dumps(SECRET)[1:-1].encode(), SECRET.replace("&", "&amp;").encode(), b"hunter2"}
    files = [path for path in engine.env.state.path.rglob("*") if path.is_file()]
    return sorted(path.name for path in files if any(way in path.read_bytes() for way in ways))


def leaks(engine, result):
    """Where the secret is: files, what was sent, what listeners heard, what the command would print."""
    shown = {
        "pages": engine.channel.sent,
        "events": [dict(event.data) for event in engine.heard],
        "result": [result.problems, result.hint],
    }
    return [*written(engine), *(name for name, said in shown.items() if "hunter2" in repr(said))]


def begun(engine, *steps, **changes):
    given = {"takes": TAKES, "inputs": GIVEN, "secrets": {"key": SECRET}, "escalation": CALLS, **changes}
    return engine.run(*(steps or [change("act", on_failure="escalate")]), **given)


@pytest.mark.parametrize("field", ["reason", "break_glass"])
def test_what_is_said_when_a_run_is_started(engine, field):
    engine.ansible.answers["act", "action"] = ("failed", {"rc": 1, "msg": "no"})

    result = begun(engine, **{field: f"since {SECRET} is known"})

    assert leaks(engine, result) == []
    assert getattr(engine.env.state.run(result.run_id).state, field) == f"since {MASK} is known"
    assert engine.channel.sent


@pytest.mark.parametrize("field", ["reason", "break_glass"])
def test_what_a_critical_run_leaves_for_the_case_of_its_death(engine, field):
    leases, found = [], []

    def look(_event):
        leases.extend(engine.env.state.leases.all())
        found.extend(written(engine))

    engine.env.listeners.append(look)
    begun(engine, severity="P0", **{field: f"since {SECRET} is known"})

    assert (bool(leases), found) == (True, [])


@pytest.mark.parametrize("field", ["reason", "break_glass"])
def test_what_is_said_when_a_run_is_gone_on_with(engine, field):
    engine.ansible.answers["act", "action"] = ("failed", {"rc": 1, "msg": "no"})
    begun(engine)
    engine.asked_for = replace(engine.asked_for, **{field: SECRET})

    result = engine.resume()

    assert leaks(engine, result) == []


@pytest.mark.parametrize("told", [{"stdout": "key {}"}, {"msg": "no {}", "rc": 1}], ids=["printed", "failed"])
def test_what_people_are_called_by_is_a_secret_of_each_run_that_could_call_them(engine, told):
    engine.channel.check = lambda secrets: secrets("env:ROUTING_KEY")
    engine.env = replace(engine.env, secrets=lambda reference: f"{SECRET}\n")
    result = {name: text.format(SECRET) if name != "rc" else text for name, text in told.items()}
    engine.ansible.answers["act", "action"] = ("failed" if "rc" in told else "ok", {"rc": 0, **result})
    engine.ansible.answers["act", "verify/1"] = FAILED

    ended = engine.run(change("act", on_failure="escalate"), escalation=CALLS)

    assert leaks(engine, ended) == []
    assert engine.channel.sent


def test_what_a_person_answers_notes_and_declares(engine):
    step = change("tell", approve="Go?", verify=[{"confirm": "Is it so?"}])
    engine.operator.answers["tell"] = GateAnswer(
        yes=False, by="alice", note=f"not {SECRET}", declared=f"it is {SECRET}"
    )

    result = begun(engine, step, escalation={**CALLS, "when": ["step_failed", {"declared": "Too much"}]})

    assert leaks(engine, result) == []
    assert len(engine.channel.sent) == 1


def test_a_note_of_a_vote(engine):
    engine.operator.answers["tell"] = GateAnswer(yes=True, by="alice", note=f"by {SECRET}")

    result = begun(engine, change("tell", approve="Go?"))

    assert leaks(engine, result) == []


@pytest.mark.parametrize("kind", ["ok", "failed", "unreachable"])
def test_what_a_host_answers(engine, kind):
    said = {
        "rc": int(kind == "failed"),
        "stdout": f"x {SECRET}",
        "stderr": SECRET,
        "msg": f"no {SECRET}",
        "deep": {SECRET: 1},
    }
    engine.ansible.answers["act", "action"] = (kind, said)
    engine.ansible.answers["act", "verify/1/probe"] = ("ok", {**said, "rc": 0})
    engine.ansible.answers["act", "verify/1"] = ("failed", {"assertion": f"'{SECRET}' == x", "msg": SECRET})

    result = begun(engine)

    assert leaks(engine, result) == []
    assert len(engine.channel.sent) == 1


def test_what_is_captured_is_not_kept_nor_used(engine):
    step = change("act", capture={"cap": "stdout"}, verify=[{"exit": 0}])
    engine.ansible.answers["act", "capture"] = ("ok", {"ansible_facts": {"cap": f"x {SECRET}"}})

    result = begun(engine, step)

    assert leaks(engine, result) == []
    assert engine.env.state.run(result.run_id).state.captured.get("db1", {}) == {}


def test_a_command_that_a_question_shows(engine):
    step = change("act", approve="Go?", command=["echo", SECRET])
    engine.operator.answers["act"] = GateAnswer(yes=False, by="alice")

    result = begun(engine, step)

    texts = [
        path for path in written(engine) if not path.startswith(("runbook", "playbook"))
    ]  # what its author wrote is no input's value
    assert (texts, "hunter2" in repr(engine.heard), "hunter2" in repr(result)) == ([], False, False)


def test_an_input_that_is_written_down_may_not_hold_a_secret(engine):
    with pytest.raises(InvalidInputError, match="the input note holds a secret, and is written down"):
        begun(engine, inputs={**GIVEN, "note": f"see {SECRET}"})

    assert written(engine) == []


HANDS_OVER = {**CALLS, "when": ["started", "refused", "step_failed"], "provide": ["note", "timeline"]}


@pytest.mark.parametrize("severity", ["P0", "P2"])
def test_an_input_that_holds_what_the_inventory_has_encrypted_is_refused_and_is_written_nowhere(engine, severity):
    engine.ansible.secrets = [SECRET]
    given = {"inputs": {"note": f"see {SECRET}"}, "takes": {"note": TAKES["note"]}, "secrets": {}}
    found = []
    engine.env.listeners.append(lambda _event: found.extend(written(engine)))

    result = begun(engine, escalation=HANDS_OVER, severity=severity, **given)

    assert (result.exit_code, engine.done("db1")) == (3, [])
    assert result.problems[0] == "the input note holds a secret, and is written down"
    assert (found, leaks(engine, result), "hunter2" in repr(result.ways_on)) == ([], [], False)
    assert engine.channel.sent


def test_no_input_is_written_down_or_sent_before_the_secrets_of_the_inventory_are_known(engine):
    def fail(*_, **__):
        raise ExecutionError("the inventory cannot be read")

    engine.ansible.execute = engine.ansible.resolve = fail
    given = {"inputs": {"note": f"see {SECRET}"}, "takes": {"note": TAKES["note"]}, "secrets": {}}

    result = begun(engine, escalation=HANDS_OVER, **given)

    assert (leaks(engine, result), len(engine.channel.sent)) == ([], 1)
    assert result.ways_on[0].words[-2:] == ("-e", "note=VALUE")


def test_what_the_runbook_itself_says_is_no_secret_though_the_inventory_has_encrypted_the_same(engine):
    engine.ansible.secrets = ["nothing"]

    assert begun(engine).outcome == "passed"


def test_a_run_is_gone_on_with_though_the_inventory_has_encrypted_since_what_it_was_given(engine):
    engine.ansible.answers["act", "action"] = FAILED
    begun(engine, inputs={**GIVEN, "note": "as before"})
    engine.ansible.answers.clear()
    engine.ansible.secrets = ["as before"]

    assert engine.resume().outcome == "passed"


def test_an_input_that_a_resume_is_given_anew_may_not_hold_what_the_inventory_has_encrypted(engine):
    vaulted = "swordfish-4711"
    engine.ansible.answers["act", "action"] = FAILED
    begun(engine, inputs={**GIVEN, "note": "as before"})
    engine.ansible.answers.clear()
    engine.ansible.secrets = [vaulted]
    engine.asked_for = replace(engine.asked_for, inputs={**engine.asked_for.inputs, "note": f"see {vaulted}"})
    done = engine.done("db1")

    result = engine.resume()

    assert result.problems[0] == "the input note holds a secret, and is written down"
    assert (result.exit_code, engine.done("db1")) == (2, done)
    files = [path for path in engine.env.state.path.rglob("*") if path.is_file()]
    assert files
    assert [path.name for path in files if vaulted.encode() in path.read_bytes()] == []


def test_what_is_said_when_a_run_is_taken_back(engine):
    engine.ansible.answers["two", "action"] = FAILED
    begun(engine, undoing("one"), change("two"))
    engine.asked_for = replace(engine.asked_for, reason=SECRET, break_glass=SECRET)

    result = engine.undo()

    assert leaks(engine, result) == []


@pytest.mark.parametrize("error", [ExecutionError(f"no {SECRET}", hint=SECRET), OSError(28, SECRET, SECRET)])
def test_what_an_error_says(engine, error):
    def fail(*_, **__):
        raise error

    engine.ansible.execute = fail

    result = begun(engine)

    assert leaks(engine, result) == []


def test_what_a_runbook_that_takes_over_would_write_down(engine):
    runbook_file(engine.directory, RUNBOOK, id="RUN-002", title="Take over", inputs={"word": {"help": "A word"}})
    source = Library(engine.directory).source("RUN-002")
    path = Library(engine.directory).playbook(source)
    path.parent.mkdir(exist_ok=True)
    path.write_text(compiled(source))
    engine.ansible.answers["two", "action"] = FAILED

    result = begun(engine, change("two", on_failure={"run": "RUN-002", "inputs": {"word": f"see {SECRET}"}}))

    assert "the input word holds a secret, and is written down" in " ".join(result.problems)
    assert len(list((engine.env.state.path / "runs").iterdir())) == 1


def test_a_request_does_not_tell_its_secrets(tmp_path):
    runbook_file(tmp_path)
    made = replace(request_in(tmp_path), secrets={"key": SECRET}, hidden=(SECRET,))

    assert SECRET not in repr(made)


def test_a_word_past_the_guards_is_not_sent_before_the_secrets_of_the_inventory_are_known(engine):
    def fail(*_, **__):
        raise ExecutionError("the inventory cannot be read")

    engine.ansible.execute = engine.ansible.resolve = fail

    begun(engine, break_glass="It burns")

    assert ["break_glass" in page.details for page in engine.channel.sent] == [False]


def test_the_secrets_of_every_store(engine, tmp_path):
    for program in ("op", "lpass", "give"):
        environ = install(tmp_path, program, f'echo "$SECRET of {program}"')
    (tmp_path / "key").write_text(f"{CANARY} of file\n")
    places = {"a": "op://a/b/c", "b": "lastpass:db", "c": "command:give", "d": f"file:{tmp_path}/key", "e": "env:HERE"}
    environ = {**environ, "HERE": f"{CANARY} of env"}
    values = {name: looked_up(place, environ) for name, place in places.items()}
    engine.ansible.answers["act", "action"] = ("failed", {"rc": 1, "stdout": "\n".join(values.values()), "msg": ""})

    takes = {name: {"type": "secret", "help": "A"} for name in places}
    engine.run(change("act"), takes=takes, inputs=places, secrets=values, escalation=CALLS)

    files = [path for path in engine.env.state.path.rglob("*") if path.is_file()]
    assert [path.name for path in files if b"canary" in path.read_bytes()] == []
    assert CANARY not in repr(engine.channel.sent)
    assert MASK in engine.env.state.log_path.read_text()
