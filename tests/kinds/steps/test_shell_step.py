"""`shell`: lines for a strict bash."""

from __future__ import annotations

import subprocess

import pytest

from runner.kinds.invocation import STRICT, bounded
from runner.kinds.steps.shell_step import ShellStep


def test_lines_run_in_a_bash_that_stops_at_the_first_failure(minute, no_file):
    step = ShellStep.model_validate({"shell": "cd /tmp\nls | wc -l\n", "env": {"A": "b"}, "chdir": "/"})
    assert step.invocation(minute, no_file) == bounded(
        ["/bin/bash", "--norc", "-peuo", "pipefail", "-c", "cd /tmp\nls | wc -l"],
        timeout=minute,
        environment={"A": "b"},
        chdir="/",
    )
    assert step.describe() == "cd /tmp\nls | wc -l"


@pytest.mark.parametrize("below", [{}, {"SSH_CLIENT": "::1 50000 22", "SSH2_CLIENT": "::1 50000 22"}])
def test_bash_reads_nothing_before_the_lines(tmp_path, below):
    # Given what bash reads on a host whose sshd starts it, and by its environment; neither is written to be strict
    for name in (".bashrc", "profile"):
        (tmp_path / name).write_text('echo "read by bash"; echo "$PS1"\n')
    environ = {"HOME": str(tmp_path), "BASH_ENV": str(tmp_path / "profile"), **below}

    ran = subprocess.run([*STRICT, "echo done"], env=environ, capture_output=True, text=True, check=False)

    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "done\n", "")


def test_what_it_refuses(refusals):
    assert refusals(ShellStep, shell=" ") == ["is empty"]
    assert refusals(ShellStep, shell="echo ${#name}") == [
        "is not a template: Missing end of comment tag (line 1); {# begins a template's comment, "
        "so write ${{ '{' }}#name} for ${#name}"
    ]
