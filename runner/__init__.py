"""runbookctl: a runbook is written, compiled and done, recorded, and if it fails someone is called."""

from __future__ import annotations


def version() -> str:
    """The version of the installed distribution, looked up when asked: that takes longer than most commands' start."""
    from importlib.metadata import PackageNotFoundError  # noqa: PLC0415
    from importlib.metadata import version as installed  # noqa: PLC0415

    try:
        return installed("runbookctl")
    except PackageNotFoundError:  # a tree that was never installed
        return "0+unknown"
