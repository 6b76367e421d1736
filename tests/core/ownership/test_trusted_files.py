"""What is executed must not be anybody else's to change: files, what lies below, the directories above, and links."""

from __future__ import annotations

import os

import pytest

from runner.core.errors import InvalidInputError
from runner.core.ownership import trusted_files

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
STRANGER = 12345


@pytest.fixture
def inventory(tmp_path):
    (tmp_path / "inventory" / "group_vars").mkdir(parents=True, mode=0o755)
    for name in ("hosts.yml", "group_vars/all.yml"):
        (tmp_path / "inventory" / name).write_text("all: {}\n")
    return tmp_path / "inventory"


def refusal(*paths, **options):
    with pytest.raises(InvalidInputError) as caught:
        trusted_files.check(paths, **options)
    return str(caught.value), caught.value.hint


def test_files_of_ones_own_are_fine_also_behind_links_and_in_loops(inventory):
    (inventory / "loop").symlink_to(inventory)
    (inventory / "gone").symlink_to("/nowhere/at/all")

    trusted_files.check([inventory, inventory / "hosts.yml", inventory / "absent.yml"], variables_beside=True)


@pytest.mark.parametrize("name", [".", "hosts.yml", "group_vars", "group_vars/all.yml"])
def test_what_everybody_can_write_is_refused_with_how_to_mend_it(inventory, name):
    path = inventory / name
    path.chmod(path.stat().st_mode | 0o002)
    mode = f"{path.stat().st_mode & 0o7777:04o}"

    assert refusal(inventory) == (
        f"others can change what would be executed:\n{path} can be written by everybody (mode {mode})",
        f"look at it first; chmod go-w {path}",
    )
    path.chmod(path.stat().st_mode & ~0o002)
    trusted_files.check([inventory])


def test_a_directory_above_lets_others_put_something_else_in_the_place(inventory):
    inventory.chmod(0o777)

    message, _ = refusal(inventory / "hosts.yml")

    assert f"{inventory} can be written by everybody (mode 0777)" in message


def test_a_sticky_directory_above_keeps_each_file_for_its_owner_but_not_the_variables_beside_an_inventory(inventory):
    inventory.chmod(0o1777)

    trusted_files.check([inventory / "hosts.yml"])
    message, hint = refusal(inventory / "hosts.yml", variables_beside=True)

    assert f"{inventory / 'hosts.yml'} lies in {inventory}, where everybody can add files" in message
    assert "mkdir -m 700" in hint


def test_variables_beside_an_inventory_are_looked_at_as_well(inventory):
    (inventory / "group_vars" / "all.yml").chmod(0o666)

    trusted_files.check([inventory / "hosts.yml"])
    message, _ = refusal(inventory / "hosts.yml", variables_beside=True)

    assert f"{inventory / 'group_vars' / 'all.yml'} can be written by everybody (mode 0666)" in message


def test_what_a_link_leads_to_is_looked_at(inventory, tmp_path):
    target = tmp_path / "elsewhere.yml"
    target.write_text("all: {}\n")
    target.chmod(0o666)
    (inventory / "link.yml").symlink_to(target)

    message, _ = refusal(inventory)

    assert f"{target} can be written by everybody (mode 0666)" in message


@needs_root
@pytest.mark.parametrize(("group", "message"), [(STRANGER, f"can be written by the group {STRANGER}"), (0, "")])
def test_a_group_that_is_the_owners_own_may_write(inventory, group, message):
    path = inventory / "hosts.yml"
    os.chown(path, 0, group)
    path.chmod(0o664)

    if message:
        assert refusal(path) == (
            f"others can change what would be executed:\n{path} {message}",
            f"look at it first; chmod g-w {path}",
        )
    else:
        trusted_files.check([path])


@needs_root
def test_a_file_of_another_user_is_refused_but_behind_sudo_it_may_be_of_whoever_called_it(inventory, monkeypatch):
    path = inventory / "hosts.yml"
    os.chown(path, STRANGER, 0)

    assert refusal(path) == (
        f"others can change what would be executed:\n{path} belongs to user {STRANGER}",
        f"look at it first; sudo chown -R root {path}, or run as user {STRANGER}",
    )
    monkeypatch.setenv("SUDO_UID", str(STRANGER))
    trusted_files.check([path])


def test_many_faults_are_counted(inventory):
    for number in range(8):
        (inventory / f"{number}.yml").write_text("")
        (inventory / f"{number}.yml").chmod(0o666)

    message, hint = refusal(inventory)

    assert len(message.splitlines()) == 7
    assert message.endswith("and 3 more")
    assert len(hint.splitlines()) == 5
