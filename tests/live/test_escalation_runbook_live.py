"""RUN-040 brings an incident to the next level: L1 is called at once, L2 when nobody has it, and `ack` ends that."""

from __future__ import annotations

import shutil

import pytest
import yaml
from harness import ROOT
from harness.bench import Bench
from harness.fault_server import FaultServer

FACTS = {"incident": "Orders are lost", "impact": "All customers since 03:10", "tried": "RUN-001, twice"}


@pytest.fixture
def bench(tmp_path):
    """The shipped runbook with a time to wait that a test has, for a host that nobody can reach."""
    made = Bench(tmp_path)
    (tmp_path / "runbooks").mkdir()
    text = (ROOT / "runbooks" / "RUN-040.yml").read_text()
    assert "next_after: 10m" in text
    (tmp_path / "runbooks" / "RUN-040.yml").write_text(text.replace("next_after: 10m", "next_after: 2s"))
    shutil.copytree(ROOT / "runbooks" / "schemas", tmp_path / "runbooks" / "schemas")
    lost = {"ansible_host": "127.0.0.1", "ansible_port": 9, "runbook_environment": "lab"}
    made.inventory.write_text(yaml.safe_dump({"all": {"hosts": {"db1": lost}}}))
    return made


def people(server):
    """Everybody whom the runbook names, by one address."""
    levels = {"on-call": "L1", "database-lead": "L2", "tech-lead": "L3"}
    channels = f"channels: [{{webhook: {{url: '{server.root}/'}}}}]"
    return "".join(f"{name}: {{name: {name}, level: {level}, {channels}}}\n" for name, level in levels.items())


def called(server):
    """The incidents for which somebody was called, in order."""
    pages = [each["data"] for each in server.events]
    return [page["dedup_key"] for page in pages if page["action"] == "trigger"]


def test_a_runbook_without_commands_calls_level_by_level_until_somebody_has_it(bench):
    with FaultServer("200") as server:
        (bench.directory / "runbooks" / "contacts.yml").write_text(people(server))
        bench.compile()
        inputs = [word for name, value in FACTS.items() for word in ("-e", f"{name}={value}")]
        # When it is begun, on a terminal that nobody sits at, and ends as nobody confirms
        begun = bench.command("run", "RUN-040", "-i", str(bench.inventory), *inputs, "--confirm", "facts")
        # Then L1 was called as soon as it began, with what whoever takes over must know
        first = server.events[0]["data"]
        assert begun.code != 0
        assert first["action"] == "trigger"
        assert [first["details"][name] for name in FACTS] == [*FACTS.values()]
        assert (
            "started RUN-040 Hand an incident over to the next level in lab on db1" in first["details"]["what happened"]
        )
        # And the next command calls L2, as nobody has acknowledged
        for _ in range(60):  # looks, of which the first may come before its time
            bench.command("status", "last")
            if any(key.endswith("/L2") for key in called(server)):
                break
        assert {key.rpartition("/")[2] for key in called(server)} >= {"L2"}
        # And once somebody has it, nobody else is called
        acknowledged = bench.command("ack", "last", "--note", "I decide")
        before = called(server)
        bench.command("status", "last")
        assert acknowledged.out.startswith("acknowledged  run ")
        assert called(server) == before
        # And the hand-off can be read on any terminal
        hand_off = bench.command("show", "last", "--format", "handoff").out
        assert "INCIDENT\n  Orders are lost\n" in hand_off
        assert "CONTINUE on " in hand_off
