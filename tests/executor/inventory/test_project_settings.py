"""`runbook.toml` is read as a whole: each fault with its line, and what was probably meant."""

from __future__ import annotations

import pytest

from runner.executor.inventory.project_file import project_file
from runner.executor.inventory.project_settings import AnsibleSettings, Deployments, ProjectSettings
from runner.model.yaml.finding import InvalidFileError

ALL = """\
# What our library needs
[ansible]
pass_environment = ["OS_CLOUD"]

[deployments]
log = "deployments.md"
"""


def test_each_part_of_the_product_finds_what_it_needs_in_one_file(tmp_path):
    (tmp_path / "runbook.toml").write_text(ALL)

    assert ProjectSettings.read(tmp_path / "runbook.toml") == ProjectSettings(
        ansible=AnsibleSettings(pass_environment=("OS_CLOUD",)), deployments=Deployments(log="deployments.md")
    )
    assert project_file(tmp_path).passed == ("OS_CLOUD",)


def test_a_library_need_not_have_one(tmp_path):
    assert ProjectSettings.read(tmp_path / "runbook.toml") == ProjectSettings()


@pytest.mark.parametrize(
    ("written", "wrong", "told"),
    [
        ("[ansible]", "[anisble]", "2:2: anisble: unknown key 'anisble'; did you mean 'ansible'? [error: unknown-key]"),
        ("log =", "lgo =", "5:2: deployments.log: is missing [error: missing-key]"),
        ("log =", "lgo =", "6:1: deployments.lgo: unknown key 'lgo'; did you mean 'log'? [error: unknown-key]"),
        ('["OS_CLOUD"]', '"OS_CLOUD"', "3:1: ansible.pass_environment: must be a list, not text [error: wrong-type]"),
        (
            "deployments.md",
            "../d.md",
            "6:1: deployments.log: must be a file in the library, like deployments.md or deployments.csv "
            "[error: wrong-value]",
        ),
        ("[ansible]", "ansible = 5", "2:1: ansible: must be a mapping, not the number 5 [error: wrong-type]"),
        ('["OS_CLOUD"]', "[", '5:2: Invalid value; [ansible], then config = "..." [error: no-toml]'),
    ],
)
def test_a_fault_is_told_with_its_line_and_what_was_meant(tmp_path, written, wrong, told):
    (tmp_path / "runbook.toml").write_text(ALL.replace(written, wrong, 1))

    with pytest.raises(InvalidFileError) as caught:
        ProjectSettings.read(tmp_path / "runbook.toml")

    assert f"{tmp_path}/runbook.toml:{told}" in caught.value.message.splitlines()


def test_what_is_no_text_cannot_be_read(tmp_path):
    (tmp_path / "runbook.toml").write_bytes(b"\xff")

    with pytest.raises(InvalidFileError, match="runbook.toml:1:1: cannot be read"):
        ProjectSettings.read(tmp_path / "runbook.toml")
