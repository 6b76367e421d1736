"""A rule file is read as Prometheus and Kubernetes have it: alone, in several documents, or among other files."""

from __future__ import annotations

import pytest

from runner.core.errors import InvalidInputError
from runner.library.alerts.prometheus_rules import opened, rules

GROUPS = "groups: [{name: g, rules: [{alert: Full, annotations: {runbook_url: https://x}}]}]\n"
RULE = f"kind: PrometheusRule\nspec:\n  {GROUPS}"


@pytest.fixture
def read(tmp_path, monkeypatch):
    """The alerts and URLs in a file, or in the files of a directory, and what is told of them."""
    monkeypatch.chdir(tmp_path)

    def read(text=None, /, **files):
        for name, content in files.items() if text is None else [("rules_yml", text)]:
            path = tmp_path / "rules" / name.replace("_", ".")
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        faults, found = [], []
        for file in opened(path if text is not None else path.parent):
            faults += file.faults
            found += [(rule.name, rule.url) for rule in rules(file, faults)]
        return found, [str(each) for each in faults]

    return read


@pytest.mark.parametrize(
    "text",
    [
        GROUPS,
        RULE,
        f"---\n{GROUPS}---\n",
        f"kind: Service\n---\n{RULE}...\n---\nkind: ConfigMap\ndata: {{groups: x}}\n",
        "kind: List\nitems:\n- kind: Service\n- kind: PrometheusRule\n  spec:\n    " + GROUPS,
        "x: &r {alert: Full, annotations: &a {runbook_url: https://x}}\ngroups: [{rules: [*r]}]",
        "x: &r {alert: Full, annotations: {runbook_url: https://x}}\ngroups: [{rules: [{<<: *r, expr: y}]}]",
        "x: &r {alert: Old, annotations: {runbook_url: https://x}}\ngroups: [{rules: [{<<: [*r], alert: Full}]}]",
        '%YAML 1.1\n---\ngroups: [{rules: [{"alert": !!str Full, annotations: {runbook_url: "https://x"}}, {record: r}]}]',
    ],
)
def test_the_alerts_of_a_file(read, text):
    assert read(text) == ([("Full", "https://x")], [])


def test_each_document_of_a_file_has_alerts(read):
    found, told = read(f"{GROUPS}---\n{RULE}")

    assert (found, told) == ([("Full", "https://x")] * 2, [])


def test_a_number_is_a_name_as_it_is_for_prometheus(read):
    assert read("groups: [{rules: [{alert: 404, annotations: {runbook_url: }}]}]") == ([("404", "")], [])


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "1:1: has no groups of rules: it is empty [error: yaml-mapping]"),
        ("# nothing\n---\n", "1:1: has no groups of rules: it is empty [error: yaml-mapping]"),
        (b"groups: \xff", "1:9: byte 0xFF is not UTF-8 [error: yaml-encoding]"),
        ("a: 1", "1:1: has no `groups`; a rule file of Prometheus has groups of rules [error: missing-key]"),
        ("- a", "1:1: has no `groups`; a rule file of Prometheus has groups of rules [error: missing-key]"),
        (
            "kind: PrometheusRule\nspec: {}",
            "2:1: spec: has no `groups`; a rule file of Prometheus has groups of rules [error: missing-key]",
        ),
        ("groups: x", "1:1: groups: must be a list, not text [error: wrong-type]"),
        (
            "groups: [{name: g}]",
            "1:10: groups[0]: has no `rules`; a rule file of Prometheus has groups of rules [error: missing-key]",
        ),
        (
            "groups: [{rules: [{alert: [a]}]}]",
            "1:19: groups[0].rules[0]: must be a mapping with `alert` or `record` [error: wrong-type]",
        ),
        ("groups: [1]", "1:10: groups[0]: must be a mapping with `rules`, not text [error: wrong-type]"),
    ],
)
def test_what_is_no_rule_file(read, text, told):
    assert read(text) == ([], [f"rules/rules.yml:{told}"])


def test_a_directory_gives_its_rule_files_and_passes_over_what_else_is_there(read):
    found, told = read(
        a_yml=GROUPS, b_yaml="kind: Service", c_rules=RULE, d_yml="- a list", e_yml="", f_txt="\xff", g_yml="a: [\n"
    )

    assert found == [("Full", "https://x")] * 2
    assert [each.partition(": is not valid YAML")[0] for each in told] == ["rules/g.yml:2:1"]


def test_a_directory_without_rule_files(read):
    with pytest.raises(InvalidInputError) as caught:
        read(a_yml="kind: Service")
    assert (caught.value.message.rpartition("/")[2], caught.value.hint) == (
        "rules holds no rule file of Prometheus",
        "they end in .yml, .yaml, .rules",
    )


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(InvalidInputError) as caught:
        opened(tmp_path / "absent.yml")
    assert caught.value.message.endswith("absent.yml cannot be read: No such file or directory")
