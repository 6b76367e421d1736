"""Lets tests import the modules of the engine as Ansible's process does, and what compares its records."""

from __future__ import annotations

import sys
from pathlib import Path

from harness import ROOT

from runner.executor.ansible import plugins

sys.path.append(str(Path(plugins.__path__[0], "engine")))
sys.path.append(str(ROOT / "benchmarks"))
