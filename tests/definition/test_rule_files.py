"""A rule file is read as Prometheus and Kubernetes have it, and every alert in it is judged by where it leads."""

from __future__ import annotations

import pytest
from collected import alert, collected

from runner.definition.rule_files import check
from runner.errors import InvalidInputError

BASE = "https://x.example"
REGISTRY = (
    alert("MON-001", alertname="DiskFull")
    + alert("MON-002", "info", page="docs/a.md", alertname="DiskHalfFull")
    + alert("MON-003", alertname="DiskGone", runbook="RUN-009")
)


@pytest.fixture
def judged(tmp_path, monkeypatch):
    """What is wrong with a rule file of this text."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.md").write_text("#")
    collection = collected(tmp_path, {}, a=REGISTRY)

    def judge(text, base=BASE):
        path = tmp_path / "rules.yml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return [str(each) for each in check(path, collection, base)]

    return judge


def rule(name, url=None, **labels):
    annotations = f", annotations: {{runbook_url: '{url}'}}" if url is not None else ""
    marks = ", ".join(f"{key}: {value}" for key, value in labels.items())
    return f"groups: [{{name: g, rules: [{{alert: {name}, expr: x, labels: {{{marks}}}{annotations}}}]}}]\n"


@pytest.mark.parametrize(
    ("text", "base"),
    [
        (rule("DiskFull", f"{BASE}/RUN-001"), BASE),
        (rule("MON-001", f"{BASE}/RUN-001"), BASE),
        (rule("Other", f"{BASE}/RUN-001", entry="MON-001"), BASE),
        (rule("DiskFull", "https://elsewhere.example/RUN-001.html"), None),
        (rule("DiskHalfFull", f"{BASE}/docs/a.md"), BASE),
        (rule("DiskHalfFull", "https://elsewhere.example/docs/a.md"), None),
        ("groups: [{name: g, rules: [{record: a, expr: b}]}]", BASE),
        ("kind: PrometheusRule\nspec: {groups: []}", BASE),
    ],
)
def test_what_is_right(judged, text, base):
    assert judged(text, base) == []


AT = "groups[0].rules[0]"


@pytest.mark.parametrize(
    ("text", "base", "told"),
    [
        (
            rule("DiskFull"),
            BASE,
            f"rules.yml:1:29: {AT}.alert: DiskFull has no runbook_url; add runbook_url: {BASE}/RUN-001 "
            "[error: no-runbook-url]",
        ),
        (
            rule("DiskFull", ""),
            None,
            f"rules.yml:1:81: {AT}.annotations.runbook_url: DiskFull has no runbook_url; it leads to RUN-001 "
            "[error: no-runbook-url]",
        ),
        (
            rule("DiskGone"),
            BASE,
            f"rules.yml:1:29: {AT}.alert: DiskGone has no runbook_url; MON-003: there is no RUN-009 "
            "[error: no-runbook-url]",
        ),
        (
            rule("DiskFull", f"{BASE}/RUN-009"),
            BASE,
            f"rules.yml:1:81: {AT}.annotations.runbook_url: DiskFull leads to a runbook that is not there: "
            "there is no RUN-009 [error: dangling-url]",
        ),
        (
            rule("DiskFull", f"{BASE}/wiki"),
            BASE,
            f"rules.yml:1:81: {AT}.annotations.runbook_url: DiskFull is MON-001, which leads to RUN-001, and its URL "
            f"does not; write {BASE}/RUN-001 [error: wrong-url]",
        ),
        (
            rule("DiskFull", f"{BASE}/wiki"),
            None,
            f"rules.yml:1:81: {AT}.annotations.runbook_url: DiskFull is MON-001, which leads to RUN-001, and its URL "
            "does not [error: wrong-url]",
        ),
        (
            rule("DiskGone", f"{BASE}/RUN-001"),
            BASE,
            f"rules.yml:1:81: {AT}.annotations.runbook_url: DiskGone is MON-003, and its URL can not be right; "
            "there is no RUN-009 [error: wrong-url]",
        ),
        (
            rule("DiskFul"),
            BASE,
            f"rules.yml:1:29: {AT}.alert: DiskFul has no runbook_url, and no MON- entry has that alertname; "
            "did you mean 'DiskFull'? [error: no-runbook-url]",
        ),
        (
            rule("Unheard", f"{BASE}/RUN-009"),
            BASE,
            f"rules.yml:1:80: {AT}.annotations.runbook_url: Unheard leads to a runbook that is not there: "
            "there is no RUN-009 [error: dangling-url]",
        ),
        (
            rule("Unheard", f"{BASE}/RUN-001"),
            BASE,
            f"rules.yml:1:80: {AT}.annotations.runbook_url: Unheard is in no MON- entry, so nobody can tell whether its "
            "URL is right; add a MON- entry with `alertname: Unheard` to runbooks/registry/ [warning: unknown-alert]",
        ),
    ],
)
def test_what_is_wrong(judged, text, base, told):
    assert judged(text, base) == [told]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "rules.yml:1:1: must be a mapping of keys to values, not empty [error: yaml-mapping]"),
        (b"groups: \xff", "rules.yml:1:9: byte 0xFF is not UTF-8 [error: yaml-encoding]"),
        ("a: 1", "rules.yml:1:1: has no `groups`; a rule file of Prometheus has groups of rules [error: missing-key]"),
        ("groups: x", "rules.yml:1:1: groups: must be a list, not text [error: wrong-type]"),
        (
            "groups: [{name: g}]",
            "rules.yml:1:10: groups[0]: has no `rules`; a rule file of Prometheus has groups of rules [error: missing-key]",
        ),
        (
            "groups: [{rules: [{alert: 1}]}]",
            "rules.yml:1:19: groups[0].rules[0]: must be a mapping with `alert` or `record` [error: wrong-type]",
        ),
    ],
)
def test_what_is_no_rule_file(judged, text, told):
    assert judged(text) == [told]


def test_a_group_that_is_none_is_told(judged):
    assert judged("groups: [1]") == [
        "rules.yml:1:10: groups[0]: must be a mapping with `rules`, not the number 1 [error: wrong-type]"
    ]


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(InvalidInputError) as caught:
        check(tmp_path / "absent.yml", collected(tmp_path, {}), BASE)
    assert caught.value.message.endswith("absent.yml can not be read: No such file or directory")


@pytest.mark.parametrize(
    ("labels", "run", "rules"),
    [
        ({}, "RUN-001", []),
        ({}, "RUN-002", []),
        ({"id": "MON-012"}, "RUN-001", ["wrong-url"]),
        ({"id": "MON-012"}, "RUN-002", []),
    ],
)
def test_alerts_that_share_a_name_are_told_apart_by_their_ids(tmp_path, labels, run, rules):
    shared = alert("MON-011", alertname="Disk", runbook="RUN-001") + alert(
        "MON-012", alertname="Disk", runbook="RUN-002"
    )
    collection = collected(
        tmp_path, {"trigger": {"event": "x"}}, {"id": "RUN-002", "trigger": {"event": "y"}}, a=shared
    )
    path = tmp_path / "rules.yml"
    path.write_text(rule("Disk", f"{BASE}/{run}", **labels))

    assert [each.rule for each in check(path, collection, BASE)] == rules
