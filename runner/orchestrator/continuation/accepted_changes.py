"""Going on with a run by another text than the one that it was done by: what differs, and who has accepted that."""

import difflib

from runner.core.events import EventType
from runner.orchestrator.recorder import Recorder
from runner.orchestrator.request import RunRequest
from runner.store.run_state import RunDirectory


def note_going_on(request: RunRequest, directory: RunDirectory, recorder: Recorder, by: str) -> None:
    """Save in the state of the run that the person `by` goes on with it; who is refused before leaves it as it was."""
    accept_changes(request, directory, recorder, by)
    directory.keep(request.source.definition, request.playbook)
    directory.update(status="running", mode=request.mode)
    directory.update(sha256=request.source.sha256, playbook_sha256=request.playbook_sha256)
    directory.update(inputs=dict(request.inputs), reason=request.reason, break_glass=request.break_glass)


def accept_changes(request: RunRequest, directory: RunDirectory, recorder: Recorder, by: str) -> None:
    """Record that the person `by` goes on by another text than the one that the run was done by last, if so."""
    state, playbook = directory.state, request.playbook_sha256
    if (state.sha256, state.playbook_sha256) in {(request.source.sha256, playbook), (request.source.sha256, "")}:
        return
    before = {"runbook_sha256": state.sha256, "playbook_sha256": state.playbook_sha256}
    after = {"runbook_sha256": request.source.sha256, "playbook_sha256": playbook}
    diff = changes(directory, request.source.definition, request.playbook)
    recorder.note(EventType.CHANGES_ACCEPTED, by=by, before=before, after=after, diff=diff)


def changes(directory: RunDirectory, runbook: bytes, playbook: bytes) -> str:
    """What differs in the texts by which a run is to be gone on with from those by which it was done last."""
    state = directory.state
    texts = (
        (directory.text("runbook", state.sha256), runbook),
        (directory.text("playbook", state.playbook_sha256), playbook),
    )
    for before, now in texts:  # a file that a step names may have changed though the runbook has not
        lines = (before.splitlines(), now.decode(errors="replace").splitlines())
        if difference := "\n".join(difflib.unified_diff(*lines, "when the run began", "now", lineterm="")):
            return difference
    return ""
