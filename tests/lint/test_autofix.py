"""What is mended is gone, everything else stays as it is, and what cannot be mended safely is left alone."""

from __future__ import annotations

from datetime import date

import pytest
from harness.fakes import runbook_file

from runner.library.library import Library
from runner.lint.autofix import mended
from runner.lint.engine import examine
from runner.lint.lint_context import LintContext
from runner.model.yaml.document import load

HEAD = """\
# A comment at the top.
id: RUN-001
title:   "Disk is full"   # odd spaces stay
category: incident
severity: P2
owner: backend-team
trigger: {alert: MON-001}
scope: {handles: [Too little space]}
hosts: all
inputs: {path: {type: enum, values: [/srv, /var], help: Where}}
steps:
  - {id: which, name: B, effect: read, command: uptime, verify: [{exit: 0}]}
"""
TAIL = """\
escalation: {when: [step_failed], contacts: [on-call], provide: [timeline]}
# A comment at the end, without a line break"""


@pytest.fixture
def context(tmp_path):
    def read(step, newline="\n", head=HEAD):
        path = runbook_file(tmp_path)
        path.write_bytes((head + step + TAIL).replace("\n", newline).encode())
        library = Library(tmp_path)
        source = library.source("RUN-001")
        return LintContext(source, library.contacts(source), date(2026, 1, 1))

    return read


def step(action, verify="[{exit: 0}]"):
    return f"  - id: a\n    name: A\n    effect: read\n    {action}\n    verify: {verify}\n"


MENDED = [
    ("command: curl http://x/", "command: curl --fail http://x/"),
    ("command: [curl, -s, http://x/]", None),
    ("command: 'curl http://x/'  # why", "command: 'curl --fail http://x/'  # why"),
    ("shell: |\n      # curl is asked twice\n      curl http://x/", None),
    (
        "shell: |\n      curl http://x/\n      curl http://y/",
        "shell: |\n      curl --fail http://x/\n      curl --fail http://y/",
    ),
    ('shell: curl --fail http://x/ | jq ".ok"', 'shell: curl --fail http://x/ | jq -e ".ok"'),
    ("shell: du {{ path }}", "shell: du {{ path | quote }}"),
    ("shell: du '{{ path }}'", None),
    ("shell: du '{{ path }}' {{ path }}", "shell: du '{{ path }}' {{ path | quote }}"),
    ("shell: du {{ path }} {{ path }}", "shell: du {{ path | quote }} {{ path | quote }}"),
    ("command: docker-compose ps", "command: docker compose ps"),
    ("command: docker-compose -f docker-compose.yml ps", None),
    ("command: curl http://x/ # lint: allow curl-without-fail - it warms a cache", None),
]


def again(context, text):
    """What is looked at after `text` was written."""
    context.source.path.write_bytes(text.encode())
    library = Library(context.source.path.parent.parent)
    source = library.source("RUN-001")
    return LintContext(source, library.contacts(source), date(2026, 1, 1))


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize(("before", "after"), MENDED)
def test_only_what_is_wrong_is_changed(context, before, after, newline):
    text, count = mended(context(step(before), newline))

    assert text == (HEAD + step(after or before) + TAIL).replace("\n", newline)
    assert bool(count) is (after is not None)


@pytest.mark.parametrize("before", [before for before, after in MENDED if after])
def test_what_was_mended_is_found_no_more_and_mending_again_changes_nothing(context, before):
    old = context(step(before))
    text, count = mended(old)

    new = again(old, text)
    assert len(examine(new).findings) == len(examine(old).findings) - count
    assert mended(new) == (text, 0)


@pytest.mark.parametrize("harm", [lambda text: text.replace("P2", "P3"), lambda text: text + "\n{"])
def test_an_edit_after_which_the_file_says_something_else_is_left_out(context, monkeypatch, harm):
    old = context(step("command: curl http://x/"))
    calls = iter([False, True, True, True])

    def once(data, file):
        return load(harm(data.decode()).encode() if next(calls) else data, file=file)

    monkeypatch.setattr("runner.lint.autofix.load", once)
    assert mended(old) == (old.document.text, 0)
