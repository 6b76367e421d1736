"""What a library says of itself in `runbook.toml`, a file in its root that it need not have."""

from __future__ import annotations

import tomllib
from pathlib import Path, PurePosixPath
from typing import Annotated, Any

from pydantic import AfterValidator, ValidationError

from runner.core.errors import InvalidInputError
from runner.core.fields import Model
from runner.model.names import Name
from runner.model.yaml.pydantic_errors import problems

NAME = "runbook.toml"
_FORMS = {".md", ".csv"}


def _log(path: str) -> str:
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts or PurePosixPath(path).suffix not in _FORMS:
        raise ValueError("must be a file in the library, like deployments.md or deployments.csv")
    return path


class Deployments(Model):
    """Where each deployment is written down, and the input, or the captured value, that says what was deployed."""

    log: Annotated[str, AfterValidator(_log)]
    version: Name = "version"


class ProjectSettings(Model):
    """All of the file."""

    deployments: Deployments | None = None

    @classmethod
    def read(cls, root: Path) -> ProjectSettings:
        """The settings of the library in the directory `root`.

        Raises:
            InvalidInputError: the file cannot be read, or holds something else; every fault is in the message.
        """
        path = root / NAME
        try:
            written: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
            return cls.model_validate(written)
        except FileNotFoundError:
            return cls()
        except ValidationError as error:
            found = problems(error, written, model=cls, most=10)
            faults = "; ".join(f"{'.'.join(map(str, each.place))}: {each.message}" for each in found)
            raise InvalidInputError(f"{path}: {faults}", hint="docs/releases-and-approvals.md shows it") from None
        except (OSError, ValueError) as error:  # TOML says where
            raise InvalidInputError(f"{path}: {error}", hint="mend the file, or remove it") from error
