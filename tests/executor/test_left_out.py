"""What is left out of an import is there for whoever imports it afterwards."""

from __future__ import annotations

import subprocess
import sys

import pytest

from runner.executor.left_out import left_out


@pytest.fixture
def word(tmp_path, monkeypatch):
    """The name of a module that can be imported, which nobody has."""
    (tmp_path / "a_word_of_mine.py").write_text("said = 5")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield "a_word_of_mine"
    sys.modules.pop("a_word_of_mine", None)


def test_a_module_counts_as_not_installed_while_the_block_lasts(word):
    with left_out(word), pytest.raises(ModuleNotFoundError):
        __import__(word)

    assert __import__(word).said == 5


def test_it_is_there_again_after_a_block_that_failed(word):
    with pytest.raises(ZeroDivisionError), left_out(word):
        raise ZeroDivisionError

    assert __import__(word).said == 5


def test_what_is_imported_already_stays(word):
    first = __import__(word)

    with left_out(word):
        assert __import__(word) is first

    assert sys.modules[word] is first


def test_paramiko_works_without_what_is_left_out_of_it():
    program = (
        "import sys\nfrom runner.executor.left_out import left_out\n"
        "with left_out('invoke'):\n    from runner.executor.ssh.host_look import look\n"
        "print('paramiko' in sys.modules, 'invoke' in sys.modules, callable(look))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout == "True False True\n"
