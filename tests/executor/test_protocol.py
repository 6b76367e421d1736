"""Both executors can be given to a run, which asks nothing else of them."""

from __future__ import annotations

import inspect

import pytest

from runner.executor.ansible.ansible_executor import AnsibleExecutor
from runner.executor.protocol import Executor
from runner.executor.testing import ScriptedExecutor

REAL: Executor = AnsibleExecutor()
SCRIPTED: Executor = ScriptedExecutor()


@pytest.mark.parametrize("name", ["resolve", "execute", "preflight", "clean_up"])
def test_each_method_takes_what_the_protocol_says(name):
    signatures = [
        inspect.signature(getattr(each, name), eval_str=True) for each in (Executor, AnsibleExecutor, ScriptedExecutor)
    ]

    assert signatures[1:] == signatures[:1] * 2
