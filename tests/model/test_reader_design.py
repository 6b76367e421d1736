"""The example of the design loads, once the dots in its abridged parts stand for something."""

from __future__ import annotations

from pathlib import Path

import yaml

from runner.model.procedure.drill_reader import expand
from runner.model.reader import to_runbook
from runner.model.yaml.document import load

EXAMPLE = (
    (Path(__file__).parent / "design.yml").read_text(encoding="utf-8").replace("{that: ...}", "{that: status == 503}")
)


def read(document):
    return to_runbook(expand(load(yaml.safe_dump(document).encode(), file="RUN-001.yml")))


def example():
    """The example with the values that it binds."""
    document = yaml.safe_load(EXAMPLE)
    terminate = document["steps"][2]
    terminate["sql"] = terminate["sql"].replace("%(pids)s", "%(pids)s::int[]")
    terminate["params"] = {"pids": "{{ pids }}"}
    return document


def test_its_procedure_loads():
    assert [step.id for step in read(example()).procedure] == [
        *("prerequisite-1", "prerequisite-2", "verify-alert", "find-stuck", "terminate-stuck", "root-cause"),
    ]


def test_its_drill_loads_as_it_is_written():
    (drill,) = read(example()).drill

    assert [
        (step.id, step.hosts, step.verify[0].says) for step in drill.steps("inject", "symptom", "proof", "undo")
    ] == [
        ("inject", "app", "It exits with status 0"),
        ("symptom", None, "status == 503"),
        ("undo", "app", "It exits with status 0"),
    ]
    assert drill.probe.look.says == "status == 200"
    assert [drill.asks_the_probe(step) for step in drill.steps("inject", "symptom")] == [False, True]
