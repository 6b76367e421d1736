"""What a drill shows of a step has the values of its host in it."""

from harness.fakes import runbook_file

from runner.lab.drills.drill_phases import DrillPhases
from runner.lab.drills.plain_ansible import Inventory
from runner.library.library import Library


def test_a_look_is_shown_with_the_values_of_its_host_as_an_action_is(tmp_path):
    look = {
        "id": "look",
        "name": "Look",
        "effect": "read",
        "verify": [{"http": "{{ url }}/x", "that": "status == 200"}],
    }
    act = {"id": "act", "name": "Act", "command": "touch {{ path }}", "verify": [{"exit": 0}]}
    runbook_file(tmp_path, hosts="web1", steps=[look, act])
    source = Library(tmp_path).usable("RUN-001")
    inventory = Inventory({"all": ["web1"]}, {"web1": {"url": "http://web1", "path": "/x"}})
    phases = DrillPhases(source, None, {}, None, None, inventory)

    shown = [phases.shown(step, "web1") for step in source.runbook.steps]

    assert shown == ["GET http://web1/x answers; status == 200", "touch /x"]
