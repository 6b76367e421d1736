"""`runbook deprecate` keeps the file as it is, but for one key; nobody runs it any more."""

from __future__ import annotations

import pytest


@pytest.fixture
def two(library, here):
    first = library()
    second = first.with_name("RUN-002.yml")
    second.write_text(first.read_text().replace("RUN-001", "RUN-002") + "# kept\n")
    return first, second


def test_it_is_not_run_any_more_and_says_what_is_instead(runbook, two):
    first, second = two
    before = second.read_text().splitlines()

    ran = runbook("deprecate", "RUN-002", "--replaced-by", "RUN-001", "--reason", "Merged")

    after = second.read_text().splitlines()
    added = [line for line in after if line not in before]
    assert (ran.code, ran.out) == (0, "wrote  runbooks/RUN-002.yml\n")
    assert [line for line in after if line not in added] == before
    assert [line.split(":")[0].strip() for line in added] == ["deprecated", "since", "replaced_by", "reason"]
    runbook("compile")
    for words in (["run", "RUN-002", "-i", "inventory.yml"], ["plan", "RUN-002", "-i", "inventory.yml"]):
        refused = runbook(*words)
        assert refused.code == 2
        assert refused.err.splitlines()[0].startswith("error: RUN-002 is deprecated since ")
        assert refused.err.splitlines()[1] == "hint: use RUN-001"
    assert "deprecated" in runbook("show", "RUN-002").out
    assert first.is_file()


def test_what_still_leads_to_it_is_told(runbook, two, here):
    first, _ = two
    first.write_text(first.read_text() + "links: [RUN-002]\n")
    (here / "runbooks" / "registry").mkdir()
    entry = "{title: Space, owner: backend-team, severity: P1, condition: x, runbook: RUN-002}"
    (here / "runbooks" / "registry" / "a.yml").write_text(f"MON-009: {entry}\n")

    ran = runbook("deprecate", "RUN-002")

    assert (ran.code, ran.err) == (0, "hint: MON-009, RUN-001 still lead to it\n")


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["RUN-002", "--replaced-by", "RUN-002"], "RUN-002 cannot replace itself"),
        (["RUN-002", "--replaced-by", "RUN-077"], "there is no runbook RUN-077"),
        (["RUN-077"], "there is no runbook RUN-077"),
    ],
)
def test_what_makes_no_sense(runbook, two, words, why):
    del two

    ran = runbook("deprecate", *words)

    assert (ran.code, why in ran.err) == (2, True)


def test_once_is_enough(runbook, two):
    del two
    runbook("deprecate", "RUN-002")

    ran = runbook("deprecate", "RUN-002")

    assert (ran.code, "deprecated since" in ran.err) == (2, True)
