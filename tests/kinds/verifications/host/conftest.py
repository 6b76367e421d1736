"""What the tests of verifications of a host share: their conditions, judged by Ansible itself."""

from __future__ import annotations

from datetime import timedelta

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template
from harness.ansible_loader import plugin_loader

from runner.model.verification import Verification


def _trusted(value):
    return {name: trust_as_template(text) for name, text in value.items()}


@pytest.fixture
def judge():
    """The first condition of a kind that does not hold over what its program prints, with why; empty where all hold."""
    plugin_loader()

    def judged(kind, *that, rc=0, stdout="", **variables):
        verification = Verification(says="-", kinds=(kind,))
        probe = verification.probe()
        names = probe.bound("probe") | variables
        result = {"rc": rc, "stdout": stdout}
        templar = Templar(loader=DataLoader(), variables={"probe": result, **_trusted(names)})
        for condition in (probe.answered.replace("REGISTER", "probe"), *verification.conditions(None), *that):
            try:
                if not templar.evaluate_conditional(trust_as_template(condition)):
                    return condition
            except Exception as error:  # noqa: BLE001 - whatever Ansible raises fails the assert
                return f"{condition}: {type(error).__name__}"
        return ""

    return judged


@pytest.fixture
def argv():
    """The words of a kind's program, without the limit, and its environment."""

    def of(kind):
        probe = kind.probe(timedelta(seconds=10))
        return probe.args["argv"][3:], probe.environment

    return of
