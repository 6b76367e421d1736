"""Each command of a page is done where, when and as the page means it; what is not sure of that is for a person."""

from __future__ import annotations

import pytest

from runner.markdown.convert import convert
from runner.markdown.draft import Defaults


def converted(page, **options):
    return convert(page.encode(), file="page.md", new_id=lambda: "RUN-100", **options)


def outline(page):
    """For each step its name, and what is done or said, in the order of the runbook."""
    (made,) = converted(page).runbooks
    return [(step.name, getattr(step.action, step.action.key), step.why or "") for step in made.runbook.steps]


BACKUP = """\
1. Begin the backup:
   ```sql
   SELECT pg_backup_start('x');
   ```
2. Take a snapshot in the console
3. End the backup:
   ```sql
   SELECT pg_backup_stop();
   ```
"""


@pytest.mark.parametrize("heading", ["Procedure", "Take a snapshot", "Step 1: Take a snapshot", "Mitigation"])
def test_each_item_of_a_numbered_list_is_a_step_below_whatever_heading(heading):
    assert outline(f"# Page\n\n## {heading}\n\n{BACKUP}") == [
        ("Begin the backup", "SELECT pg_backup_start('x');", ""),
        ("Take a snapshot in the console", "Take a snapshot in the console", ""),
        ("End the backup", "SELECT pg_backup_stop();", ""),
    ]


def test_what_stands_between_two_commands_stays_there_and_names_the_second():
    page = """\
# Page

## Restart

Why it is done.

```bash
systemctl stop x
```

Take a snapshot in the console.

Then start it:

```bash
systemctl start x
```

Tell the users.
"""
    assert outline(page) == [
        ("Restart", "systemctl stop x", "Why it is done."),
        ("Take a snapshot in the console.", "Take a snapshot in the console.", ""),
        ("Then start it", "systemctl start x", ""),
        ("Tell the users.", "Tell the users.", ""),
    ]


def test_a_fence_that_stays_text_is_done_by_a_person_before_what_follows():
    page = """\
# Page

## Look

```console
$ date
[admin@gw]$ ip route
```

```bash
uptime
```
"""
    assert outline(page) == [
        ("Look", "```console\n$ date\n[admin@gw]$ ip route\n```", ""),
        ("Look", "uptime", ""),
    ]


def test_a_fence_without_a_language_that_begins_with_a_prompt_is_a_session():
    assert outline("# Page\n\n## Look\n\n```\n$ uptime\nup\n```\n") == [("Look", "uptime", "")]
    assert outline("# Page\n\n## Look\n\n```\nuptime\n```\n") == [("Look", "```\nuptime\n```", "")]


def test_lines_in_bold_are_headings():
    page = """\
# Queue

**Type**: Deployment

**Symptoms**:
The queue is long.

**Step 1: Check the queue**

```bash
mailq
```

**Step 2: Restart it**
```bash
systemctl restart x
```

**Scenario 2**

Call someone.
"""
    (made,) = converted(page).runbooks

    assert (made.runbook.category, made.runbook.trigger.event) == ("deployment", "The queue is long.")
    assert outline(page) == [
        ("Check the queue", "mailq", ""),
        ("Restart it", "systemctl restart x", ""),
        ("Scenario 2", "Call someone.", ""),
    ]


@pytest.mark.parametrize(
    "line", ["**Do not do this in production!**", "**Stop.**", "**Important**: wait", "a **bold** word"]
)
def test_what_is_only_stressed_is_no_heading(line):
    assert outline(f"# Page\n\n## One\n\n{line}\n\n```bash\ndate\n```\n") == [("One", "date", line)]


def test_an_entry_below_another_chapter_is_a_runbook_and_so_is_the_chapter():
    page = "# Page\n\n## Chapter\n\n```bash\ndate\n```\n\n## RUN-077: Other\n\n```bash\nuptime\n```\n"

    made = converted(page).runbooks

    assert [(each.id, [step.action.shell for step in each.runbook.steps]) for each in made] == [
        ("RUN-100", ["date"]),
        ("RUN-077", ["uptime"]),
    ]


def test_variables_that_are_set_for_later_commands_are_inputs_with_that_default():
    page = """\
# Page

## One

```bash
export NAMESPACE=shop
ZONE='eu 1'
```

```bash
kubectl -n $NAMESPACE get pods -l zone="$ZONE"
```

```bash
export POD=$(kubectl get pods -o name | head -n 1)
```
"""
    (made,) = converted(page).runbooks

    assert {name: item.default for name, item in made.runbook.inputs.items()} == {
        "namespace_value": "shop",
        "zone": "eu 1",
    }
    assert [step.action.key for step in made.runbook.steps] == ["shell", "manual"]


@pytest.mark.parametrize(
    ("name", "type_"),
    [
        *(
            (word, "secret")
            for word in ("FORGE_ADMIN_TOKEN", "DB_PASSWORD", "API_KEY", "AWS_SECRET_ACCESS_KEY", "PGPASSWD")
        ),
        *((word, "string") for word in ("TOKEN_FILE", "SECRET_NAME", "PASSWORD_PATH", "HOST", "KEYSPACE")),
    ],
)
def test_what_is_called_like_a_secret_is_one(name, type_):
    (made,) = converted(f"# Page\n\n## One\n\n```bash\ncall-it\n```\n\n```bash\nenv | grep ${name}\n```\n").runbooks

    (declared,) = made.runbook.inputs.values()
    assert declared.type == type_


def test_a_secret_that_the_page_gives_is_no_default():
    (made,) = converted(
        "# Page\n\n```bash\nexport DB_PASSWORD=hunter22\n```\n\n```bash\nx $DB_PASSWORD\n```\n"
    ).runbooks

    assert "hunter22" not in made.text


def test_what_whoever_imports_says_fills_what_the_page_does_not_say():
    otherwise = Defaults("maintenance", "P1", "ops", "web", ("lead", "ops"))
    (silent,) = converted("# Page\n\n```bash\ndate\n```\n", otherwise=otherwise).runbooks
    (speaking,) = converted(
        "# Page\n\nOwner: Shop\nSeverity: P2\n\n## S\n\n```bash\ndate\n```\n", otherwise=otherwise
    ).runbooks

    runbook = silent.runbook
    assert (runbook.category, runbook.severity, runbook.owner, runbook.hosts, runbook.escalation.contacts) == (
        *("maintenance", "P1", "ops", "web", ("lead", "ops")),
    )
    assert (speaking.runbook.owner, speaking.runbook.severity) == ("shop", "P2")


@pytest.mark.parametrize(
    ("page", "imported"),
    [
        ("# About\n\n## Architecture\n\nThere are boxes.\n\n```yaml\na: 1\n```\n", False),
        ("# Disk\n\n## Mitigation\n\n```bash\ndf\n```\n", True),
        ("# Disk\n\nSeverity: P1\n\n## Mitigation\n\nCall somebody.\n", True),
        ("# RUN-003: Disk\n\n## Mitigation\n\nCall somebody.\n", True),
    ],
)
def test_of_many_pages_only_what_is_surely_a_runbook_counts(page, imported):
    made = converted(page, sure=True)

    assert bool(made.runbooks) == imported == ("import-passed-over" not in {each.rule for each in made.findings})
    assert converted(page).runbooks


def test_what_follows_a_shell_that_was_opened_is_for_a_person_to_the_end_of_the_section():
    page = """\
# Page

## In the node

1. Open it:
   ```bash
   oc debug node/x
   ```
2. Look:
   ```bash
   cat /proc/cmdline
   ```

## Outside

```bash
date
```
"""
    (made,) = converted(page).runbooks

    assert [step.action.key for step in made.runbook.steps] == ["manual", "manual", "shell"]


@pytest.mark.parametrize("words", ["The result should be `3`.", "You should see three queues", "It should print 3"])
def test_what_a_command_should_show_is_its_verification_and_no_name_of_the_next(words):
    page = f"# Page\n\n## Check the queue\n\n```bash\nlist queues\n```\n{words}\n\n```bash\nlist users\n```\n"

    (made,) = converted(page).runbooks

    checks = [(step.name, step.action.shell, step.verify[0].says) for step in made.runbook.steps]
    assert checks == [
        ("Check the queue", "list queues", words),
        ("Check the queue", "list users", "TODO: how one sees that it is done"),
    ]
