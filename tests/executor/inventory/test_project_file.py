"""`runbook.toml` chooses what of the user's environment and settings Ansible sees; nothing that could make a run lie."""

from __future__ import annotations

import pytest

from runner.core.errors import InvalidInputError
from runner.executor.ansible.workspace import environment
from runner.executor.inventory.ansible_cfg import unread
from runner.executor.inventory.project_file import PASSES, check_lookups, project_above, project_file
from runner.executor.job import ENGINE

CFG = """\
[defaults]
remote_user = deploy
stdout_callback = yaml
strategy = free
collections_path = collections:~/mine
vault_password_file = .vault
[tags]
run = nothing
[inventory]
enable_plugins = amazon.aws.aws_ec2, yaml
cache = yes
"""
HOSTILE = [
    *("ANSIBLE_RUN_TAGS", "ANSIBLE_SKIP_TAGS", "ANSIBLE_CHECK_MODE", "ANSIBLE_STRATEGY", "ANSIBLE_STDOUT_CALLBACK"),
    *("ANSIBLE_LIBRARY", "ANSIBLE_ACTION_PLUGINS", "ANSIBLE_CONFIG", "ANSIBLE_HOST_KEY_CHECKING", "PYTHONPATH"),
    *("PYTHONSTARTUP", "LD_PRELOAD", "LD_LIBRARY_PATH", "BASH_ENV", "ENV", "PATH", "PS4", "RUNBOOK_REPORT_SOCKET"),
    *("GIT_SSH_COMMAND", "GLIBC_TUNABLES", "A B", "A=B", "", PASSES, "ANSIBLE_INVENTORY_ENABLED"),
]


def write(root, text, cfg=CFG):
    (root / "runbook.toml").write_text(text)
    (root / "ansible.cfg").write_text(cfg)
    return project_file(root)


def seen(project, **environ):
    """What Ansible sees of `environ`, besides its path and locale."""
    found = environment(project.applied(environ), python="/usr/bin/python3")
    return {name: value for name, value in found.items() if name not in {"PATH", "LC_ALL"}}


def test_without_a_file_nothing_more_is_passed_on(tmp_path):
    project = project_file(tmp_path)

    assert seen(project, OS_CLOUD="ops", HOME="/h", **{PASSES: "OS_CLOUD,LD_PRELOAD"}) == {"HOME": "/h"}
    assert (project.told({}), project_file(None)) == ([], project)


def test_the_engine_is_chosen_unless_the_environment_names_another(tmp_path):
    project = write(tmp_path, '[ansible]\nengine = "stock"\n')

    assert [project.applied(environ)[ENGINE] for environ in ({}, {ENGINE: "fast"})] == ["stock", "fast"]
    assert [project.told(environ) for environ in ({}, {ENGINE: "fast"})] == [
        [f"{tmp_path}/runbook.toml: the engine is stock"],
        [],
    ]


def test_the_variables_that_are_chosen(tmp_path):
    project = write(tmp_path, '[ansible]\npass_environment = ["OS_CLOUD", "GOOGLE_CLOUD_PROJECT"]\n')

    assert seen(project, OS_CLOUD="ops", OS_PASSWORD="x") == {"OS_CLOUD": "ops"}
    assert project.told({"OS_CLOUD": "ops"}) == [
        f"{tmp_path}/runbook.toml: Ansible sees OS_CLOUD, GOOGLE_CLOUD_PROJECT (which is not set) of this environment"
    ]


def test_of_the_configuration_only_where_secrets_collections_and_hosts_come_from(tmp_path):
    project = write(tmp_path, '[ansible]\nconfig = "ansible.cfg"\n')

    assert seen(project, HOME="/h") == {
        "HOME": "/h",
        "ANSIBLE_VAULT_PASSWORD_FILE": f"{tmp_path}/.vault",
        "ANSIBLE_COLLECTIONS_PATH": seen(project)["ANSIBLE_COLLECTIONS_PATH"],
        "ANSIBLE_INVENTORY_ENABLED": "amazon.aws.aws_ec2, yaml",
        "ANSIBLE_INVENTORY_CACHE": "yes",
    }
    assert seen(project)["ANSIBLE_COLLECTIONS_PATH"].startswith(f"{tmp_path}/collections:/")
    assert project.told({}) == [
        f"{tmp_path}/runbook.toml: of {tmp_path}/ansible.cfg are taken: "
        "vault_password_file, collections_path, enable_plugins, cache"
    ]
    # What is not taken is told, with how to give it
    assert unread([tmp_path / "hosts"], tmp_path, project) == [
        f"{tmp_path}/ansible.cfg is not read: remote_user, stdout_callback, strategy, run; "
        "give remote_user as ansible_user in group_vars"
    ]


def test_what_the_user_has_set_counts_more(tmp_path):
    project = write(tmp_path, '[ansible]\nconfig = "ansible.cfg"\n')

    assert seen(project, ANSIBLE_VAULT_PASSWORD_FILE="/own")["ANSIBLE_VAULT_PASSWORD_FILE"] == "/own"


@pytest.mark.parametrize("name", HOSTILE)
def test_what_could_make_a_run_lie_cannot_be_chosen(tmp_path, name):
    with pytest.raises(InvalidInputError, match="cannot be passed on"):
        write(tmp_path, f'[ansible]\npass_environment = ["{name}"]\n')

    # Nor does it get through where somebody sets the product's own variable
    found = environment({name: "x", "PATH": "/bin", PASSES: name}, python="/usr/bin/python3") if name else {}
    assert found.get(name) in {None, "/usr/bin:/bin"} or name == "ANSIBLE_INVENTORY_ENABLED"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ansible = ", "runbook.toml:1:11: Invalid value"),
        ("[runbook]\n", "unknown key 'runbook'"),
        ('[ansible]\nconfig = "absent.cfg"\n', "absent.cfg cannot be read"),
    ],
)
def test_a_file_that_cannot_be_used_says_why(tmp_path, text, message):
    with pytest.raises(InvalidInputError, match=message):
        write(tmp_path, text)


def test_a_file_that_others_can_change_is_refused(tmp_path):
    write(tmp_path, "[ansible]\n")
    (tmp_path / "runbook.toml").chmod(0o666)

    with pytest.raises(InvalidInputError):
        project_file(tmp_path)


def test_the_file_of_the_library_in_which_an_inventory_lies(tmp_path):
    project = write(tmp_path, '[ansible]\npass_environment = ["OS_CLOUD"]\n')
    (tmp_path / "inventories").mkdir()

    assert project_above(tmp_path / "inventories" / "lab") == project


ENVIRON = {"DB_HOST": "db1", "PYTHONPATH": "/srv"}


@pytest.mark.parametrize("looked_up", [{}, {"environment": ["DB_PORT"], "beside": []}])
def test_what_nobody_finds_is_no_difference(looked_up):
    check_lookups(looked_up, ENVIRON)


@pytest.mark.parametrize(
    ("looked_up", "message", "hint"),
    [
        (
            {"environment": ["DB_HOST", "DB_PORT"]},
            "looks up DB_HOST of the environment",
            'pass_environment = ["DB_HOST"]',
        ),
        ({"environment": ["PYTHONPATH"]}, "looks up PYTHONPATH of the environment", "into the inventory"),
        ({"beside": ["conf/*"]}, r"looks for conf/\* beside the playbook", "the whole path"),
    ],
)
def test_what_plain_ansible_finds_is_refused(looked_up, message, hint):
    with pytest.raises(InvalidInputError, match=message) as refused:
        check_lookups(looked_up, ENVIRON)

    assert hint in refused.value.hint
