"""Lets tests import the modules of the engine as Ansible's process does."""

from __future__ import annotations

import sys
from pathlib import Path

from runner.executor.ansible import plugins

sys.path.append(str(Path(plugins.__path__[0], "engine")))
