"""`runbook site` writes the catalogue, with what the record tells when there is one."""

from __future__ import annotations

import pytest


def test_the_site_is_written(runbook, library, here):
    ran = runbook("site", "public")

    assert (ran.code, ran.out, ran.err) == (0, "wrote 6 pages to public/index.html\n", "")
    assert sorted(path.name for path in (here / "public").iterdir()) == [
        ".runbook-site",
        *("RUN-001.html", "attention.html", "index.html", "links.html", "matrix.html", "registry.html"),
    ]
    assert not (here / ".runbook").exists()


def test_what_was_done_is_told(runbook, library, ansible, here):
    ansible.environments["db1"] = "staging"
    runbook("run", "RUN-001", "-i", "inventory.yml")

    ran = runbook("site", "public")

    assert ran.out == "wrote 7 pages to public/index.html\n"
    assert ">passed</span>" in (here / "public" / "runs.html").read_text()
    assert ">tested</span>" in (here / "public" / "RUN-001.html").read_text()


@pytest.mark.parametrize(("age", "word"), [("1ms", "stale"), ("1d", "tested")])
def test_how_old_a_test_may_be_is_for_the_team_to_say(runbook, library, ansible, here, age, word):
    ansible.environments["db1"] = "staging"
    runbook("run", "RUN-001", "-i", "inventory.yml")
    runbook("site", "public", "--stale-after", age)

    assert f">{word}</span>" in (here / "public" / "RUN-001.html").read_text()


def test_a_directory_of_somebody_else_is_left_alone(runbook, library, here):
    ran = runbook("site", ".")

    assert (ran.code, ran.out) == (2, "")
    assert "which is not from an earlier site" in ran.err
    assert (here / "runbooks" / "RUN-001.yml").is_file()


def test_a_library_that_does_not_load_leaves_the_earlier_site(runbook, library, here):
    runbook("site", "public")
    (here / "runbooks" / "RUN-002.yml").write_text("{")

    ran = runbook("site", "public")

    assert ran.code == 2
    assert ran.err.startswith("error: runbooks/RUN-002.yml:")
    assert (here / "public" / "RUN-001.html").is_file()


def test_an_age_that_is_none_is_refused(runbook, library):
    ran = runbook("site", "public", "--stale-after", "soon")

    assert (ran.code, "'soon' is not a duration" in ran.err) == (2, True)


def test_a_record_that_is_broken_tells_nothing(runbook, library, ansible, here):
    ansible.environments["db1"] = "staging"
    runbook("run", "RUN-001", "-i", "inventory.yml")
    log = here / ".runbook" / "audit" / "audit.jsonl"
    log.write_bytes(log.read_bytes().replace(b"passed", b"failed", 1))

    ran = runbook("site", "public")

    assert (ran.code, (here / "public").exists()) == (7, False)
