"""What stands in an `ansible.cfg` that is not read is told, with how to give it."""

from __future__ import annotations

import pytest

from runner.executor.inventory.ansible_cfg import unread


def test_each_setting_is_told_with_how_to_give_it(tmp_path):
    inventory = tmp_path / "hosts.yml"
    inventory.touch()
    (tmp_path / "ansible.cfg").write_text(
        "[defaults]\ninventory = hosts.yml\nremote_user = deploy\nforks = 20\nvault_password_file = ~/.v\n"
        "[ssh_connection]\nssh_args = -o ProxyJump=gate %h\n"
    )

    assert unread([inventory], tmp_path) == [
        f"{tmp_path}/ansible.cfg is not read: remote_user, forks, vault_password_file, ssh_args; give "
        "remote_user as ansible_user, ssh_args as ansible_ssh_common_args in group_vars and "
        "vault_password_file as ANSIBLE_VAULT_PASSWORD_FILE in the environment"
    ]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", None),
        ("[defaults]\ninventory = x\n", None),
        ("[defaults]\nforks = 5\n", "is not read: forks"),
        ("no section", "is not read"),
    ],
)
def test_what_needs_no_word_gets_none(tmp_path, text, sentence):
    (tmp_path / "lab").mkdir()
    (tmp_path / "ansible.cfg").write_text(text)

    told = unread([tmp_path / "lab"], tmp_path / "lab")

    assert told == ([f"{tmp_path}/ansible.cfg {sentence}"] if sentence else [])


def test_without_one_there_is_nothing_to_tell(tmp_path):
    assert unread([tmp_path], tmp_path) == []
