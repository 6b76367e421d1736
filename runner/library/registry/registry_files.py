"""Which files the registry of a library has."""

import os
from pathlib import Path

from runner.library.root import shown
from runner.model.yaml.finding import Finding, Level
from runner.model.yaml.yaml_file import unusable

DIRECTORY = "registry"
"""Where the files of the registry lie, beside the runbooks."""


def registry_files(directory: Path) -> tuple[list[Path], list[Finding]]:
    """The files of the registry in `directory`, and what is wrong with the names of others."""
    if not os.path.lexists(directory):
        return [], []
    try:
        paths = sorted(directory.iterdir())
    except NotADirectoryError:
        return [], [_misnamed(directory, "must be a directory with files *.yml")]
    except OSError as error:
        hint = "make it a directory that you may read, or take it away"
        return [], [unusable(shown(directory), f"cannot be read: {error.strerror}", hint)]
    ignored = [path for path in paths if path.suffix == ".yaml"]
    faults = [_misnamed(path, "is not read, as only *.yml is", hint=f"name it {path.stem}.yml") for path in ignored]
    return [path for path in paths if path.suffix == ".yml"], faults


def _misnamed(path: Path, message: str, hint: str = "") -> Finding:
    return Finding(shown(path), 1, 1, "", Level.ERROR, "file-name", message, hint)
