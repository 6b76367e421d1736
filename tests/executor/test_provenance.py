"""What exactly runs: versions, the commit of the library, and collections, of which nothing is guessed."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from importlib.metadata import version

import pytest

from runner.executor.provenance import commit, provenance

PLAYBOOK = b"- hosts: all\n  tasks:\n    - ansible.builtin.command: {argv: [df]}\n"
WHO = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b"}


def git(where, *words):
    env = {"PATH": os.environ["PATH"], "HOME": str(where), "GIT_CONFIG_NOSYSTEM": "1", **WHO}
    return subprocess.run(
        ["git", "-C", where, *words], env=env, check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.fixture
def repository(tmp_path):
    (tmp_path / "runbooks").mkdir()
    (tmp_path / "runbooks" / "RUN-001.yml").write_text("id: RUN-001\n")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "First")
    return tmp_path


def test_a_library_as_it_was_committed(repository):
    (repository / ".runbook").mkdir()
    (repository / ".runbook" / "state").write_text("is no part of the library")

    assert commit(repository, os.environ) == git(repository, "rev-parse", "HEAD")


def test_one_that_differs_from_its_commit(repository):
    (repository / "runbooks" / "RUN-001.yml").write_text("id: RUN-001 # changed\n")
    head = git(repository, "rev-parse", "HEAD")

    assert commit(repository, os.environ) == f"{head}, 1 file differs from it"
    (repository / "runbooks" / "RUN-002.yml").write_text("new\n")
    assert commit(repository, os.environ) == f"{head}, 2 files differ from it"


def test_a_repository_without_a_commit(tmp_path):
    git(tmp_path, "init", "-q")

    assert commit(tmp_path, os.environ) == "none yet"


def test_no_repository_and_no_git(tmp_path):
    assert commit(tmp_path, os.environ) == "none: the library is in no git repository"
    assert commit(tmp_path, {"PATH": str(tmp_path)}) == "not known: git is not installed"


def test_nothing_that_the_repository_names_is_executed_and_no_variable_leads_elsewhere(repository, tmp_path_factory):
    ran = repository / "ran"
    git(repository, "config", "core.fsmonitor", f"touch {ran}; false")
    other = tmp_path_factory.mktemp("other")
    git(other, "init", "-q")

    assert commit(repository, {**os.environ, "GIT_DIR": str(other / ".git")}) == git(
        repository, "-c", "core.fsmonitor=false", "rev-parse", "HEAD"
    )
    assert not ran.exists()


def test_versions_are_those_that_are_installed(tmp_path):
    assert provenance(tmp_path, PLAYBOOK, os.environ) == {
        "python": platform.python_version(),
        **{name: version(name) for name in ("runbookctl", "ansible-core", "ansible-runner")},
        "library": str(tmp_path),
        "commit": "none: the library is in no git repository",
    }


def test_the_collections_that_a_playbook_uses(tmp_path):
    manifest = tmp_path / "ansible_collections" / "acme" / "tools" / "MANIFEST.json"
    manifest.parent.mkdir(parents=True)
    manifest.write_text(json.dumps({"collection_info": {"version": "1.10.0"}}))
    playbook = PLAYBOOK + b"    - acme.tools.saw: {}\n    - acme.lost.hammer:\n"
    environ = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(tmp_path)}

    found = provenance(tmp_path, playbook, environ)["collections"]

    assert found == {"acme.tools": "1.10.0", "acme.lost": "not known"}
