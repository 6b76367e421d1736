"""A value that a vault keeps is a reference to its ciphertext, by whatever way a template reaches it."""

from __future__ import annotations

import re

PLAY = """
- hosts: all
  gather_facts: false
  tasks:
    - name: RUN-001/act/action | Act
      ansible.builtin.command:
        argv: [echo, "{{ password }}", "{{ vars['password'] }}", "{{ hostvars['db2'].password }}", "{{ word }}"]
"""


def test_no_way_to_a_value_in_the_vault_shows_it(shown):
    _, *words, last = shown(play=PLAY, word="a", others={"db2": {}})["args"]["argv"]

    assert last == "a"
    assert [re.sub(r"[0-9a-f]{8}", "DIGEST", word) for word in words] == ["vault:password (ciphertext DIGEST)"] * 3


def test_another_value_in_the_vault_is_another_reference(shown):
    given = {"play": PLAY, "word": "a", "others": {"db2": {}}}

    assert shown(**given) != shown(vaulted="password: another-value\nport: 5431\n", **given)
