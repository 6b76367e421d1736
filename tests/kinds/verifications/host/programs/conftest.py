"""How a test starts a program that looks at a host: alone, as the text that stands in a playbook."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from harness import PATIENCE

from runner.kinds.verifications.host import programs


@pytest.fixture
def look(request):
    """What the program that the test file is named after prints for some values; as text what it complains about."""
    name = request.path.stem.removeprefix("test_")

    def start(*around, **values):
        text = (request.config.rootpath / programs.__path__[0] / f"{name}.py").read_text()
        environment = {f"LOOK_{key.upper()}": str(value) for key, value in values.items()}
        words = [*around, sys.executable, "-I", "-c", text]
        ended = subprocess.run(words, env=environment, capture_output=True, text=True, check=False, timeout=PATIENCE)
        assert (ended.returncode == 0) == (ended.stderr == ""), ended
        return json.loads(ended.stdout) if ended.returncode == 0 else ended.stderr.strip()

    return start
