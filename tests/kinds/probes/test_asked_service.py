"""One question to a service: every fault of the network is a sentence, and no secret leaves the program."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from harness.fault_server import FaultServer
from harness.source_tree import PACKAGE

from runner.kinds.probes.asked_service import AskedService, OtherwiseError, UnknownError, answer, send, short

TOKEN = 'a-token-with-"quotes"'
FAULTS = {
    "401": "answers with the status 401",
    "429": "answers with the status 429",
    "503": "answers with the status 503",
    "html": "answers with the status 202",
    "redir": "answers with the status 302",
    "deep": "answers with something else than it should; is that its address?",
    "rst": "cannot be asked: ",
    "accept_then_rst": "cannot be asked: ",
    "garbage": "cannot be asked: ",
    "slow": "cannot be asked: no answer within 0.2 s",
}


def service(url, seconds=0.2):
    return AskedService(f"A service at {url}", url, {"Authorization": f"Bearer {TOKEN}"}, seconds)


@pytest.mark.parametrize("mode", FAULTS)
def test_a_fault_is_a_sentence(mode):
    with (
        FaultServer(("200", {}, b"[" * 100_000) if mode == "deep" else mode) as server,
        pytest.raises(UnknownError) as why,
    ):
        service(server.root).get("/path")
    assert str(why.value).startswith(f"A service at {server.root} {FAULTS[mode]}")
    assert TOKEN not in str(why.value)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://127.0.0.1:9", "Connection refused"),
        ("http://name.invalid", ""),
        ("ftp://127.0.0.1", "its address does not begin with http:// or https://"),
        ("prometheus:9090", "its address does not begin with http:// or https://"),
        ("http://me:secret@127.0.0.1", "there is a user in its address; a password is given by `token`"),
    ],
)
def test_an_address_where_nobody_is_says_so(url, said):
    with pytest.raises(UnknownError) as why:
        send("A service", url, seconds=0.2)
    assert str(why.value).startswith(f"A service cannot be asked: {said}")
    assert "secret" not in str(why.value)


def test_an_error_of_the_service_is_told_in_its_words():
    body = json.dumps({"error": "the query is\n too   long"}).encode()
    with FaultServer(("422", {}, body)) as server, pytest.raises(UnknownError) as why:
        service(server.root).get("/path")
    assert str(why.value).endswith("answers with the status 422: the query is too long")


def test_a_redirect_is_not_followed():
    with FaultServer() as elsewhere, FaultServer(("302", {"Location": elsewhere.root}, b"")) as server:
        with pytest.raises(UnknownError):
            service(server.root).get("/path")
        assert elsewhere.requests == []


def program(name, **question):
    environ = {f"PROBE_{key}": value for key, value in question.items()}
    words = [sys.executable, "-m", f"{PACKAGE.name}.kinds.probes.{name}"]
    return subprocess.run(words, env=environ, cwd=PACKAGE.parent, capture_output=True, text=True, check=False)


def test_a_program_prints_one_line_of_json_without_a_secret():
    # Given a service that quotes the token in its error
    said = json.dumps({"error": f"the token {TOKEN} is not known"}).encode()
    with FaultServer(("401", {}, said)) as server:
        done = program("prometheus", URL=server.root, QUERY="up", TOKEN=TOKEN)
        # Then the program says what was answered, and does not repeat it
        strict = program("prometheus", URL=server.root, QUERY="up", TOKEN=TOKEN, STRICT="yes")
    problem = f"Prometheus at {server.root} answers with the status 401: the token *** is not known"
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == {"problem": problem}
    # And that it is an error, where somebody has to know
    assert (strict.returncode, strict.stderr, strict.stdout) == (1, f"{problem}\n", done.stdout)


@pytest.mark.parametrize("mode", ["drip", "drip-head"])
def test_a_program_ends_in_time_however_slowly_it_is_answered(mode):
    with FaultServer(mode) as server:
        done = program("prometheus", URL=server.root, QUERY="up", SECONDS="0.5")
    assert json.loads(done.stdout)["problem"] in {
        "there is no answer within 0.5 s",
        f"Prometheus at {server.root} cannot be asked: no answer within 0.5 s",
    }


def test_an_answer_of_another_service_is_a_problem():
    with FaultServer(("200", {}, b'{"status": "success", "data": {"groups": [{}]}}')) as server:
        done = program("prometheus", URL=server.root, ALERT="PoolHigh", WANTED="resolved", DATA="up")
    assert json.loads(done.stdout) == {"problem": "the answer is not one of this service: KeyError"}


def test_programs_need_nothing_but_the_standard_library():
    # They run beside a playbook, where nothing of ours is: each imports only what lies beside it.
    texts = {path.name: path.read_text() for path in (PACKAGE / "kinds" / "probes").glob("*.py")}
    imported = {
        line.split()[1]
        for text in texts.values()
        for line in text.splitlines()
        if line.startswith(("from ", "import "))
    }
    others = {name for name in imported if not name.startswith(".")}
    assert {name.split(".")[0] for name in others} <= set(sys.stdlib_module_names)
    assert {name[1:] for name in imported - others} <= {Path(name).stem for name in texts}


def test_a_long_text_is_cut():
    assert short("a\n b  c") == "a b c"
    assert short("x" * 300) == "x" * 200 + "..."


@pytest.mark.parametrize(("error", "known"), [(OtherwiseError, {"otherwise": True}), (UnknownError, {})])
def test_what_is_known_to_be_otherwise_is_told_from_what_is_not_known(capsys, error, known):
    def look(_question, _now):
        raise error("PoolHigh is not firing")

    answer(look)

    assert json.loads(capsys.readouterr().out) == {"problem": "PoolHigh is not firing", **known}
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)  # nobody who is still there is interrupted later
