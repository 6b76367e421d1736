"""What Ansible sends to a host for one use of a module, made by Ansible itself."""

from __future__ import annotations

import sys

from ansible.executor.module_common import modify_module
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import module_loader
from ansible.template import Templar

from harness.ansible_loader import plugin_loader


def packed_module(name, arguments):
    """The program for the module of that name, which is given `arguments`."""
    plugin_loader()
    variables = {"ansible_python_interpreter": sys.executable}
    path, templar = module_loader.find_plugin(name), Templar(DataLoader(), variables)
    made = modify_module(
        module_name=name, module_path=path, module_args=arguments, task_vars=variables, templar=templar
    )
    return made.b_module_data
