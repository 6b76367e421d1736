"""`shell`: lines for a strict bash."""

from __future__ import annotations

from runner.steps.shell import Shell
from runner.tasks import bounded


def test_lines_run_in_a_bash_that_stops_at_the_first_failure(minute, no_file):
    step = Shell.model_validate({"shell": "cd /tmp\nls | wc -l\n", "env": {"A": "b"}, "chdir": "/"})
    assert step.invocation(minute, no_file) == bounded(
        ["/bin/bash", "-euo", "pipefail", "-c", "cd /tmp\nls | wc -l"],
        timeout=minute,
        environment={"A": "b"},
        chdir="/",
    )
    assert step.describe() == "cd /tmp\nls | wc -l"


def test_what_it_refuses(refusals):
    assert refusals(Shell, shell=" ") == ["is empty"]
    assert refusals(Shell, shell="echo ${#name}") == [
        "is not a template: Missing end of comment tag (line 1); {# begins a template's comment, "
        "so write ${{ '{' }}#name} for ${#name}"
    ]
