# Copyright: the runbookctl authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the patterns of the plays and the limit name in the inventory, where Ansible only warns or says nothing."""

from __future__ import annotations

from ansible.inventory.manager import split_host_pattern
from ansible.utils.display import Display

LEFT_OUT = (
    "Skipping key (",
    "Skipping unexpected key (",
    "Skipping '",
    "Unable to parse ",
    "Failed to load inventory plugin",
    "skipping vars_files item",
)


def missing_names(inventory, plays):
    """Each name in the pattern of a play, or in --limit, by which the inventory has no host; Ansible only warns."""
    return _places((where, term) for where, term in _terms(inventory, plays) if _is_absent(inventory, term))


def ambiguous_names(inventory, plays, delegates):
    """The same of each name that a group and a host have: Ansible takes the host alone, and only warns."""
    both = inventory.groups.keys() & inventory.hosts.keys()
    terms = [*_terms(inventory, plays), *((f"on: {name}", name) for name in delegates)]
    return _places((where, term) for where, term in terms if _bare(term) in both)


def delegate_hosts(inventory, names):
    """The hosts that each of the names has, whatever the limit: on one of them something is done for other hosts."""
    return {name: _named(inventory, name) for name in names}


def pattern_hosts(inventory, patterns, *, limited):
    """The hosts that each of the patterns of other runbooks has, within --limit or whatever it says."""
    return {each: [host.name for host in inventory.get_hosts(each, ignore_limits=not limited)] for each in patterns}


def _named(inventory, name):
    if name in inventory.groups:
        return [host.name for host in inventory.groups[name].get_hosts()]
    return [name] if name in inventory.hosts or name == "localhost" else []


def _terms(inventory, plays):
    """Each term of a pattern, and the pattern, or --limit, in which it stands."""
    terms = [(pattern(play), term) for play in plays for term in split_host_pattern(play.hosts)]
    return terms + [("--limit", term) for term in inventory._subset or () if term]


def _places(terms):
    return [
        {"where": where, "name": name} for where, name in dict.fromkeys((where, _bare(term)) for where, term in terms)
    ]


def inventory_warnings():
    """What Ansible has left out of an inventory, where it only warns."""
    warnings = [" ".join(text.removeprefix("[WARNING]: ").split()) for text in Display()._warns]
    return sorted(text for text in warnings if text.startswith(LEFT_OUT))


def _is_absent(inventory, term):
    """Whether the term names nothing; what is taken out may be empty, but has to be there."""
    name = _bare(term)
    whole = name.partition("[")[0]
    if term.startswith("!"):
        is_pattern = any(mark in whole for mark in "~*?")
        return not is_pattern and whole not in inventory.groups and whole not in inventory.hosts
    return not inventory._match_one_pattern(name)


def idle_limits(inventory, hosts):
    """Each name in --limit that has none of `hosts`, on which something is or may be done."""
    terms = [term for term in inventory._subset or () if term and term[0] not in "!&"]
    there = [(term, {host.name for host in inventory._match_one_pattern(term)}) for term in terms]
    return [term for term, names in there if names and not names & hosts]


def _bare(term):
    return term[1:] if term[:1] in "!&" else term


def host_names(inventory):
    """Every host of the inventory, also those that a limit leaves out."""
    return [host.name for host in inventory.get_hosts(ignore_limits=True)]


def pattern(play):
    """The pattern of hosts that the play has, as it is written."""
    return play.hosts if isinstance(play.hosts, str) else ":".join(play.hosts)
