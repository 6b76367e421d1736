"""What is exported is imported as the same runbook: those that are shipped, and whatever else a runbook may say."""

from __future__ import annotations

import pytest
from harness import ROOT
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runner.library.registry_entries import RegistryEntries
from runner.library.runbook_source import source_of
from runner.markdown.convert import convert
from runner.markdown.template import export
from runner.model.reader import to_runbook
from runner.model.yaml.document import load
from runner.model.yaml.finding import InvalidFileError
from runner.model.yaml.yaml_writer import write

SHIPPED = sorted([*(ROOT / "runbooks").glob("RUN-*.yml"), *(ROOT / "tests/compiler/golden/runbooks").glob("RUN-*.yml")])


def source(path):
    return source_of(path, path.read_bytes())


def again(value, beside=ROOT / "runbooks"):
    registered = RegistryEntries(beside, str, lambda _: None).taken
    made = convert(export(value).encode(), file="x.md", new_id=lambda: "RUN-999", registered=registered)
    assert [finding for finding in made.findings if finding.level != "info"] == []
    return made.runbooks


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_shipped_runbook_is_the_same_after_export_and_import(path):
    (made,) = again(source(path).document.written, path.parent)

    # What the import writes is read in the library that it is for, whose registry says where alerts are looked up.
    assert source_of(path, made.text.encode()).runbook == source(path).runbook


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_page_says_in_words_what_it_can_and_carries_the_rest_step_by_step(path):
    value = source(path).document.written
    page = export(value)

    before, _, procedure = page.partition("## Procedure")
    assert "steps:" not in before
    assert procedure.count("### Step ") == len(value["steps"])


def test_every_reason_to_call_is_said_in_words():
    value = load(SHIPPED[0].read_bytes(), file="x.yml").value
    when = [
        "step_failed",
        "no_answer",
        {"verification_failed": 3},
        {"that": "error_rate > 2"},
        {"unresolved_for": "5m"},
    ]

    page = export({**value, "escalation": {**value["escalation"], "when": when}})

    section = page.partition("- **When to escalate**:\n")[2].partition("- **")[0]
    assert section.splitlines() == [
        "  - A step fails",
        "  - no answer",
        "  - verification failed: 3",
        "  - error_rate > 2",
        "  - Not resolved after 5m",
    ]


def test_somebody_may_change_what_the_page_says():
    page = export(source(ROOT / "runbooks" / "RUN-001.yml").document.written)
    edited = page.replace("- database-lead", "- database-lead\n  - backend-team").replace("A false alarm", "A mistake")

    made = convert(edited.encode(), file="x.md", new_id=lambda: "RUN-999")

    runbook = made.runbooks[0].runbook
    assert runbook.escalation.contacts == ("database-lead", "backend-team")
    assert runbook.steps[0].why == "A mistake must stop here, before anything is touched"


def test_a_page_whose_yaml_somebody_broke_is_refused_with_its_line():
    page = export(source(ROOT / "runbooks" / "RUN-001.yml").document.written)
    line = page.splitlines().index("effect: read") + 1

    made = convert(page.replace("\neffect: read", "\neffect: {", 1).encode(), file="x.md", new_id=lambda: "RUN-999")

    assert any(line <= finding.line <= line + 3 and finding.rule == "yaml-syntax" for finding in made.findings)
    assert any(finding.level == "error" for finding in made.findings)


MARKS = [
    "# x", "### Step 9: y", "```", "~~~", "- [ ] z", "1. one", "Verification:", "Commands: do", "Owner: nobody", "===",
    "Linked IDs: MON-009", "RUN-077: other", "Category: Recovery", "| a | b |", "|---|---|", "<script>", "<!-- x",
    "> quote", "**bold**", "_it_", "\\# x", "a, b; c", "persists > 5 minutes", "exits with status 0", "If it fails",
    "Rollback", "a\u00a0b", "&amp; <b>", "[x]: http://y", "    code", "TODO", "é", "yes", "1e5", "- **Handles**: q",
    "null", "~", "no", "2026-01-01", "0x1F", "1:30", "|", "||", "`x`", "``", "````", "{{ given }}", "&a", "*a", "!vault", "'",
]  # fmt: skip
WORDS = st.one_of(
    st.sampled_from(MARKS), st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1)
)
LINE = st.lists(WORDS, min_size=1, max_size=3).map(" ".join)
PROSE = st.builds(lambda first, more: "\n".join([first, *more]), LINE, st.lists(LINE | st.just(""), max_size=3))
CHECKS = st.lists(
    st.one_of(
        st.fixed_dictionaries({"confirm": LINE}),
        st.fixed_dictionaries({"says": LINE, "command": LINE, "exit": st.just(0), "within": st.just("5s")}),
    ),
    min_size=1,
    max_size=3,
)
ACTIONS = st.one_of(
    st.fixed_dictionaries({"manual": PROSE}),
    st.fixed_dictionaries({"shell": PROSE}),
    st.fixed_dictionaries(
        {
            "shell": st.just('echo "${X}"'),
            "env": st.just({"X": "{{ given }}"}),
            "retry": st.just({"attempts": 2, "delay": "1s"}),
        }
    ),
    st.fixed_dictionaries({"command": LINE | st.lists(LINE, min_size=1, max_size=3)}),
    st.fixed_dictionaries({"sql": st.just("SELECT %(given)s"), "params": st.just({"given": "{{ given }}"})}),
    st.fixed_dictionaries({"http": st.just("http://localhost/x")}),
    st.just({}),
)
EXTRAS = st.fixed_dictionaries(
    {},
    optional={
        "why": PROSE,
        "hosts": st.just("db"),
        "effect": st.sampled_from(["read", "change", "destructive"]),
        "approve": LINE | st.fixed_dictionaries({"says": LINE, "min": st.integers(1, 3)}),
        "on_failure": st.sampled_from(["stop", "continue", "RUN-124"]),
        "reversible": st.booleans(),
        "idempotent": st.booleans(),
        "timeout": st.just("2m"),
        "become": st.booleans(),
    },
)


REASONS = [
    *("step_failed", "unreachable", "abandoned", "refused", "no_answer", "denied"),
    *({"unresolved_for": "90s"}, {"verification_failed": 3}, {"no_answer": "10m"}),
]


@st.composite
def documents(draw):
    steps = [
        {"id": f"s{number}", "name": draw(LINE), **draw(EXTRAS), **draw(ACTIONS), "verify": draw(CHECKS)}
        for number in range(draw(st.integers(1, 3)))
    ]
    escalation = {
        "when": draw(
            st.lists(
                st.one_of(st.sampled_from(REASONS), st.builds(dict, declared=LINE)),
                min_size=1,
                max_size=3,
            )
        ),
        "contacts": draw(st.lists(st.sampled_from(["on-call", "lead"]), min_size=1, max_size=2)),
        "provide": draw(st.lists(LINE, min_size=1, max_size=3)),
    }
    return {
        "id": "RUN-123",
        "title": draw(LINE),
        "category": draw(st.sampled_from(["incident", "deployment", "maintenance"])),
        "severity": draw(st.sampled_from(["P0", "critical", "info"])),
        "owner": draw(st.sampled_from(["team", "a-b"])),
        "trigger": draw(st.one_of(st.builds(dict, event=PROSE), st.just({"alert": "MON-001", "condition": "x (y)"}))),
        "scope": {
            "handles": draw(st.lists(PROSE, min_size=1, max_size=2)),
            "excludes": draw(st.lists(PROSE, max_size=2)),
        },
        "hosts": draw(st.sampled_from(["all", "db:app[0]"])),
        "inputs": {"given": {"help": "A value", "default": "5"}},
        "prerequisites": [{"confirm": draw(LINE)}],
        "steps": steps,
        "escalation": escalation,
        "follow_up": draw(st.lists(PROSE | st.builds(dict, do=PROSE), max_size=2)),
        "links": draw(st.sampled_from([[], ["MON-001"], ["DEP-001", "RUN-001"]])),
    }


@settings(suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
@given(documents())
def test_any_runbook_is_the_same_after_export_and_import(document):
    data = write(document).encode()
    try:
        meant = to_runbook(load(data, file="x.yml"))
    except InvalidFileError:  # what does not load is not a runbook; most of what is drawn does
        return

    made = convert(export(load(data, file="x.yml").value).encode(), file="x.md", new_id=lambda: "RUN-999")

    assert [one.runbook for one in made.runbooks] == [meant]
