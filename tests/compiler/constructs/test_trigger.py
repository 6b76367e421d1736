"""A rollback trigger is compiled to one look on one host, which fails where the trigger fires."""

from __future__ import annotations

import yaml
from harness.fakes import runbook_file
from harness.registry_files import FIRES, write_registry

from runner.compiler.committed_playbook import compiled
from runner.compiler.constructs.trigger import fires
from runner.library.library import Library


def test_one_look_the_other_way_round(tmp_path):
    write_registry(tmp_path)
    source = Library(tmp_path).source(str(runbook_file(tmp_path, watch=["DEP-006"])))

    play = yaml.safe_load(compiled(source))[-1]

    (block,) = play["tasks"]
    probe, judged = block["block"]
    assert (play["hosts"], block["tags"]) == (source.runbook.hosts, ["step-trigger-dep-006", "never"])
    assert (probe["run_once"], judged["run_once"]) == (True, True)
    assert judged["ansible.builtin.assert"]["that"] == [
        "probe.rc | default(-1) == 0",
        "not (probe.output.stdout.truncated | default(false))",
        FIRES,
    ]
    assert fires(source.runbook.watch[0]) == FIRES
    assert [task["name"] for task in block["rescue"]] == ["RUN-001/trigger-dep-006/rescue | Others are looked at, too"]


def test_all_conditions_together_fire_it(tmp_path):
    condition = {"http": "http://lb/metrics", "that": ["status == 200", "json.rate > 2"]}
    write_registry(tmp_path, condition=condition)
    source = Library(tmp_path).source(str(runbook_file(tmp_path, watch=["DEP-006"])))

    assert fires(source.runbook.watch[0]) == "not ((status == 200) and (json.rate > 2))"


def test_what_is_not_known_does_not_count_as_quiet(tmp_path):
    metric = {"from": "prometheus", "url": "http://127.0.0.1:9", "query": "rate", "that": "value > 0.02"}
    write_registry(tmp_path, condition={"metric": metric})
    source = Library(tmp_path).source(str(runbook_file(tmp_path, watch=["DEP-006"])))

    (block,) = yaml.safe_load(compiled(source))[-1]["tasks"]

    judged = block["block"][1]
    assert judged["ansible.builtin.assert"]["that"][-2:] == ["problem == ''", "not ((value > 0.02))"]
    assert set(judged["vars"]) == {"problem", "value"}
