"""What a runbook has from the registry: the source of an alert, and the secrets that it names, as inputs."""

from __future__ import annotations

import pytest
from harness.bench import runbook_text

from runner.library.library import Library
from runner.library.snapshot import read
from runner.model.yaml.finding import InvalidFileError

REGISTRY = """\
MON-001:
  title: The pool is full
  owner: owners
  severity: P1
  condition: above 90 %
  alertname: PoolHigh
  source: {prometheus: "{{ prometheus_url }}", data: pg_up, token: "env:PROMETHEUS_TOKEN"}
MON-002: {title: The disk is full, owner: owners, severity: P1, condition: above 90 %}
"""


@pytest.fixture
def library(tmp_path):
    (tmp_path / "runbooks" / "registry").mkdir(parents=True)
    (tmp_path / "runbooks" / "registry" / "alerts.yml").write_text(REGISTRY)
    (tmp_path / "runbooks" / "contacts.yml").write_text("owners: {name: Owners}\non-call: {name: On-call engineer}\n")
    return Library(tmp_path)


def write(library, *verify, **step):
    look = {"id": "look", "name": "Look", "effect": "read", "command": "uptime", "verify": [{"exit": 0}, *verify]}
    (library.root / "runbooks" / "RUN-900.yml").write_text(runbook_text({**look, **step}))


def test_an_alert_has_the_source_of_its_entry(library):
    # Given a runbook that names an alert, in a step and in its undo
    undo = {"command": "uptime", "verify": [{"alert_firing": "MON-001"}]}
    write(library, {"alert_resolved": "MON-001"}, effect="change", undo=undo)
    # When it is read
    source = library.source("RUN-900")
    # Then the alert is known by its id, and where to look it up
    (step,) = source.runbook.steps
    alerts = [step.verify[1].kinds[0].alert, step.undo.verify[0].kinds[0].alert]
    assert [(alert.id, alert.prometheus, alert.alert) for alert in alerts] == [
        ("MON-001", "{{ prometheus_url }}", "PoolHigh")
    ] * 2
    # And its token is an input, which is a secret
    assert [alert.token for alert in alerts] == ["{{ secret_env_prometheus_token }}"] * 2
    assert source.runbook.secrets == {"secret_env_prometheus_token"}
    assert source.runbook.inputs["secret_env_prometheus_token"].default == "env:PROMETHEUS_TOKEN"
    # And the file is as it is written
    assert source.document.written["steps"][0]["verify"][1] == {"alert_resolved": "MON-001"}
    assert "inputs" not in source.document.written


def test_a_look_has_what_a_verification_has(library):
    asks = {"alert_firing": "MON-001"}
    write(library, look=asks, capture={"wrong": "problem"}, command=None)
    text = (
        (library.root / "runbooks" / "RUN-900.yml")
        .read_text()
        .replace("  command: null\n", "")
        .replace("  - exit: 0\n", "  - that: problem == ''\n")
    )
    (library.root / "runbooks" / "RUN-900.yml").write_text(text)
    source = library.source("RUN-900")
    (step,) = source.runbook.steps
    alert = step.action.look.alert
    assert (alert.id, alert.prometheus, alert.token) == (
        *("MON-001", "{{ prometheus_url }}"),
        "{{ secret_env_prometheus_token }}",
    )
    assert source.runbook.secrets == {"secret_env_prometheus_token"}


def test_what_the_registry_says_is_a_part_of_the_definition(library):
    write(library, {"alert_resolved": "MON-001"})
    before = library.source("RUN-900")
    path = library.root / "runbooks" / "registry" / "alerts.yml"
    path.write_text(REGISTRY.replace("The disk", "A disk"))
    other = library.source("RUN-900")
    path.write_text(REGISTRY.replace("pg_up", "up"))
    after = library.source("RUN-900")

    assert [each.sha256 == before.sha256 for each in (other, after)] == [True, False]
    assert path in before.files
    assert before.files[path] != after.files[path]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("MON-002", "MON-002 has no `source` in the registry, so nobody can be asked how it stands"),
        ("MON-003", "MON-003 is not in the registry, so nobody can be asked how it stands"),
    ],
)
def test_an_alert_that_nobody_can_look_up_is_a_fault_of_the_runbook(library, name, said):
    write(library, {"says": "It resolves", "alert_resolved": name})

    with pytest.raises(InvalidFileError) as faults:
        library.source("RUN-900")

    (fault,) = faults.value.findings
    assert (fault.rule, fault.message) == ("no-source", said)
    text = (library.root / "runbooks" / "RUN-900.yml").read_text().splitlines()
    assert name in text[fault.line - 1]


def test_a_library_that_keeps_an_index_sees_when_the_registry_changes(library, tmp_path):
    # Given an index of a runbook that cannot be loaded, as the alert has no source
    library = Library(library.root, tmp_path / "cache")
    write(library, {"says": "It resolves", "alert_resolved": "MON-002"})
    assert read(library).faults_of("RUN-900") == 1
    # When another file of the registry gives it one
    path = library.root / "runbooks" / "registry" / "alerts.yml"
    path.write_text(REGISTRY.partition("MON-002")[0])
    source = "{prometheus: 'https://prometheus.example', alert: DiskFull, data: up}"
    more = (
        f"MON-002: {{title: The disk is full, owner: owners, severity: P1, condition: above 90 %, source: {source}}}\n"
    )
    path.with_name("more.yml").write_text(more)
    # Then it loads
    assert read(library).faults_of("RUN-900") == 0


def test_references_that_look_alike_are_different_inputs(library):
    alert = {"prometheus": "https://prometheus.example", "alert": "A", "data": "up"}
    references = ["env:TOKEN", "env:token", "file:a b", "file:a_b", "{{ given }}"]
    checks = [
        {"says": text.translate({123: None, 125: None}), "alert_firing": {**alert, "token": text}}
        for text in references
    ]
    write(library, *checks)

    runbook = library.source("RUN-900").runbook

    tokens = [each.kinds[0].alert.token for each in runbook.steps[0].verify[1:]]
    assert len(set(tokens)) == 5
    assert (tokens[0], tokens[4]) == ("{{ secret_env_token }}", "{{ given }}")
    assert sorted(item.default for item in runbook.inputs.values()) == sorted(references[:4])
