"""What is asked of a drill: what its own steps are given."""

from __future__ import annotations

import pytest

from runner.core.errors import InvalidInputError
from runner.core.secrets import SecretUnavailableError
from runner.library.library import Library
from runner.render.drills.drill_result import DrillTest
from runner.services.drills.drill_task import DrillTask

REFERENCE = "command:cat /proc/sys/kernel/random/boot_id"


def task(**changes):
    library = Library.shipped()
    source = library.usable("RUN-008")
    (drill,) = source.runbook.drill
    return DrillTask(library, source, drill.model_copy(update=changes), DrillTest.AS_WRITTEN, None, None, "lab")


def naming_the_secret():
    (drill,) = Library.shipped().usable("RUN-008").runbook.drill
    return drill.undo[0].model_copy(update={"name": "{{ new_password }} is tried"})


def missing(_reference):
    raise SecretUnavailableError("it is not there")


def test_a_secret_that_no_step_of_it_names_is_not_looked_up():
    assert task().inputs(missing) == {"leaked": False}


def test_a_step_of_it_is_given_the_secret_and_not_the_reference():
    given = task(undo=(naming_the_secret(),)).inputs({REFERENCE: "s3cret"}.__getitem__)

    assert given == {"leaked": False, "new_password": "s3cret"}


def test_a_secret_that_is_not_there_is_said():
    with pytest.raises(InvalidInputError, match="the drill of RUN-008 needs a secret: it is not there"):
        task(undo=(naming_the_secret(),)).inputs(missing)
