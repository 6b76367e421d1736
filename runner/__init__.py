"""runbookctl: a runbook is written, compiled and done, recorded, and if it fails someone is called."""

from __future__ import annotations

import sys
from pathlib import Path


def version() -> str:
    """The version of the installed distribution, by the name of its metadata, whose reader takes long to import."""
    found = (each for place in sys.path for each in Path(place).glob("runbookctl-*.dist-info"))
    name = next((each.name for each in found), "")
    return name.removeprefix("runbookctl-").removesuffix(".dist-info") or "0+unknown"  # a tree that was never installed
