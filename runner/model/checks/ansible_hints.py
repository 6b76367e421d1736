"""What Ansible people write out of habit, and how it is said in a runbook."""

_AGAIN = "write `retry`, or `within` and `every` in a verification"
_HOSTS = "name the hosts of a step with `hosts`"
_ITEMS = "write `each`: the list for each `{{ item }}` of which it is done"
_TOP = "it stands at the top of the runbook"
_STEPS = "write steps; what takes one back is its `undo`"

STEP = {
    "when": "write `only_if`: where that is not true, it is not needed; or `decide`, where one of several is done",
    "register": "write `capture`, which names the values that later steps need",
    **dict.fromkeys(("loop", "with_items", "loop_control", "with_dict", "with_sequence"), _ITEMS),
    **dict.fromkeys(("until", "retries", "delay"), _AGAIN),
    "ignore_errors": "write on_failure: continue; the run continues, and does not pass",
    "failed_when": "say in `verify` what is good, with `exit` or `that`",
    "changed_when": "write `effect`: read, change or destructive",
    "environment": "write `env`",
    "vars": "write `inputs` at the top, or set it in the inventory",
    "tags": "each step has a tag of its own already",
    "notify": "write the step that is to follow",
    "no_log": "what is declared as an input of type secret, or encrypted by ansible-vault, is shown nowhere",
    "set_fact": "write `capture` in a step without an action, which computes values for later steps",
    **dict.fromkeys(("include_role", "import_role"), "write `role` with its name, and `vars` beside it"),
    **dict.fromkeys(("include_tasks", "import_tasks"), "write `tasks` with the file, and `vars` beside it"),
    "vars_files": "write `values` at the top of the runbook",
    **dict.fromkeys(("serial", "max_failures", "deadline", "locks"), _TOP),
    "delegate_to": "write `on`: one host, or a group of one; `{{ step_host }}` is the host for which it is done there",
    "run_once": _HOSTS,
    **dict.fromkeys(("block", "rescue", "always"), _STEPS),
}
"""Keys of a task."""

VERIFICATION = {
    "on": "a verification is made where its step is done; write a step of its own, which has `on`",
    "when": "a verification that is skipped proves nothing, so none has a `when`",
    **dict.fromkeys(("until", "retries", "delay"), "write `within` and `every`"),
    **dict.fromkeys(("name", "fail_msg", "success_msg"), "write `says`: what is expected, in words"),
}
"""Keys of an assert."""

RUNBOOK = {
    "name": "write `title`",
    "tasks": "write `steps`",
    **dict.fromkeys(("vars", "vars_prompt"), "write `inputs`"),
    "vars_files": "write `values`",
    "roles": "write a step with `role`",
    "environment": "write `env`",
    "max_fail_percentage": "write `max_failures`",
    "last_tested": "nobody types it: it is when the record has a run of this runbook that passed",
}
"""Keys of a play, and of a runbook in prose."""
