"""Each seeded defect is found by the rule that names it, in its line, and no other rule speaks.

The files in `defects/` are whole runbooks; where a line ends with `# expect: RULE`, that rule must speak about it.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from runner.lint.engine import rules

FILES = sorted((Path(__file__).parent / "defects").glob("*.yml"))
EXPECT = re.compile(r"# expect: ([a-z-]+)")


def expected(text):
    return [(match[1], number) for number, line in enumerate(text.splitlines(), 1) for match in EXPECT.finditer(line)]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_exactly_the_seeded_defects_are_found(linted, path):
    text = path.read_text(encoding="utf-8")
    assert [(finding.rule, finding.line) for finding in linted(text)] == expected(text)


def test_every_rule_has_a_defect_and_the_base_has_none():
    seeded = {path.stem: expected(path.read_text(encoding="utf-8")) for path in FILES}
    assert seeded.pop("base") == []
    assert {rule for found in seeded.values() for rule, _ in found} >= set(rules())
    assert all(len(found) == 1 and stem.startswith(found[0][0]) for stem, found in seeded.items())


def test_a_rollback_trigger_leads_to_a_runbook_that_can_roll_back(linted):
    registry = {
        "DEP-006": {
            "title": "It serves well",
            "owner": "backend-team",
            "rollback": {"trigger": "it does not", "condition": {"command": "test -e /bad"}, "runbook": "RUN-010"},
        }
    }
    text = (
        (FILES[0].parent / "base.yml").read_text(encoding="utf-8").replace("steps:\n", "watch: [DEP-006]\nsteps:\n", 1)
    )

    def told(**rollback):
        entry = {**registry["DEP-006"], "rollback": {**registry["DEP-006"]["rollback"], **rollback}}
        found = linted(text, {"registry/deployments.yml": yaml.safe_dump({"DEP-006": entry})})
        return [(each.rule, each.message.partition(":")[0]) for each in found]

    assert told() == [("unfit-hand-over", "RUN-010 could not roll back")]
    assert told(inputs={"mount": "/"}) == []
    assert told(runbook="RUN-999") == [("unknown-runbook", "RUN-999 cannot roll back")]


def test_an_approval_covers_what_another_runbook_does_without_asking(linted):
    base = yaml.safe_load((FILES[0].parent / "base.yml").read_text(encoding="utf-8"))
    run = {
        "id": "other",
        "name": "Release it",
        "approve": "Release it?",
        "run": "RUN-020",
        "verify": [{"command": "true"}],
    }
    ref = {"github": "team/shop", "workflow": "release.yml", "ref": "main", "token": "{{ token }}"}
    build = {"id": "build", "name": "Build it", "pipeline": ref, "verify": [{"that": "status == 204"}]}
    token = {"token": {"type": "secret", "default": "env:TOKEN", "help": "May start pipelines"}}

    def told(**changes):
        inner = {**base, "id": "RUN-020", "inputs": {**base["inputs"], **token}, "steps": [{**build, **changes}]}
        text = yaml.safe_dump({**base, "steps": [*base["steps"], run]}, sort_keys=False, width=1000)
        found = linted(text, {"RUN-020.yml": yaml.safe_dump(inner)})
        return [each.message for each in found if each.rule == "approval-of-moving-name"]

    assert told() == ["'Build it' of RUN-020 is approved here by the name main, which may be another thing by then"]
    assert told(approve="Build it?") == []
    assert told(pipeline={**ref, "inputs": {"commit": "{{ commit }}"}}) == []
    assert told(pipeline={**ref, "ref": "{{ release_tag }}"}) == []
