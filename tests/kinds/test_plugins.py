"""Each kind is found by its key; what others register is added, and what cannot be used stops nobody else."""

from __future__ import annotations

import pytest
from harness.fakes import runbook_file
from harness.plugin_package import importable, register

from runner.channels.base import Channel
from runner.core.errors import InvalidInputError
from runner.kinds import plugins
from runner.kinds.secrets.base import SecretStore
from runner.kinds.steps.base import KEYS_OF_STEPS, StepKind
from runner.kinds.verifications.base import KEYS_OF_VERIFICATIONS, VerificationKind
from runner.library.library import Library
from runner.lint.engine import check_plugins, rules
from runner.model.step import Step
from runner.model.verification import Verification
from runner.model.yaml.document import InvalidFileError

STEP = "from runner.kinds.steps.base import StepKind\n\n\nclass Mine(StepKind):\n    key = '{key}'\n    {key}: str\n"

STORES = {
    "ansible-vault",
    "aws-sm",
    "aws-ssm",
    "bitwarden",
    "command",
    "env",
    "file",
    "lastpass",
    "op",
    "vault",
    "vault-kv",
}
KINDS_OF_STEPS = {"announce", "command", "git", "http", "manual", "module", "pipeline", "role", "run", "script"}
KINDS_OF_STEPS |= {"look", "shell", "sql", "tasks", "wait"}


@pytest.mark.parametrize(
    ("shelf", "base", "keys"),
    [
        (plugins.steps, StepKind, KINDS_OF_STEPS),
        (
            plugins.verifications,
            VerificationKind,
            {"command", "confirm", "exit", "hold_for", "http", "json", "matches", "oncall", "pipeline", "sql", "that"}
            | {"baseline", "certificate", "disk", "file", "port", "process", "service", "trend"}
            | {"alert_firing", "alert_resolved", "metric", "rds"},
        ),
        (plugins.channels, Channel, {"command", "email", "github", "jira", "pagerduty", "slack", "webhook"}),
        (plugins.secrets, SecretStore, STORES),
    ],
)
def test_every_kind_is_found_under_its_key(shelf, base, keys):
    found = shelf()
    assert set(found) == keys
    assert all(issubclass(kind, base) and kind.key == key for key, kind in found.items())
    assert list(found) == sorted(found)


def test_the_table_can_not_be_changed():
    with pytest.raises(TypeError):
        plugins.steps()["other"] = StepKind


def installed(folder, name, key, *, text=None, **groups):
    """A package that registers one kind of step, or `groups`."""
    module = name.replace("-", "_")
    register(folder, name, **(groups or {"steps": {key: f"{module}:Mine"}}))
    (folder / f"{module}.py").write_text(STEP.format(key=key) if text is None else text)


def problem():
    """What `runbook lint` says of the installed packages."""
    with pytest.raises(InvalidInputError) as caught:
        check_plugins()
    return caught.value.message, caught.value.hint


def test_what_another_package_registers_stands_among_ours(tmp_path):
    installed(tmp_path, "my-kinds", "mine")
    with importable(tmp_path):
        assert plugins.steps()["mine"].key == "mine"
        assert list(plugins.steps()) == sorted(plugins.steps())
        check_plugins()
    assert "mine" not in plugins.steps()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("import nothing_of_that_name\n", "ModuleNotFoundError: No module named 'nothing_of_that_name'"),
        ("1 / 0\n", "ZeroDivisionError: division by zero"),
        ("", "AttributeError: module 'my_kinds' has no attribute 'Mine'"),
        ("Mine = 1\n", "TypeError: it is no StepKind with a key"),
        ("from runner.kinds.steps.base import StepKind as Mine\n", "TypeError: it is no StepKind with a key"),
        ("raise SystemExit('no')\n", "SystemExit: no"),
        (
            STEP.format(key="mine").replace("mine: str", "others: str"),
            "TypeError: it has no field 'mine', which would hold what is written behind that key",
        ),
        (STEP.format(key="hosts"), "TypeError: it has the key 'hosts', which means something else there already"),
        (
            STEP.format(key="mine") + "    timeout: str\n",
            "TypeError: it has the key 'timeout', which means something else there already",
        ),
    ],
)
def test_what_cannot_be_used_names_its_package_and_stops_only_what_needs_it(tmp_path, text, why):
    # Given an installed package that is broken
    installed(tmp_path, "my-kinds", "mine", text=text)
    said = f"the package my-kinds 1.0 registers runbookctl.steps mine = my_kinds:Mine, which cannot be used: {why}"
    with importable(tmp_path):
        # Then our own kinds are all there, and so is a runbook that uses no other
        assert set(plugins.steps()) == KINDS_OF_STEPS
        runbook_file(tmp_path)
        assert Library(tmp_path).source("RUN-001").runbook.steps
        # And lint says what is wrong, and how it goes away
        assert problem() == (said, "pip uninstall my-kinds removes it")
        # And so does a runbook that wants the kind
        step = {"id": "a", "name": "A", "mine": "x", "verify": [{"command": "true"}]}
        runbook_file(tmp_path, steps=[step])
        with pytest.raises(InvalidFileError) as caught:
            Library(tmp_path).source("RUN-001")
        assert [each.hint for each in caught.value.findings if each.path == "steps[0].mine"] == [
            f"{said}; pip uninstall my-kinds removes it"
        ]


def test_the_keys_that_every_step_and_verification_may_have_are_those_of_the_model():
    # the action is written under the key of its kind; where a step stands in a diagnosis, and that it comes from the
    # registry, nobody writes
    assert set(Step.model_fields) == KEYS_OF_STEPS | {"action", "branch", "criterion"}
    assert set(Verification.model_fields) == KEYS_OF_VERIFICATIONS | {"kinds"}


def test_a_key_of_ours_is_not_taken_by_others(tmp_path):
    installed(tmp_path, "my-kinds", "shell")
    ours = plugins.steps()["shell"]
    with importable(tmp_path):
        assert plugins.steps()["shell"] is ours
        message, _ = problem()
    assert message == (
        "the package my-kinds 1.0 registers runbookctl.steps shell = my_kinds:Mine, which cannot be used: "
        "'shell' is a key of runbookctl"
    )


def test_of_two_packages_with_one_key_nobody_guesses_which_is_meant(tmp_path):
    installed(tmp_path, "one-kind", "mine")
    installed(tmp_path, "other-kind", "mine")
    with importable(tmp_path):
        assert "mine" not in plugins.steps()
        message, _ = problem()
    assert message.endswith("which cannot be used: 'mine' is a key of the package one-kind 1.0")
    assert "the package other-kind 1.0" in message


def test_a_rule_that_is_none_is_a_problem_of_lint_alone(tmp_path):
    installed(tmp_path, "my-rules", "", text="RULE = 1\n", rules={"my-rule": "my_rules:RULE"})
    with importable(tmp_path):
        assert rules()["no-channel"]
        message, _ = problem()
    assert message.endswith("runbookctl.rules my-rule = my_rules:RULE, which cannot be used: TypeError: it is no Rule")
