"""What a library says of itself in `runbook.toml`, a file in its root that it need not have."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Annotated, Any

from pydantic import AfterValidator, Field, ValidationError

from runner.core.deferred import regex
from runner.core.fields import Keywords, Model, Several, Text
from runner.executor.job import Engine
from runner.model.names import Name
from runner.model.yaml.finding import MAX_FINDINGS, Finding, InvalidFileError, Level, Place, Position, show
from runner.model.yaml.pydantic_errors import problems

_FORMS = {".md", ".csv"}
_TABLE = regex(r"\s*\[\s*(?P<name>[\w-]+)\s*\]")
_KEY = regex(r"\s*(?P<name>[\w-]+)\s*=")
_AT = regex(r"(?P<message>.*) \(at (?:line (?P<line>\d+), column (?P<column>\d+)|end of document)\)", re.DOTALL)


def _log(path: str) -> str:
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts or PurePosixPath(path).suffix not in _FORMS:
        raise ValueError("must be a file in the library, like deployments.md or deployments.csv")
    return path


class Deployments(Model):
    """Where each deployment is written down."""

    log: Annotated[str, AfterValidator(_log), Keywords(pattern=r"\.(?:md|csv)$")] = Field(
        description="The file in the library, like deployments.md; a .csv for a spreadsheet"
    )
    version: Name = Field(
        default="version", description="The input, or the captured value, that says what was deployed"
    )


class AnsibleSettings(Model):
    """What of the user's environment and settings Ansible gets to see."""

    pass_environment: Several[str] = Field(
        default=(), description="Variables of the environment, by name, for Ansible and its dynamic inventories"
    )
    config: Text | None = Field(
        default=None, description="An ansible.cfg, of which is taken where secrets, collections and hosts come from"
    )
    engine: Engine | None = Field(
        default=None, description="How tasks reach their hosts, where neither --engine nor RUNBOOK_ENGINE says so"
    )


class ProjectSettings(Model):
    """All of the file."""

    ansible: AnsibleSettings | None = Field(default=None, description="What Ansible gets to see besides")
    deployments: Deployments | None = Field(default=None, description="The deployment log")

    @classmethod
    def read(cls, path: Path) -> "ProjectSettings":
        """The settings in the file at `path`.

        Raises:
            InvalidFileError: the file cannot be read, or holds something else; every fault is in the message.
        """
        text = ""
        try:
            text = path.read_text(encoding="utf-8")
            written: dict[str, Any] = tomllib.loads(text)
            return cls.model_validate(written)
        except FileNotFoundError:
            return cls()
        except ValidationError as error:
            found = [
                _finding(path, position(text, each.place), show(each.place), each.rule, each.message, each.hint)
                for each in problems(error, written, model=cls, most=MAX_FINDINGS)
            ]
            raise InvalidFileError(found) from None
        except tomllib.TOMLDecodeError as error:
            raise InvalidFileError([_syntax(path, text, str(error))]) from None
        except (OSError, UnicodeDecodeError) as error:
            message = f"cannot be read: {error.strerror if isinstance(error, OSError) else error}"
            raise InvalidFileError([_finding(path, Position(1, 1), "", "unreadable", message)]) from error


def _finding(path: Path, at: Position, place: str, rule: str, message: str, hint: str = "") -> Finding:
    return Finding(str(path), *at, place, Level.ERROR, rule, message, hint)


def _syntax(path: Path, text: str, message: str) -> Finding:
    """What is no TOML; its reader says where in the sentence itself."""
    match = _AT.fullmatch(message)
    at = Position(int(match["line"]), int(match["column"])) if match and match["line"] else Position.at(text, len(text))
    return _finding(path, at, "", "no-toml", match["message"] if match else message, '[ansible], then config = "..."')


def position(text: str, place: Place) -> Position:
    """Where the key at `place` is written, or the nearest table around it; TOML's reader keeps that of no value."""
    known = dict(_written(text))
    return next(
        (known[place[:length]] for length in range(len(place), 0, -1) if place[:length] in known), Position(1, 1)
    )


def _written(text: str) -> Iterator[tuple[Place, Position]]:
    table: Place = ()
    for number, line in enumerate(text.splitlines(), 1):
        if match := _TABLE.match(line):
            table = (match["name"],)
            yield table, Position(number, match.start("name") + 1)
        elif match := _KEY.match(line):
            yield (*table, match["name"]), Position(number, match.start("name") + 1)
