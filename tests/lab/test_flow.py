"""What the demo asks of a run."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from runner.lab.flow import Stage
from runner.library.library import Library


@pytest.mark.parametrize("runbook", ["RUN-001", "RUN-002"])
def test_everybody_whom_the_runbook_names_is_a_contact_that_only_the_demo_reaches(tmp_path, runbook):
    receiver = SimpleNamespace(url="http://127.0.0.1:1")
    stage = Stage(Library.shipped(), [tmp_path], receiver, lambda _: None, print, lambda: "1")

    request = stage.request(runbook, {})

    named = request.source.runbook
    told = {name for step in named.procedure if step.announces for name in step.announces.to}
    assert told == ({"deployments"} if runbook == "RUN-002" else set())
    assert set(request.contacts) == {named.owner, *named.escalation.contacts, *told}
    assert {channel.url for each in request.contacts.values() for channel in each.channels} == {receiver.url}


def test_whoever_goes_on_for_another_runbook_reaches_only_the_demo_as_well(tmp_path):
    receiver = SimpleNamespace(url="http://127.0.0.1:1")
    stage = Stage(Library.shipped(), [tmp_path], receiver, lambda _: None, print, lambda: "1")

    library = stage.request("RUN-002", {}).library

    (trigger,) = library.source("RUN-002").runbook.watch
    contacts = library.contacts(library.usable(trigger.to.run))
    assert {channel.url for each in contacts.values() for channel in each.channels} == {receiver.url}
