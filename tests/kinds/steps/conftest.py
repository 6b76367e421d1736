"""What the tests of step kinds share."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pydantic import ValidationError


@pytest.fixture
def minute():
    return timedelta(minutes=1)


@pytest.fixture
def no_file():
    def read(name):
        raise AssertionError(f"{name} is not to be read")

    return read


@pytest.fixture
def refusals():
    """The sentences with which a kind refuses what is written."""

    def check(kind, **written):
        with pytest.raises(ValidationError) as caught:
            kind.model_validate(written)
        return [error["msg"].removeprefix("Value error, ") for error in caught.value.errors()]

    return check
