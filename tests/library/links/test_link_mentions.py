"""A file mentions ids, hosts, contacts and programs, each at its place, whatever library it lies in."""

from __future__ import annotations

from harness.fakes import runbook_file

from runner.library.library import Library
from runner.library.links.link_mentions import mentions, program_mentions


def test_every_mention_of_a_runbook_has_its_place(tmp_path):
    runbook_file(tmp_path, scope={"handles": ["What RISK-001 and SHA-256 are about"]}, links=["TECH-001"])
    source = Library(tmp_path).source("RUN-001")

    assert [(each.kind, each.word, each.place) for each in mentions(source.document)] == [
        ("contact", "backend-team", ("owner",)),
        ("id", "MON-001", ("trigger", "alert")),
        ("id in text", "RISK-001", ("scope", "handles", 0)),
        ("id in text", "SHA-256", ("scope", "handles", 0)),
        ("hosts", "all", ("hosts",)),
        ("contact", "on-call", ("escalation", "contacts", 0)),
        ("id", "TECH-001", ("links", 0)),
    ]
    assert [
        (each.word, each.place) for each in program_mentions(source.runbook, source.document, source.read_file)
    ] == [("df", ("steps", 0, "command"))]
