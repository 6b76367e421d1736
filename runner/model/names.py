"""What the things of a runbook may be called, so that nothing is called like something else."""

import keyword
from typing import Annotated

from pydantic import AfterValidator

from runner.core.identifiers import ContactName, Spelling, Variable

_OURS = """
result probe holds deadline sample rows row rc stdout stderr json status content facts df trend_now trend_first baseline
on_call_now on_call_then
"""
OF_RESULTS = frozenset(_OURS.split())
"""What a condition calls the result that it judges, and its parts."""
ITEM, NUMBER = "item", "item_number"
"""What a step that is done for each item of a list calls the item, and its number, which counts from 1."""
_JINJA = "and or not in is if else elif for true false none loop self super"
_GLOBALS = "now range dict lookup query q omit undef joiner lipsum cycler namespace"
# The keywords of plays, blocks and tasks: https://docs.ansible.com/ansible-core/2.19/reference_appendices/
# playbooks_keywords.html; Ansible warns about a variable of that name, and ansible-lint refuses it.
_KEYWORDS = """
action any_errors_fatal args async async_val become become_exe become_flags become_method become_user block always
changed_when check_mode collections connection debugger delay delegate_facts delegate_to diff environment fact_path
failed_when force_handlers gather_facts gather_timeout handlers hosts ignore_errors ignore_unreachable
local_action loop loop_control loop_with max_fail_percentage module_defaults name no_log notify
order poll port post_tasks pre_tasks register remote_user rescue retries roles run_once serial strategy tags
tasks throttle timeout until vars vars_files vars_prompt when with_
"""
_VARIABLES = """
groups group_names hostvars inventory_dir inventory_file inventory_hostname inventory_hostname_short
play_hosts playbook_dir role_name role_names role_path step_host
"""

RESERVED = frozenset(
    [*f"{_OURS} {ITEM} {NUMBER} {_JINJA} {_GLOBALS} {_KEYWORDS} {_VARIABLES}".split(), *keyword.kwlist]
)
"""Names that a condition, or Ansible, already means something else by."""
_WHY = (
    ({ITEM, NUMBER}, "is what a step calls the item that it is done for, or its number"),
    (OF_RESULTS, "is what a condition calls the result that it judges, or a part of it"),
    (frozenset(_KEYWORDS.split()), "is a keyword of Ansible's, and ansible-lint refuses a variable of that name"),
    (frozenset(_GLOBALS.split()), "is a function of templates, and ansible-lint refuses a variable of that name"),
    (frozenset(_VARIABLES.split()), "is a variable that Ansible sets itself"),
    (RESERVED, "is a word of conditions or of Python"),
)


def _free(name: str) -> str:
    if name.startswith(("ansible_", "runbook_")):
        whose = "Ansible" if name.startswith("ansible_") else "runbookctl"
        raise ValueError(f"{name!r} begins as the settings of {whose} do; choose another name")
    if name in RESERVED:
        why = next(why for names, why in _WHY if name in names)
        raise ValueError(f"{name!r} {why}; say whose it is, like app_{name}")
    return name


Name = Annotated[Variable, AfterValidator(_free)]
"""An input or a captured value."""

Contact = ContactName

# No other scheme (a reader will click on it), and nothing outside of the library.
_PAGE = r"^(?:https?://[^\s/]+\S*|(?![^/]*:)(?!/)(?!(?:.*/)?\.\.(?:/|$))[^\s\\]+)$"
PageReference = Annotated[
    str, Spelling(_PAGE, "a file of the library, like docs/disk.md, or an http(s) URL, without a space", longest=500)
]
"""A page of documentation."""

_PATTERN = r"^[A-Za-z0-9_.*~!][A-Za-z0-9_.:&!*\[\]~-]*$"
HostPattern = Annotated[str, Spelling(_PATTERN, "an Ansible host pattern, like app1:app2 or app:!app[0]", longest=200)]
"""Hosts and groups joined by `:`."""
