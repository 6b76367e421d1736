"""`git`: its real programs against real repositories, by the file system and by ssh, and what takes them back."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from harness import PATIENCE, ROOT
from harness.bench import CONTACTS, Bench

from runner.core.errors import InvalidInputError
from runner.kinds.steps.delivery.git_step import GitStep
from runner.lab.hosts import ssh_hosts
from runner.model.yaml.document import load

RUN = "20260101T000000Z-aaaa"
IDENTITY = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b"}
IDENTITY |= {"GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b"}


def git(where, *words):
    done = subprocess.run(
        ["git", *words], cwd=where, env={**os.environ, **IDENTITY}, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def commit(where, name):
    (where / name).write_text(name)
    git(where, "add", name)
    git(where, "commit", "--quiet", "-m", name)
    return git(where, "rev-parse", "HEAD")


@pytest.fixture
def repositories(tmp_path):
    """A bare repository, and two clones of it, with a commit on main that all of them have."""
    bare, here, other = (tmp_path / name for name in ("bare.git", "here", "other"))
    git(tmp_path, "init", "--quiet", "--bare", "--initial-branch=main", bare)
    git(tmp_path, "clone", "--quiet", bare, here)
    first = commit(here, "first")
    git(here, "push", "--quiet", "origin", "HEAD:main")
    git(tmp_path, "clone", "--quiet", bare, other)
    return SimpleNamespace(bare=bare, here=here, other=other, first=first)


def do(step, *, run=RUN, patience=20, environment=(), templates=()):
    """What the compiled call of `step` does on this machine: its answer, or the last line of its complaint."""
    call = step.invocation(timedelta(seconds=patience), None)
    given = dict(call.environment or {})
    for name, value in dict(templates).items():
        given = {key: text.replace(f"{{{{ {name} }}}}", value) for key, text in given.items()}
    around = {**os.environ, **IDENTITY, "RUNBOOK_RUN_ID": run, **given, **dict(environment)}
    done = subprocess.run(
        call.args["argv"], env=around, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )
    return json.loads(done.stdout) if done.returncode == 0 else done.stderr.strip().splitlines()[-1]


def step(repositories, **keys):
    return GitStep.model_validate({"git": {"repository": str(repositories.here), **keys}})


def tags(where):
    return git(where, "tag", "--list").split()


def pushed(repositories, **keys):
    return step(repositories, push="origin", **keys)


def test_a_tag_is_made_and_sent_alone(repositories):
    # Given a commit and a tag of somebody, which the remote repository does not have
    git(repositories.here, "tag", "local")
    second = commit(repositories.here, "second")
    made = pushed(repositories, tag="v1")
    # When the tag is made, twice
    first_answer, again = do(made), do(made)
    # Then it is there once, and nothing else was sent
    assert first_answer == again == {"tag": "v1", "commit": second, "made": True}
    assert tags(repositories.bare) == ["v1"]
    assert git(repositories.bare, "rev-parse", "main") == repositories.first
    # And the undo deletes it alone, here and there, and has nothing more to do the next time
    assert [do(made.undone_by), do(made.undone_by)] == [{"deleted": ["v1"]}, {"deleted": []}]
    assert (tags(repositories.bare), tags(repositories.here)) == ([], ["local"])


def test_each_run_has_the_next_number(repositories):
    # Given tags of other runs, also such that only the remote repository has
    commit(repositories.other, "unrelated")
    for name in ("v1-9", "v1-10", "v1-x", "v2-77"):
        git(repositories.other, "tag", name)
    git(repositories.other, "push", "--quiet", "--tags")
    git(repositories.here, "tag", "v1-3")
    numbered = pushed(repositories, tag="v1-*")
    # When two runs make one, and the first of them is done again
    answers = [do(numbered), do(numbered, run="another"), do(numbered)]
    # Then each has one of its own
    assert [answer["tag"] for answer in answers] == ["v1-11", "v1-12", "v1-11"]
    # And only its own is taken back
    assert do(numbered.undone_by) == {"deleted": ["v1-11"]}
    assert "v1-12" in tags(repositories.bare)
    # And without a run nobody knows which one is meant
    assert do(numbered, run="")["tag"] == "v1-13"
    assert "only a run of runbookctl knows its tag" in do(numbered.undone_by, run="")


def test_a_number_that_somebody_else_takes_meanwhile_is_not_used(repositories):
    # Given a remote repository in which another one is made just before ours arrives
    hook = repositories.bare / "hooks" / "update"
    hook.write_text("#!/bin/sh\n[ -e once ] || { touch once; git tag v1-1 main; }\n")
    hook.chmod(0o755)
    # When a tag is made
    answer = do(pushed(repositories, tag="v1-*"))
    # Then it has the number after that, and no other tag of ours is left
    assert answer["tag"] == "v1-2"
    assert git(repositories.bare, "rev-parse", "v1-1") == repositories.first
    assert set(tags(repositories.here)) == {"v1-1", "v1-2"}


def test_a_run_that_died_before_it_had_sent_its_tag_sends_that_one(repositories):
    # Given a run that could not send its tag
    numbered = pushed(repositories, tag="v1-*")
    repositories.bare.rename(repositories.bare.with_name("away"))
    assert "does not appear to be a git repository" in do(numbered)
    # When it goes on
    repositories.bare.with_name("away").rename(repositories.bare)
    do(step(repositories, tag="v1-*"))
    answer = do(numbered)
    # Then it is the same one
    assert answer["tag"] == "v1-1"
    assert tags(repositories.bare) == ["v1-1"]


def test_what_was_there_before_stays(repositories):
    # Given a tag of the same commit that somebody has made and sent
    git(repositories.here, "tag", "v1")
    git(repositories.here, "push", "--quiet", "origin", "v1")
    made = pushed(repositories, tag="v1")
    # When it is made, and taken back
    assert do(made) == {"tag": "v1", "commit": repositories.first, "made": False}
    assert do(made.undone_by) == {"deleted": []}
    # Then it is still there
    assert tags(repositories.bare) == tags(repositories.here) == ["v1"]


def moved_tag(repositories):
    git(repositories.here, "tag", "v1")
    git(repositories.here, "push", "--quiet", "origin", "v1")
    commit(repositories.other, "later")
    git(repositories.other, "tag", "--force", "v1")
    git(repositories.other, "push", "--quiet", "--force", "origin", "v1")


def other_commit(repositories):
    git(repositories.here, "tag", "v1")
    commit(repositories.here, "later")


def only_here(repositories):
    git(repositories.here, "tag", "v1")


def dirty(repositories):
    (repositories.here / "first").write_text("changed")


def diverged(repositories):
    commit(repositories.other, "theirs")
    git(repositories.other, "push", "--quiet", "origin", "main")
    commit(repositories.here, "ours")


def unreachable(repositories):
    repositories.bare.rename(repositories.bare.with_name("away"))


def refused(repositories):
    hook = repositories.bare / "hooks" / "update"
    hook.write_text("#!/bin/sh\necho tags are frozen >&2\nexit 1\n")
    hook.chmod(0o755)


def nothing(repositories):
    """As it is."""


@pytest.mark.parametrize(
    ("prepare", "keys", "complaint"),
    [
        (moved_tag, {}, "a tag v1 at origin was moved: it is not the one of that name here"),
        (other_commit, {}, "the tag v1 is there already, at "),
        (only_here, {}, "the tag v1 is here already, and not at origin: this run has not made it"),
        (dirty, {}, "has changes that are not committed:  M first"),
        (diverged, {"branch": "main"}, "HEAD is not the newest commit of main at origin: 1 of its commits are not there, 1 of those are not here"),
        (nothing, {"branch": "absent"}, "origin has no branch absent"),
        (unreachable, {}, "does not appear to be a git repository"),
        (refused, {}, "tags are frozen"),
        (nothing, {"at": "absent"}, "has no commit absent"),
        (nothing, {"repository": "/nowhere"}, "there is no directory /nowhere"),
        (nothing, {"repository": "/"}, "not a git repository"),
    ],
)  # fmt: skip
def test_a_tag_that_cannot_be_made_says_why(repositories, prepare, keys, complaint):
    prepare(repositories)
    before = tags(repositories.here)
    answer = do(pushed(repositories, **{"tag": "v1", **keys}))
    assert complaint in answer
    # And the undo takes away only what was made before it failed
    if prepare is not unreachable:
        do(pushed(repositories, **{"tag": "v1", **keys}).undone_by)
        assert tags(repositories.here) == before


HOSTILE = ["--upload-pack=touch planted", "$(touch planted)", "`touch planted`", "a;touch planted", "a\ntouch planted", "ext::touch planted", "", "..", "*", "**", 'a"b', "@{1}"]  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_is_never_more_than_a_name(repositories, name, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    before = tags(repositories.here)
    all_of_a_tag = step(repositories, tag="{{ x }}", at="{{ x }}", message="{{ x }}", push="origin", branch="{{ x }}")
    for made in (
        all_of_a_tag,
        all_of_a_tag.undone_by,
        step(repositories, tag="{{ x }}"),
        step(repositories, tag="v1", push="{{ x }}"),
        step(repositories, tag="v1").undone_by,
        step(repositories, checkout="{{ x }}", fetch="origin"),
        step(repositories, checkout="v1", fetch="{{ x }}"),
    ):
        do(made, templates={"x": name})
    assert [*tmp_path.rglob("planted")] == []
    assert tags(repositories.here) == before
    assert git(repositories.here, "rev-parse", "--abbrev-ref", "HEAD") == "main"


def test_a_release_is_checked_out_and_left_again(repositories):
    # Given a tag that only the remote repository has
    later = commit(repositories.other, "later")
    git(repositories.other, "tag", "v2")
    git(repositories.other, "push", "--quiet", "origin", "main", "v2")
    release = step(repositories, checkout="v2", fetch="origin")
    # When it is checked out, twice
    assert do(release) == do(release) == {"commit": later, "previous": "main"}
    assert (repositories.here / "later").exists()
    # Then the undo goes back to the branch of before, which nobody has moved
    assert do(release.undone_by) == {"commit": repositories.first}
    assert git(repositories.here, "rev-parse", "--abbrev-ref", "HEAD") == "main"
    # And has nothing to do once more
    assert do(release.undone_by) == {"commit": repositories.first}


def test_a_branch_is_checked_out_as_it_stands_at_the_remote_repository(repositories):
    later = commit(repositories.other, "later")
    git(repositories.other, "push", "--quiet", "origin", "main")
    assert do(step(repositories, checkout="main", fetch="origin"))["commit"] == later
    assert git(repositories.here, "rev-parse", "main") == repositories.first


def test_what_somebody_has_checked_out_since_stays(repositories):
    release = step(repositories, checkout="main", fetch="origin")
    commit(repositories.other, "later")
    git(repositories.other, "push", "--quiet", "origin", "main")
    do(release)
    elsewhere = commit(repositories.here, "elsewhere")
    assert "by now, which this run has not checked out" in do(release.undone_by)
    assert git(repositories.here, "rev-parse", "HEAD") == elsewhere


@pytest.mark.parametrize(
    ("prepare", "keys", "complaint"),
    [
        (moved_tag, {"checkout": "v1", "fetch": "origin"}, "the tag v1 at origin was moved"),
        (diverged, {"checkout": "main", "fetch": "origin"}, "the branch main has diverged: 1 of its commits are not"),
        (dirty, {"checkout": "main"}, "has changes that are not committed"),
        (nothing, {"checkout": "absent"}, "has no tag, branch or commit absent"),
        (nothing, {"checkout": "absent", "fetch": "origin"}, "origin has no tag or branch absent"),
        (unreachable, {"checkout": "main", "fetch": "origin"}, "does not appear to be a git repository"),
    ],
)
def test_a_checkout_that_cannot_be_made_says_why_and_changes_nothing(repositories, prepare, keys, complaint):
    prepare(repositories)
    before = git(repositories.here, "rev-parse", "--abbrev-ref", "HEAD")
    assert complaint in do(step(repositories, **keys))
    assert git(repositories.here, "rev-parse", "--abbrev-ref", "HEAD") == before


def test_nobody_is_asked_for_a_password(repositories, httpserver):
    # Given a remote repository that wants one, and a program that would ask for it
    httpserver.expect_request("/shop.git/info/refs").respond_with_data(
        "who is it", status=401, headers={"WWW-Authenticate": 'Basic realm="shop"'}
    )
    asking = {"GIT_ASKPASS": "/bin/false", "DISPLAY": ":9", "GIT_DIR": "/nowhere"}
    # When a tag is to be sent there
    answer = do(step(repositories, tag="v1", push=httpserver.url_for("/shop.git")), environment=asking)
    # Then it fails at once
    assert "Authentication failed" in answer


def test_what_hangs_is_ended(repositories):
    hook = repositories.bare / "hooks" / "update"
    hook.write_text("#!/bin/sh\nexec sleep 900\n")
    hook.chmod(0o755)
    call = pushed(repositories, tag="v1").invocation(timedelta(seconds=1), None)
    around = {**os.environ, **IDENTITY, **call.environment, "RUNBOOK_RUN_ID": RUN}
    done = subprocess.run(call.args["argv"], env=around, capture_output=True, check=False, stdin=subprocess.DEVNULL)
    assert done.returncode == 124


@pytest.fixture
def sshd():
    with ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory()))  # its path is short enough for a socket
        try:
            yield stack.enter_context(ssh_hosts(place / "hosts", {"one": "127.0.0.1"}))
        except InvalidInputError as error:
            pytest.skip(error.message)


@pytest.mark.live
def test_a_tag_is_sent_by_ssh(repositories, sshd):
    # Given the same bare repository behind an sshd
    host = sshd.hosts["one"]
    variables = host.variables()
    url = (
        f"ssh://{variables['ansible_user']}@{variables['ansible_host']}:{variables['ansible_port']}{repositories.bare}"
    )
    login = " ".join(["ssh", *host.ssh_options(), "-i", variables["ansible_ssh_private_key_file"]])
    made = step(repositories, tag="v1-*", push=url, branch="main")
    # When a tag is sent there, and taken back
    answer = do(made, environment={"GIT_SSH_COMMAND": login})
    assert answer == {"tag": "v1-1", "commit": repositories.first, "made": True}
    assert tags(repositories.bare) == ["v1-1"]
    assert do(made.undone_by, environment={"GIT_SSH_COMMAND": login}) == {"deleted": ["v1-1"]}
    # Then it is gone; and a host whose key nobody knows is not trusted, and asks nobody
    assert tags(repositories.bare) == []
    unknown = {"GIT_SSH_COMMAND": "ssh -F /dev/null -o UserKnownHostsFile=/dev/null"}
    assert "Host key verification failed" in do(made, environment=unknown)


@pytest.mark.parametrize(
    ("written", "sentences"),
    [
        ({"repository": "/a"}, ["needs a `tag` or a `checkout`, and not both"]),
        ({"repository": "/a", "tag": "b", "checkout": "c"}, ["needs a `tag` or a `checkout`, and not both"]),
        ({"repository": "/a", "tag": "b", "fetch": "c"}, ["fetch does not go with tag"]),
        ({"repository": "/a", "checkout": "b", "push": "c"}, ["push does not go with checkout"]),
        ({"repository": "/a", "tag": "b", "branch": "c"}, ["compares with a `branch` of the repository in `push`, which is missing"]),
        ({"repository": "a", "tag": "b"}, ["must be an absolute path on the host, like /srv/shop, or a template, not 'a'"]),
    ],
)  # fmt: skip
def test_what_it_refuses(written, sentences, refusals):
    assert refusals(GitStep, git=written) == sentences


def test_nothing_in_a_program_is_a_template_to_ansible(repositories):
    made = step(repositories, tag="v1-*")
    programs = [each.invocation(timedelta(seconds=1), None).args["argv"][-2] for each in (made, made.undone_by)]
    assert [mark for mark in ("{{", "{%", "{#") for program in programs if mark in program] == []


@pytest.mark.live
def test_ansible_makes_the_tag_and_a_run_that_fails_takes_it_back(repositories, tmp_path):
    # Given a run that tags, and then fails; the next one passes
    bench = Bench(tmp_path)
    bench.hosts()
    tags_it = {
        "id": "tag",
        "name": "Tag",
        "git": {"repository": str(repositories.here), "tag": "v1-*", "push": "origin", "branch": "main"},
        "capture": {"release_tag": "tag"},
        "verify": [{"says": "The tag is there", "exit": 0}],
    }
    fails = {"id": "deploy", "name": "Deploy", "shell": "test -e ready", "chdir": str(tmp_path)}
    fails |= {"verify": [{"exit": 0}], "on_failure": "undo"}
    bench.write(tags_it, fails)
    # When both are done
    failed = bench.run()
    left = tags(repositories.bare)
    (tmp_path / "ready").touch()
    passed = bench.run()
    # Then the first one has left nothing, and the tag of the second is kept by its name
    assert (failed.code != 0, left) == (True, []), failed.out[-2000:]
    captured = [event["data"]["values"] for event in passed.events if event["type"] == "values.captured"]
    assert (passed.code, captured, tags(repositories.bare)) == (0, [{"release_tag": "v1-1"}], ["v1-1"])
    assert tags(repositories.here) == ["v1-1"]


@pytest.mark.live
def test_the_release_procedure_tags_the_commit_that_was_approved_whatever_is_checked_out_by_then(
    repositories, tmp_path
):
    # Given the steps of RUN-002 that find the commit, ask, and tag, in a run that waits for a yes
    bench = Bench(tmp_path)
    procedure = load((ROOT / "runbooks" / "RUN-002.yml").read_bytes(), file="RUN-002.yml").value["steps"]
    steps = [each for each in procedure if each["id"] in ("commit", "announce", "tag")]
    bench.hosts(app={"release_repository": str(repositories.here)})
    contacts = CONTACTS + "deployments: {name: Deployments, channels: [{webhook: {url: 'http://127.0.0.1:9/'}}]}\n"
    bench.write(*steps, contacts=contacts, hosts="app", inputs={"version": {"help": "Which", "default": "1.5.0"}})
    process = bench.started("run", "RUN-900", "-i", str(bench.inventory), "--json", "--wait", "120s")
    bench.asks(process)
    (asked,) = bench.pending()
    # When another commit is checked out before somebody says yes
    commit(repositories.here, "second")
    approved = bench.command("approve", "last", "--subject", asked["subject"])
    out, err = process.communicate(timeout=PATIENCE)
    # Then the question has shown the first one, and it is that which is tagged
    assert asked["context"]["hosts"]["app"]["text"].startswith(
        f"announce Version 1.5.0 goes out, commit {repositories.first}"
    ), asked
    assert (approved.code, process.returncode) == (0, 0), (approved, out, err)
    assert git(repositories.bare, "rev-parse", "deploy-1.5.0-1^{commit}") == repositories.first
