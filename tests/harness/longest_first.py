"""Which tests take long, and how all are shared out among the workers of pytest-xdist: file by file, those first.

A file stays with one worker, so that what its tests share is made once. The tests of the files that take longest are
shared out one by one, so that no worker is left alone with them in the end.
"""

from __future__ import annotations

import pytest

LONG = (
    "tests/molecule/",
    "tests/executor/test_kinds_live.py",
    "tests/cli/test_adversity.py",
    "tests/live/",
    "tests/kinds/steps/delivery/test_pipeline_live.py",
    "tests/executor/ansible/plugins/engine/test_runbook_engine.py",
    "tests/lab/machines/test_lab.py",
    "tests/lab/machines/test_user_namespace.py",
    "tests/lab/test_shop.py",
    "tests/orchestrator/test_killed_constructs.py",
    "tests/orchestrator/end/test_ending.py",
    "tests/model/procedure/test_baselines_live.py",
)
"""The beginnings of what takes more than half of the time of all tests; they are marked `long`."""

FIRST = (
    "tests/lab/machines/test_user_namespace.py",
    "tests/lab/machines/test_lab.py",
    "tests/molecule/",
    "tests/executor/ansible/plugins/engine/test_runbook_engine.py",
    "tests/live/test_staging_drills_live.py",
    "tests/kinds/steps/delivery/test_pipeline_live.py",
    *LONG,
    "tests/executor/",
    "tests/kinds/steps/test_sql_step_live.py",
    "tests/render/history/test_histories.py",
    "tests/lab/",
    "tests/cli/",
)
"""The beginnings of what is done first, in this order: by how long one worker takes for a file."""

APART = (
    "tests/molecule/test_molecule.py",
    "tests/live/test_kill_matrix_live.py",
    "tests/live/test_stop_live.py",
    "tests/live/test_void_approvals_live.py",
    "tests/orchestrator/end/test_ending.py",
)
"""Files whose tests share nothing that is dear to make."""

TOGETHER = (
    "tests/kinds/test_base.py",
    "tests/test_structure.py",
    "tests/test_tests.py",
)
"""Files that share what is dear to make: the product's own source, as it is parsed."""


def pytest_itemcollected(item):
    if item.nodeid.startswith(LONG):
        item.add_marker("long")


@pytest.hookimpl(trylast=True)  # after they have been shuffled
def pytest_collection_modifyitems(items):
    def place(item):
        return next((number for number, start in enumerate(FIRST) if item.nodeid.startswith(start)), len(FIRST))

    items.sort(key=place)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """The scheduler, unless somebody names another with `--dist`."""
    if config.getoption("dist") != "load":
        return None
    from xdist.scheduler import LoadFileScheduling  # noqa: PLC0415 - only where it is installed

    class LongestFirst(LoadFileScheduling):
        def _split_scope(self, nodeid):
            if nodeid.startswith(TOGETHER):
                return TOGETHER[0]
            return nodeid if nodeid.startswith(APART) else super()._split_scope(nodeid)

    config.option.loadscopereorder = False
    return LongestFirst(config, log)
