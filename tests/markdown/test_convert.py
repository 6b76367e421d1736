"""Pages become runbooks that load; nothing is guessed, and whatever is lost or left to a person is said with its line."""

from __future__ import annotations

import itertools
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.markdown.convert import convert
from runner.model.yaml.finding import Level

PAGES = Path(__file__).parent / "pages"


def converted(data, **given_):
    numbers = itertools.count(100)
    return convert(data, file="page.md", new_id=lambda: f"RUN-{next(numbers)}", **given_)


@pytest.mark.parametrize("page", sorted(path.stem for path in PAGES.glob("*.md")))
def test_a_page_becomes_what_its_golden_file_says(page):
    made = converted((PAGES / f"{page}.md").read_bytes())

    text = "---\n".join(one.text for one in made.runbooks) + "---\n" + "".join(f"{each}\n" for each in made.findings)
    golden = PAGES / f"{page}.golden"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(text, encoding="utf-8")
    assert text == golden.read_text(encoding="utf-8")


def test_either_kind_of_line_break_a_mark_at_the_start_and_bytes_that_are_no_text_change_nothing_else():
    page = (PAGES / "incident.md").read_bytes()

    plain = converted(page)
    windows = converted(b"\xef\xbb\xbf" + page.replace(b"\n", b"\r\n"))
    broken = converted(page.replace(b"Mail Team\n", b"Mail T\xe9am\n"))

    assert [one.text for one in windows.runbooks] == [one.text for one in plain.runbooks]
    assert [one.runbook.id for one in broken.runbooks] == ["RUN-041", "RUN-100"]


@pytest.mark.parametrize("data", [b"", b"\n\n", b"---\ntitle: x\n---\n", b"\xff\xfe"])
def test_a_page_with_nothing_on_it_is_no_runbook(data):
    made = converted(data)

    if data != b"\xff\xfe":
        assert made.runbooks == ()
        assert [(finding.rule, finding.level) for finding in made.findings] == [("import-empty", Level.ERROR)]


@pytest.mark.parametrize(
    ("command", "key"),
    [
        ("echo {{ value }} {% if %} {# x #}", "shell"),
        ('echo "<<EOF <name>"', "manual"),
        ("cat <<EOF\n<name>\nEOF", "manual"),
        ("# only a comment", "manual"),
        ("curl -s localhost:${PORT}/x | jq .a", "shell"),
        ("cd C:\\Users\\x\t&& dir ", "shell"),
    ],
)
def test_what_can_not_be_done_as_it_stands_stays_text(command, key):
    made = converted(f"# Do\n\n## Steps\n\n### One\n\n```bash\n{command}\n```\n".encode())

    (step,) = made.runbooks[0].runbook.steps
    assert step.action.key == key
    assert command.strip().splitlines()[0].split("{")[0] in getattr(step.action, key)


def test_a_template_in_a_command_means_itself():
    made = converted(b"# Do\n\n```bash\ndocker ps --format '{{.Names}}'\n```\n")

    action = made.runbooks[0].runbook.steps[0].action
    assert action.shell != "docker ps --format '{{.Names}}'"
    assert "{{.Names}}" in action.shell


def test_a_page_of_sixty_steps_with_the_same_name_loads():
    made = converted(("# Long\n\n## Procedure\n\n" + "### Do it\n\nNow.\n\n" * 60).encode())

    ids = [step.id for step in made.runbooks[0].runbook.steps]
    assert len(set(ids)) == 60
    assert ids[:3] == ["do-it", "do-it-2", "do-it-3"]


PIECES = st.sampled_from(
    [
        "# Title", "## Procedure", "### Step 1: Do", "## Scope", "- **Handles**: a, b", "## Escalation", "```bash", "```",
        "~~~sql", "~~~", "echo <name> ${X}", "SELECT '<x>' FROM y WHERE z = <v>;", "- [ ] done", "  - [x] in", "1. one",
        "Verification:", "Commands:", "| a | b |", "|---|---|", "> quote", "<div>", "<!--", "-->", "RUN-001: Title",
        "RUN-XXX: [Title]", "Category: Incident", "Owner: x: y", "Linked IDs: MON-001/2", "---", "===", "", "\t$ ls",
        "{{ x }} {% y", "'\"", "- a:\n    - b", "````markdown", "[ref]: http://x", "\\# x", "é 🎉 \u202e", "Trigger:",
        "- **Who to contact**: A (b), then C", "- **When to escalate**: persists >0 minutes", "yes", "~", "1e5", "- ",
        "```yaml runbook\nsteps: []\n```", "```yaml runbook-step\nid: x\n```", "Severity: urgent", "Hosts: a b",
    ]
)  # fmt: skip


@given(st.lists(PIECES | st.text(max_size=30), max_size=30))
def test_whatever_stands_on_a_page_it_never_crashes_and_what_it_makes_loads(lines):
    made = converted("\n".join(lines).encode("utf-8", "surrogatepass"))

    assert made.runbooks or any(finding.level is Level.ERROR for finding in made.findings)
    assert all(one.runbook.id == one.id for one in made.runbooks)


def test_no_line_with_a_word_is_dropped_in_silence():
    page = (PAGES / "incident.md").read_text()

    made = converted(page.encode())

    told = {finding.line for finding in made.findings}
    text = " ".join("\n".join(one.text for one in made.runbooks).split())
    headings = {"Scope", "Prerequisites", "Procedure", "Escalation", "Post-Incident", "Commands:", "Verification:"}
    for number, line in enumerate(page.splitlines(), 1):
        words = line.strip(" -#*>[]`").split()
        says_nothing = not words or line.startswith("```") or words[-1] in headings or "Incident" in words
        assert number <= 3 or number in told or says_nothing or words[-1].strip('*:,();"{}') in text, line


def test_a_title_of_any_length_makes_an_id_that_loads():
    for start in ("9 ", "Run "):
        made = converted(
            f"# Page\n\n## {start}{'longer and ' * 20}\n\nDo it.\n\n## {start}{'longer and ' * 20}\n\nAgain.\n".encode()
        )

        assert [each for each in made.findings if each.level is Level.ERROR] == []


def test_a_comment_is_no_step_and_not_lost():
    (made,) = converted(b"# Page\n\n## Steps\n\n<!-- begin -->\n\nRestart it.\n\n<!-- end\nof it -->\n").runbooks

    assert "manual: Restart it." in made.text
    assert "# line 5: <!-- begin -->\n# line 9: <!-- end\n# of it -->\n" in made.text
    assert made.text.count("<!--") == 2


@pytest.mark.parametrize(
    ("page", "faults"),
    [
        ("# RUN-001: ok", ["p.md:1:1: has nothing below the head of RUN-001"]),
        ("# RUN-001: A\n\n" + "a\n" * 200_000, ["p.md:2:1: is larger than 256 KiB"]),
        ("# A\n\n## Procedure\n\n" + "1. a\n" * 2_501, ["p.md:1:1: has more than 2500 steps"]),
        ("# A\n\n## Procedure\n\n" + f"1. {'b' * 200}\n" * 900, ["p.md:1:1: is larger than 256 KiB"]),
    ],
)
def test_what_cannot_become_a_file_is_refused_in_words_about_the_page(page, faults):
    made = convert(page.encode(), file="p.md", new_id=lambda: "RUN-001")

    assert [str(each).partition("; ")[0].partition(" [")[0] for each in made.findings] == faults
    assert not [each for each in made.findings if "the file that was made" in each.hint]
