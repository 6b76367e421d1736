"""What Ansible people write out of habit, and how it is said in a runbook."""

from __future__ import annotations

_AGAIN = "write `within` and `every` in a verification"
_HOSTS = "name the hosts of a step with `hosts`"
_ITEMS = "a step is done once on each host; let its command go over the items"
_STEPS = "write steps; what takes one back is its `undo`"

STEP = {
    "when": "a step that is skipped proves nothing, so no step has a `when`; write a runbook for each case, "
    "or a step that verifies the condition with on_failure: stop",
    "register": "write `capture`, which names the values that later steps need",
    **dict.fromkeys(("loop", "with_items"), _ITEMS),
    **dict.fromkeys(("until", "retries", "delay"), _AGAIN),
    "ignore_errors": "write on_failure: continue; the run continues, and does not pass",
    "failed_when": "say in `verify` what is good, with `exit` or `that`",
    "changed_when": "write `effect`: read, change or destructive",
    "environment": "write `env`",
    "vars": "write `inputs` at the top, or set it in the inventory",
    "tags": "each step has a tag of its own already",
    "notify": "write the step that is to follow",
    "no_log": "a secret belongs in a file on the host, not in a runbook",
    "delegate_to": "write `on`: one host, or a group of one; `{{ step_host }}` is the host for which it is done there",
    "run_once": _HOSTS,
    **dict.fromkeys(("block", "rescue", "always"), _STEPS),
}
"""Keys of a task."""

VERIFICATION = {
    "when": "a verification that is skipped proves nothing, so none has a `when`",
    **dict.fromkeys(("until", "retries", "delay"), "write `within` and `every`"),
    **dict.fromkeys(("name", "fail_msg", "success_msg"), "write `says`: what is expected, in words"),
}
"""Keys of an assert."""

RUNBOOK = {
    "name": "write `title`",
    "tasks": "write `steps`",
    **dict.fromkeys(("vars", "vars_prompt"), "write `inputs`"),
    "last_tested": "nobody types it: it is when the record has a run of this runbook that passed",
}
"""Keys of a play, and of a runbook in prose."""
