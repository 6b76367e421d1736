"""A hint is about what is no key of ours, and names one that is."""

from __future__ import annotations

import re

import pytest

from runner.model.checks.ansible_hints import RUNBOOK, STEP, VERIFICATION
from runner.model.runbook import Runbook
from runner.model.step import Step
from runner.model.verification import Verification

KNOWN = {
    *Runbook.model_fields,
    *Step.model_fields,
    *Verification.model_fields,
    "env",
    "exit",
    "that",
    "every",
    "hosts",
} | {"role", "tasks"}


@pytest.mark.parametrize(("hints", "model"), [(STEP, Step), (VERIFICATION, Verification), (RUNBOOK, Runbook)])
def test_no_key_that_there_is_has_a_hint_against_it(hints, model):
    assert hints.keys() & model.model_fields.keys() == set()


@pytest.mark.parametrize("hints", [STEP, VERIFICATION, RUNBOOK])
def test_what_is_to_be_written_instead_is_there(hints):
    named = {name for hint in hints.values() for name in re.findall(r"(?<=write )`(\w+)`", hint)}

    assert named - KNOWN == set()
