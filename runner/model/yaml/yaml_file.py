"""The bytes of a YAML file of ours, before anybody looks at what they say."""

from pathlib import Path

from runner.core.errors import InvalidInputError
from runner.core.limited_file import read_limited
from runner.model.yaml.finding import Finding, InvalidFileError, Level

MAX_BYTES = 256 * 1024
"""The largest file that is read; a caller need not read more than one byte beyond it."""


def unusable(file: str, message: str, hint: str = "") -> Finding:
    """The finding that nobody can read the `file` at all."""
    return Finding(file, 1, 1, "", Level.ERROR, "unusable-file", message, hint)


def read_file(path: Path, *, file: str, most: int = MAX_BYTES) -> bytes:
    """The bytes of the file at `path`, which findings call `file`; one more than `most` where it is larger.

    Raises:
        InvalidFileError: it is no file or cannot be read.
    """
    try:
        return read_limited(path, most)
    except InvalidInputError as error:
        raise InvalidFileError([unusable(file, error.message, error.hint)]) from None
