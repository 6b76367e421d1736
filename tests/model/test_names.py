"""Nothing of a runbook is called like something that Ansible or a condition means already."""

from __future__ import annotations

from datetime import timedelta

import pytest
from ansible.vars.reserved import get_reserved_names
from pydantic import TypeAdapter, ValidationError

from runner.kinds.plugins import steps, verifications
from runner.model.names import RESERVED, Contact, HostPattern, Name, PageReference


def test_ansibles_own_names_are_reserved():
    assert get_reserved_names() <= RESERVED


WRITTEN = {
    "command": {"command": "ls"},
    "http": {"http": "http://a/"},
    "module": {"module": {"a.b.c": {}}},
    "shell": {"shell": "ls"},
    "sql": {"sql": "SELECT 1"},
    "wait": {"wait": "5s"},
}


@pytest.mark.parametrize("key", WRITTEN)
def test_what_a_condition_calls_a_result_by_is_reserved(key):
    call = steps()[key].model_validate(WRITTEN[key]).invocation(timedelta(seconds=1), None)
    assert set(call.names) <= RESERVED


@pytest.mark.parametrize("key", ["command", "http", "sql"])
def test_what_a_condition_calls_a_sample_by_is_reserved(key):
    assert set(verifications()[key].model_validate(WRITTEN[key]).probe(timedelta(seconds=1)).names) <= RESERVED


@pytest.mark.parametrize("name", ["stuck", "stuck_after", "version", "previous", "a1"])
def test_a_name_that_is_free(name):
    assert TypeAdapter(Name).validate_python(name) == name


@pytest.mark.parametrize(
    ("name", "why"),
    [
        (
            "rows",
            "is what a condition calls the result that it judges, or a part of it; say whose it is, like app_rows",
        ),
        ("deadline", "is what a condition calls the result that it judges, or a part of it"),
        *((name, "is a keyword of Ansible's") for name in ("name", "port", "environment", "action", "hosts", "when")),
        ("port", "and ansible-lint refuses a variable of that name; say whose it is, like app_port"),
        *((name, "is a function of templates") for name in ("query", "namespace", "now")),
        ("inventory_hostname", "is a variable that Ansible sets itself"),
        ("class", "is a word of conditions or of Python"),
        ("ansible_user", "begins as the settings of Ansible do"),
        ("runbook_sql", "begins as the settings of runbookctl do"),
    ],
)
def test_a_name_that_is_taken(name, why):
    with pytest.raises(ValidationError, match=f"'{name}' .*{why}"):
        TypeAdapter(Name).validate_python(name)


@pytest.mark.parametrize(
    "pattern", ["all", "db_primary", "app[0]", "app[0:2]", "a:b", "a:&b:!c", "web*.example.com", "~web[0-9]"]
)
def test_a_host_pattern(pattern):
    assert TypeAdapter(HostPattern).validate_python(pattern) == pattern


@pytest.mark.parametrize("pattern", ["", "a,b", "a b", "-i", "a;b", "{{ a }}", "@file", "a/b"])
def test_what_is_no_host_pattern(pattern):
    with pytest.raises(ValidationError, match="must be an Ansible host pattern, like app1:app2 or app:!app"):
        TypeAdapter(HostPattern).validate_python(pattern)


def test_a_contact_is_a_word():
    assert TypeAdapter(Contact).validate_python("database-lead") == "database-lead"
    with pytest.raises(
        ValidationError, match="must be a word of contacts.yml, like database-lead, not 'Database lead'"
    ):
        TypeAdapter(Contact).validate_python("Database lead")


@pytest.mark.parametrize("page", ["docs/disk.md", "a", "a..b/c.md", "https://wiki.example/a?b=c:d", "http://x"])
def test_a_page_is_a_file_of_the_library_or_an_address(page):
    assert TypeAdapter(PageReference).validate_python(page) == page


@pytest.mark.parametrize(
    "page",
    ["../secret", "docs/../../x", "..", "/etc/passwd", "javascript:alert(1)", "file:///x", "https://", "a b", "a\\b"],
)
def test_a_page_leads_nowhere_else(page):
    with pytest.raises(ValidationError, match="must be a file of the library"):
        TypeAdapter(PageReference).validate_python(page)
