"""The image: what makes another one of it, what becomes of one half made, and where its packages come from."""

import subprocess
import sys

import pytest

from runner.core.errors import InvalidInputError
from runner.lab.machines.image import PROGRAMS, STACK, Image, current_image, new_image, recipe, remove_others

KILLED = """
import os, signal, sys
from pathlib import Path
from runner.lab.machines.image import new_image
with new_image(Path(sys.argv[1])) as image:
    image.root.mkdir()
    os.kill(os.getpid(), signal.SIGKILL)
"""


def make(cache):
    with new_image(cache) as image:
        image.root.mkdir()
        image.provisioned.mkdir()
    return current_image(cache)


def test_an_image_that_is_not_there_is_an_error_with_the_command_that_makes_it(tmp_path):
    with pytest.raises(InvalidInputError, match="is not in .* yet") as caught:
        current_image(tmp_path)

    assert caught.value.hint == "make it with runbook lab build"


def test_it_takes_its_place_when_it_is_complete(tmp_path):
    image = make(tmp_path)

    assert (image, image.is_provisioned()) == (Image(tmp_path / recipe()), True)
    assert [path.name for path in tmp_path.iterdir()] == [recipe()]


def test_of_one_whose_making_fails_nothing_is_left_and_the_one_before_stays(tmp_path):
    def fail():
        with new_image(tmp_path) as image:
            image.root.mkdir()
            raise ZeroDivisionError

    before = make(tmp_path)
    with pytest.raises(ZeroDivisionError):
        fail()

    assert current_image(tmp_path) == before
    assert [path.name for path in tmp_path.iterdir()] == [recipe()]


def test_what_a_killed_making_has_left_the_next_one_removes_but_not_what_is_made_meanwhile(tmp_path):
    subprocess.run([sys.executable, "-c", KILLED, tmp_path], check=False)
    (left,) = tmp_path.iterdir()

    with new_image(tmp_path) as other:
        make(tmp_path)

        assert (left.exists(), other.path.exists()) == (False, True)


def test_images_of_other_recipes_go_unless_a_lab_uses_them(tmp_path):
    old, used = tmp_path / "0123456789ab", tmp_path / "ba9876543210"
    for path in (old, used):
        path.mkdir()
    image = make(tmp_path)

    remove_others(tmp_path, used={used})

    assert {path.name for path in tmp_path.iterdir()} == {image.path.name, used.name}


def test_everything_that_is_put_on_the_machines_is_part_of_the_recipe():
    names = {path.name for path in STACK.rglob("*") if path.is_file()}

    assert {"provision.yml", "essential.sh", "customize.sh", "shop.service.j2"} < names
    assert recipe() == recipe()


def test_what_is_put_on_the_machines_is_there():
    assert {"app.py", "leak.py", "monitor.py"} < {path.name for path in PROGRAMS.glob("*.py")}
