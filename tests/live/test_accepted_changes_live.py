"""A runbook is edited between a failure and a resume: what was proven of another text is no proof."""

from __future__ import annotations

import pytest
from harness.bench import step


def touching(bench, name, *, path=None, **keys):
    """A change that leaves a file, verified by looking for it."""
    path = bench.directory / (path or name)
    return step(name, f"echo {name} >> {path}", **{"verify": [{"command": f"test -e {path}"}], **keys})


@pytest.fixture
def failed(bench):
    """A run that failed at its second step; its first one is done and verified."""
    bench.write(touching(bench, "one"), step("two", "exit 1"))
    assert bench.run().code == 1
    return bench


def resumed(bench, *steps, flags=()):
    bench.write(*steps)
    return bench.command("resume", "last", "--accept-changes", "--yes", "--json", *flags)


def there(bench):
    return {
        name: (bench.directory / name).read_text().split()
        for name in ("one", "new")
        if (bench.directory / name).exists()
    }


def test_what_was_done_in_an_older_form_is_put_before_a_person_and_never_silently_green(failed):
    new = (touching(failed, "one", path="new"), step("two", "true"))

    asked = resumed(failed, *new)
    again = resumed(failed, *new)
    redone = resumed(failed, *new, flags=("--redo", "one"))

    assert (asked.code, asked.events[-1]["outcome"], again.code) == (4, "failed", 4)
    assert "one is in doubt on here" in asked.events[-1]["problems"][0]
    assert (redone.code, redone.events[-1]["outcome"]) == (0, "passed"), redone.err
    assert there(failed) == {"one": ["one"], "new": ["one"]}


def test_a_verification_that_was_rewritten_is_made_again_and_the_action_is_not(failed):
    holds = touching(failed, "one", verify=[{"command": f"grep -q one {failed.directory}/one"}])
    broken = touching(failed, "one", verify=[{"command": f"grep -q two {failed.directory}/one"}])

    red = resumed(failed, broken, step("two", "true"))
    green = resumed(failed, holds, step("two", "true"))

    assert (red.code, "one is in doubt" in red.events[-1]["problems"][0]) == (4, True)
    assert (green.code, there(failed)) == (0, {"one": ["one"]}), green.err


def test_who_accepted_what_is_recorded_and_both_texts_are_kept(failed):
    run = failed.state / "runs" / failed.run_ids()[-1]
    before = (failed.directory / "runbooks" / "RUN-900.yml").read_bytes()

    ran = resumed(failed, touching(failed, "one"), step("two", "true"))
    after = (failed.directory / "runbooks" / "RUN-900.yml").read_bytes()
    accepted = [event["data"] for event in ran.events if event["type"] == "changes.accepted"]

    assert ran.code == 0, ran.err
    assert len(accepted) == 1
    kept = [(run / f"runbook-{accepted[0][when]['runbook_sha256']}.yml").read_bytes() for when in ("before", "after")]
    assert kept == [before, after]
    assert "-  shell: exit 1" in accepted[0]["diff"]
    assert "+  shell: 'true'" in accepted[0]["diff"]
    assert accepted[0]["by"]


def test_a_file_that_a_step_names_is_part_of_what_was_reviewed(bench):
    script = bench.directory / "runbooks" / "do.sh"
    script.parent.mkdir()
    script.write_text(f"#!/bin/sh\necho one >> {bench.directory}/one\n")
    one = {**touching(bench, "one"), "script": "do.sh"}
    del one["shell"]
    bench.write(one, step("two", "exit 1"))
    bench.run()
    script.write_text(f"#!/bin/sh\necho two >> {bench.directory}/one\n")
    bench.compile()

    refused = bench.command("resume", "last", "--yes")
    asked = bench.command("resume", "last", "--yes", "--accept-changes")

    assert (refused.code, "has changed since the run" in refused.err) == (2, True)
    assert "+" in refused.err
    assert (asked.code, "one is in doubt on here" in asked.err) == (4, True)
