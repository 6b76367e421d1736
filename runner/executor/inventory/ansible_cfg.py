"""An `ansible.cfg` beside an inventory, which is not read: which settings it has, and how each is given instead."""

import configparser
from collections.abc import Collection, Iterable
from pathlib import Path

from runner.executor.inventory.project_file import ProjectFile

_NONE = ProjectFile()
_IN_GROUP_VARS = {
    "remote_user": "ansible_user",
    "remote_port": "ansible_port",
    "private_key_file": "ansible_ssh_private_key_file",
    "ssh_args": "ansible_ssh_common_args",
    "ssh_common_args": "ansible_ssh_common_args",
    "ssh_extra_args": "ansible_ssh_extra_args",
    "scp_extra_args": "ansible_scp_extra_args",
    "sftp_extra_args": "ansible_sftp_extra_args",
    "ssh_executable": "ansible_ssh_executable",
    "remote_tmp": "ansible_remote_tmp",
    "executable": "ansible_shell_executable",
    "interpreter_python": "ansible_python_interpreter",
    "timeout": "ansible_timeout",
    "transport": "ansible_connection",
    "become": "ansible_become",
    "become_user": "ansible_become_user",
    "become_method": "ansible_become_method",
    "become_exe": "ansible_become_exe",
    "become_flags": "ansible_become_flags",
}
_IN_THE_ENVIRONMENT = {
    "vault_password_file": "ANSIBLE_VAULT_PASSWORD_FILE",
    "vault_identity_list": "ANSIBLE_VAULT_IDENTITY_LIST",
    "collections_path": "ANSIBLE_COLLECTIONS_PATH",
    "collections_paths": "ANSIBLE_COLLECTIONS_PATH",
    "become_password_file": "ANSIBLE_BECOME_PASSWORD_FILE",
}


def unread(inventories: Iterable[Path], directory: Path, project: ProjectFile = _NONE) -> list[str]:
    """A sentence for each `ansible.cfg` that Ansible itself might have read: in `directory` or beside an inventory.

    What `project` takes from one is left out.
    """
    beside = [each if each.is_dir() else each.parent for each in inventories]
    places = [directory, *beside, *(each.parent for each in beside)]
    paths = dict.fromkeys((place / "ansible.cfg").resolve() for place in places)
    taken = {project.config.resolve(): project.taken} if project.config else {}
    return [
        sentence
        for path in [*paths, *(taken.keys() - paths.keys())]
        if (sentence := _sentence(path, taken.get(path, ())))
    ]


def _sentence(path: Path, taken: Collection[str]) -> str:
    parser = configparser.ConfigParser(interpolation=None, strict=False, allow_no_value=True)
    try:
        parser.read_string(path.read_text(encoding="utf-8", errors="replace"))
    except FileNotFoundError:
        return ""
    except (OSError, configparser.Error):
        return f"{path} is not read"
    keys = list(dict.fromkeys(key for section in parser.sections() for key in parser[section] if key not in taken))
    keys = [key for key in keys if key != "inventory"]
    if not keys:
        return ""
    ways = [
        way
        for names, where in ((_IN_GROUP_VARS, "in group_vars"), (_IN_THE_ENVIRONMENT, "in the environment"))
        if (way := _way([key for key in keys if key in names], names, where))
    ]
    return f"{path} is not read: {', '.join(keys)}" + (f"; give {' and '.join(ways)}" if ways else "")


def _way(keys: list[str], names: dict[str, str], where: str) -> str:
    settings = ", ".join(f"{key} as {names[key]}" for key in keys)
    return f"{settings} {where}" if settings else ""
