"""What the tests of verification kinds share."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pydantic import ValidationError


@pytest.fixture
def short():
    return timedelta(seconds=10)


@pytest.fixture
def refusals():
    """The sentences with which a kind refuses what is written."""

    def check(kind, **written):
        with pytest.raises(ValidationError) as caught:
            kind.model_validate(written)
        return [error["msg"].removeprefix("Value error, ") for error in caught.value.errors()]

    return check
