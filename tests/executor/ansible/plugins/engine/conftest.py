"""Lets tests import the modules of the engine as Ansible's process does, and what compares its records."""

from __future__ import annotations

import sys
from pathlib import Path

from harness import ROOT

from runner.executor.ansible import plugins

sys.path += [str(Path(plugins.__path__[0], name)) for name in ("engine", "callback_support")]
sys.path.append(str(ROOT / "benchmarks"))
