"""A package of others that registers kinds, channels or rules, installed without a network into a folder."""

from __future__ import annotations

import shutil
import sys
import tomllib
from contextlib import contextmanager

import runner
from runner.kinds import plugins
from runner.lint import engine

_CACHES = (
    *(runner.has_plugins, runner._entry_points),
    *(plugins.steps, plugins.verifications, plugins.channels, plugins.secrets),
    engine.rules,
)


def register(folder, name, version="1.0", **groups):
    """Write the metadata by which Python finds the entry points `groups` of a package whose modules lie in `folder`."""
    info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    lines = []
    for group, entries in groups.items():
        lines += [f"[runbookctl.{group}]", *(f"{key} = {value}" for key, value in entries.items()), ""]
    (info / "entry_points.txt").write_text("\n".join(lines))


def install(project, folder):
    """What `pip install --target FOLDER PROJECT` does for a project that is Python alone."""
    about = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    groups = {group.removeprefix("runbookctl."): entries for group, entries in about["entry-points"].items()}
    register(folder, about["name"], about["version"], **groups)
    package = about["name"].replace("-", "_")
    shutil.copytree(project / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))


@contextmanager
def importable(folder):
    """What lies in `folder` is installed, as far as this process can see."""
    known = set(sys.modules)
    sys.path.insert(0, str(folder))
    _forget()
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        _forget()
        for name in set(sys.modules) - known:
            if str(folder) in str(getattr(sys.modules[name], "__file__", "")):
                del sys.modules[name]


def _forget():
    for cached in _CACHES:
        cached.cache_clear()
