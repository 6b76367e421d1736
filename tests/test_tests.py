"""What the tests themselves keep to: a twin for each module, no patched global of ours, no timed or unseeded test.

Each list here names what does not keep a rule yet. A list may only shrink: what it names must still be so.
"""

from __future__ import annotations

import ast
import functools
import re
from collections import Counter, defaultdict

import pytest
from harness import PATIENCE
from harness.source_tree import modules, nodes, source_of_tests

TESTED_BY_DATA = re.compile(r"lint/rules/(?!base)\w+\.py")
"""The rules of lint: `tests/lint/rules/defects/` has files for each, and a test holds that."""

TESTED_WITH: dict[str, str] = {
    "services/drills/drill_journal.py": "services/drills/test_one_drill.py",
    "core/shell/syntax_tree.py": "core/shell/test_shell_reader.py",
    "render/handoff/going_on.py": "render/handoff/test_hand_off.py",
    "kinds/pipelines.py": "kinds/steps/delivery/test_pipeline_step.py",
    "kinds/verifications/pipeline_probe.py": "kinds/steps/delivery/test_pipeline_step.py",
    "render/deployment_rows.py": "services/test_deployment_log.py",
    "__main__.py": "cli/test_main.py",
    "compiler/gate_tasks.py": "compiler/test_compiler.py",
    "executor/item_entries.py": "orchestrator/test_due_items.py",
    "executor/ledger_entry.py": "executor/test_host_ledger.py",
    "orchestrator/continuation/other_runbook.py": "live/test_called_approvals_live.py",
    "orchestrator/continuation/doubts.py": "orchestrator/continuation/test_resumption.py",
    "orchestrator/continuation/accepted_changes.py": "orchestrator/continuation/test_resumption.py",
    "cli/output/run_lines.py": "cli/output/test_progress.py",
    "model/checks/written_step.py": "model/test_reader.py",
    "orchestrator/kept_values.py": "orchestrator/test_due_items.py",
    "channels/base.py": "channels/test_page.py",
    "channels/inquiry.py": "channels/test_pagerduty_rest.py",
    "cli/commands/lab/demo.py": "lab/test_flow.py",
    "cli/commands/library/impact.py": "cli/commands/library/test_links_command.py",
    "cli/commands/night/approve.py": "live/test_approvals_live.py",
    "cli/commands/night/cancel.py": "cli/test_run_session.py",
    "cli/commands/night/locks.py": "live/test_locks_live.py",
    "cli/commands/night/pending.py": "live/test_approvals_live.py",
    "cli/commands/night/resume.py": "cli/test_run_session.py",
    "cli/earlier_run.py": "cli/commands/night/test_undo_command.py",
    "cli/commands/night/status.py": "cli/commands/night/test_show_command.py",
    "cli/completion/completers.py": "cli/commands/author/test_completion_command.py",
    "cli/output/schedule_tables.py": "cli/commands/planned/test_schedule_command.py",
    "cli/schedule_commands.py": "cli/commands/planned/test_schedule_command.py",
    "cli/planned_session.py": "cli/commands/planned/test_schedule_command.py",
    "cli/planned_beginning.py": "cli/commands/planned/test_schedule_command.py",
    "cli/output/findings.py": "cli/commands/author/test_lint_command.py",
    "cli/output/live_progress.py": "cli/output/test_progress.py",
    "cli/prompts/gate_options.py": "cli/test_run_session.py",
    "cli/system.py": "cli/test_context.py",
    "cli/target_options.py": "cli/commands/night/test_run_command.py",
    "library/registry/registry_files.py": "library/registry/test_registry.py",
    "executor/ansible/plugins/callback_support/runbook_commands.py": "executor/ansible/plugins/callback/test_runbook_report.py",
    "executor/ansible/plugins/callback_support/runbook_hosts.py": "executor/ansible/plugins/callback/test_runbook_report.py",
    "executor/ansible/plugins/callback_support/runbook_items.py": "executor/ansible/plugins/callback/test_runbook_report.py",
    "executor/ansible/plugins/callback_support/runbook_names.py": "executor/ansible/plugins/callback/test_runbook_report.py",
    "executor/ansible/plugins/engine/host_forks.py": "executor/ansible/plugins/engine/test_host_python.py",
    "executor/ansible/plugins/inventory_secrets.py": "live/test_secrets_live.py",
    "executor/ansible/ansible_settings.py": "executor/ansible/test_supervisor.py",
    "executor/ansible/supervision.py": "executor/ansible/test_ansible_executor.py",
    "executor/ansible/teardown.py": "orchestrator/test_recovery.py",
    "executor/ssh/host_look.py": "executor/ssh/test_ssh_preflight.py",
    "executor/ssh/ssh_connection.py": "executor/ssh/test_ssh_preflight.py",
    "kinds/destructive_words.py": "kinds/test_destruction.py",
    "kinds/secrets/aws_request.py": "kinds/secrets/test_aws_stores.py",
    "kinds/steps/base.py": "kinds/test_plugins.py",
    "lab/machines/lab_machines.py": "lab/machines/test_lab.py",
    "lab/programs/leak.py": "lab/test_shop.py",
    "library/schema/field_help.py": "library/schema/test_json_schema.py",
    "library/schema/step_variants.py": "library/schema/test_json_schema.py",
    "lint/rules/base.py": "lint/rules/test_examples.py",
    "markdown/commands.py": "markdown/test_convert.py",
    "markdown/draft.py": "markdown/test_order.py",
    "markdown/draft_steps.py": "markdown/test_convert.py",
    "markdown/embedded_yaml.py": "markdown/test_template.py",
    "markdown/import_findings.py": "markdown/test_convert.py",
    "markdown/page/blocks.py": "markdown/test_convert.py",
    "markdown/page/escalation_section.py": "markdown/test_convert.py",
    "markdown/page/outline.py": "markdown/test_order.py",
    "markdown/page/page.py": "markdown/test_convert.py",
    "markdown/page/page_reader.py": "markdown/test_convert.py",
    "markdown/page/procedure.py": "markdown/test_convert.py",
    "model/checks/cross_checks.py": "model/test_reader_faults.py",
    "model/checks/step_checks.py": "model/test_reader_faults.py",
    "model/handover_inputs.py": "orchestrator/continuation/test_handover.py",
    "model/escalation_policy.py": "model/test_reader_faults.py",
    "model/step.py": "model/test_runbook.py",
    "model/procedure/branch_steps.py": "model/procedure/test_decide.py",
    "model/procedure/drill_reader.py": "model/procedure/test_drill.py",
    "model/procedure/step_reader.py": "model/test_reader.py",
    "orchestrator/end/finish.py": "orchestrator/end/test_ending.py",
    "orchestrator/end/page_sender.py": "orchestrator/end/test_paging.py",
    "orchestrator/end/run_pages.py": "orchestrator/end/test_paging.py",
    "orchestrator/end/stop_reasons.py": "orchestrator/end/test_ending.py",
    "orchestrator/gate/gate_facts.py": "orchestrator/gate/test_approval_gate.py",
    "orchestrator/gate/gate_subjects.py": "services/schedules/test_advance_approvals.py",
    "orchestrator/translation/reasons.py": "orchestrator/test_event_translator.py",
    "orchestrator/recheck.py": "orchestrator/continuation/test_resumption.py",
    "orchestrator/request.py": "orchestrator/test_run_loop.py",
    "orchestrator/run_environment.py": "orchestrator/test_run_loop.py",
    "orchestrator/start/run_locks.py": "orchestrator/start/test_admission.py",
    "orchestrator/stepper.py": "orchestrator/test_run_loop.py",
    "render/history/attempts.py": "render/history/test_run_history.py",
    "render/sarif.py": "cli/commands/author/test_lint_command.py",
    "render/site/step_parts.py": "render/site/test_pages.py",
    "services/planned_run.py": "services/test_services_only.py",
    "services/readiness.py": "cli/commands/night/test_preflight_command.py",
    "services/run_inputs.py": "services/test_services_only.py",
    "services/run_list.py": "services/test_services_only.py",
    "store/locks/kernel_locks.py": "store/locks/test_host_locks.py",
    "store/state_directory.py": "store/test_run_state.py",
}
"""Modules without a twin, and the tests that show what they do."""

PATCHES: dict[str, int] = {
    "cli/completion/test_command_skeleton.py": 1,
    "cli/test_main.py": 1,
    "harness/fake_run.py": 1,
    "lint/test_autofix.py": 1,
    "orchestrator/end/test_ending.py": 1,
    "store/locks/test_host_locks.py": 1,
    "store/log/test_log_file.py": 2,
    "store/log/test_log_index.py": 1,
    "store/test_ended_runs.py": 1,
}
"""How often a file of the tests patches something of `runner` in its place, where an argument would do."""


@functools.cache
def files_by_directory():
    found = defaultdict(list)
    for test in source_of_tests():
        directory, _, name = test.rpartition("/")
        found[directory].append(name)
    return found


def twins(name):
    """The tests of a module: beside those of its package, and named after it."""
    directory, _, file = name.rpartition("/")
    pattern = re.compile(rf"test_{re.escape(file.removesuffix('.py').strip('_'))}(_\w+)?\.py")
    return [test for test in files_by_directory()[directory] if pattern.fullmatch(test)]


def test_every_module_has_its_twin():
    wanted = {name for name in modules() if not name.endswith("__init__.py") and not TESTED_BY_DATA.fullmatch(name)}
    without = {name for name in wanted if not twins(name)}

    assert without - TESTED_WITH.keys() == set(), "a new module needs its twin"
    assert TESTED_WITH.keys() - without == set(), "these have a twin or are gone: take them out of the list"
    assert {test for test in TESTED_WITH.values() if test not in source_of_tests()} == set()


def ours(module):
    """The names in a file of the tests that stand for something of the product."""
    found = {}
    for node in nodes(module):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "runner":
            found |= {alias.asname or alias.name: node.module for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {alias.asname or "runner": alias.name for alias in node.names if alias.name.startswith("runner")}
    return found


def root(node):
    """The name that an expression such as `a.b.c` begins with."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def patches(module):
    """The lines in which something of the product is replaced in its place."""
    names = ours(module)
    for node in nodes(module):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
            first = node.args[0]
            text = first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else ""
            if node.func.attr in {"setattr", "delattr", "setitem", "patch", "object"} and (
                text.startswith("runner.") or root(first) in names
            ):
                yield node.lineno


def test_no_test_patches_a_global_of_the_product():
    found = Counter(name for name, module in source_of_tests().items() for _ in patches(module))

    assert found - Counter(PATCHES) == {}, "what a test needs to be different is an argument"
    assert Counter(PATCHES) - found == {}, "these are gone: take them out of the list"


CLOCKS = {"monotonic", "perf_counter", "time"}


def takes_time(node):
    """Whether an expression is a difference to a clock of this machine."""
    return any(
        isinstance(each, ast.BinOp)
        and isinstance(each.op, ast.Sub)
        and isinstance(each.left, ast.Call)
        and isinstance(each.left.func, ast.Attribute)
        and each.left.func.attr in CLOCKS
        for each in ast.walk(node)
    )


def is_upper_bound(node):
    return isinstance(node, ast.Compare) and any(isinstance(each, ast.Lt | ast.LtE) for each in node.ops)


def timed(function):
    """The lines in which a test expects that something took less than so long: a busy machine takes longer."""
    measured = {
        target.id
        for node in ast.walk(function)
        if isinstance(node, ast.Assign) and takes_time(node.value)
        for each in node.targets
        for target in ast.walk(each)
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(function):
        if isinstance(node, ast.Assert):
            for part in filter(is_upper_bound, ast.walk(node.test)):
                names = {each.id for each in ast.walk(part) if isinstance(each, ast.Name)}
                if takes_time(part) or names & measured:
                    yield node.lineno


def test_no_assertion_is_about_how_long_something_takes():
    functions = [
        (name, node)
        for name, module in source_of_tests().items()
        if any(isinstance(node, ast.Attribute) and node.attr in CLOCKS for node in nodes(module))
        for node in nodes(module)
        if isinstance(node, ast.FunctionDef)
    ]

    assert {(name, line) for name, function in functions for line in timed(function)} == set()


WAITS = {"communicate", "wait", "join", "run", "command", "spawn"}


def impatient(module):
    """The lines in which a test waits for what must come, and gives it up before anybody may call it hanging."""
    for node in nodes(module):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in WAITS:
            words = [each.value for each in node.keywords if each.arg in {"timeout", "patience"}]
            for limit in [*words, *(node.args[:1] if node.func.attr in {"wait", "join"} else ())]:
                if isinstance(limit, ast.Constant) and isinstance(limit.value, int) and limit.value < PATIENCE:
                    yield node.lineno


def test_who_waits_for_what_must_come_has_patience():
    found = {(name, line) for name, module in source_of_tests().items() for line in impatient(module)}

    assert found == set(), "a busy machine is slow: PATIENCE of tests/harness is for what hangs"


def test_chance_has_a_seed():
    unseeded = {
        (name, node.lineno)
        for name, module in source_of_tests().items()
        for node in nodes(module)
        if isinstance(node, ast.Attribute) and root(node) == "random" and node.attr != "Random"
    }

    assert unseeded == set()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("from runner.store import log\ndef test(monkeypatch):\n    monkeypatch.setattr(log, 'x', 1)", 1),
        ("import runner.store.log\ndef test(patch):\n    patch.setattr(runner.store.log.File, 'x', 1)", 1),
        ("def test(monkeypatch):\n    monkeypatch.setattr('runner.store.x', 1)", 1),
        ("import os\ndef test(monkeypatch):\n    monkeypatch.setattr(os, 'fsync', 1)", 0),
        ("from runner.store.log import File\ndef test(patch):\n    patch.setattr(File().log, 'x', 1)", 0),
    ],
)
def test_a_patch_is_recognised(text, found):
    assert len(list(patches(ast.parse(text)))) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("assert time.monotonic() - before < 5", 1),
        ("taken = time.monotonic() - before\nassert taken < 5", 1),
        ("taken, more = time.monotonic() - before, 1\nassert (1, taken < 5) == (1, True)", 1),
        ("assert time.monotonic() - before >= 5", 0),
        ("assert time.monotonic() < deadline, 'it never came'", 0),
    ],
)
def test_a_timed_assertion_is_recognised(text, found):
    assert len(list(timed(ast.parse(text)))) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("process.communicate(timeout=60)", 1),
        ("assert ended.wait(10)", 1),
        ("subprocess.run(words, timeout=PATIENCE)", 0),
        ("stopped.wait(0.02)", 0),
        ("', '.join(words)", 0),
    ],
)
def test_impatience_is_recognised(text, found):
    assert len(list(impatient(ast.parse(text)))) == found
