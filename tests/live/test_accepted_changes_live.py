"""A runbook is edited between a failure and a resume: what was proven of another text is no proof."""

from __future__ import annotations

import pytest
from harness.bench import step


def touching(bench, name, **keys):
    """A change that leaves a line in a file, verified by looking for it."""
    path = bench.directory / name
    return step(name, f"echo {name} >> {path}", **{"verify": [{"command": f"test -e {path}"}], **keys})


@pytest.fixture
def failed(bench):
    """A run that failed at its second step; its first one is done and verified."""
    bench.write(touching(bench, "one"), step("two", "exit 1"))
    assert bench.run().code == 1
    return bench


def resumed(bench, *steps):
    bench.write(*steps)
    return bench.command("resume", "last", "--accept-changes", "--yes", "--json")


def test_a_verification_that_was_rewritten_is_made_again_and_the_action_is_not(failed):
    holds = touching(failed, "one", verify=[{"command": f"grep -q one {failed.directory}/one"}])
    broken = touching(failed, "one", verify=[{"command": f"grep -q two {failed.directory}/one"}])

    red = resumed(failed, broken, step("two", "true"))
    green = resumed(failed, holds, step("two", "true"))

    assert (red.code, "one is in doubt" in red.events[-1]["problems"][0]) == (4, True)
    assert (green.code, (failed.directory / "one").read_text()) == (0, "one\n"), green.err
