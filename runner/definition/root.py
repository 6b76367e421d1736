"""Where the library is: the directory above `runbooks/`, found without reading anything in it."""

from __future__ import annotations

from pathlib import Path

import runner


def library_root(given: Path | None, *, here: Path) -> Path:
    """The directory `given`, else `here` when it holds `runbooks/`, else the library shipped with the product."""
    if given is not None:
        return given
    return here if (here / "runbooks").is_dir() else shipped_root()


def shipped_root() -> Path:
    """The product's own library: inside the package when it was installed, beside it in a checkout."""
    package = Path(runner.__file__).parent
    inside = package / "library"
    return inside if inside.is_dir() else package.parent
