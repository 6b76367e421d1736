"""What is left out of an import is there for whoever imports it afterwards."""

from __future__ import annotations

import os
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


def test_ansible_runner_works_without_the_plug_ins_of_other_packages(tmp_path):
    offered = tmp_path / "offers-1.0.dist-info"
    offered.mkdir()
    (offered / "METADATA").write_text("Name: offers\nVersion: 1.0\n")
    (offered / "entry_points.txt").write_text("[ansible_runner.plugins]\nmine = offers\n")
    (tmp_path / "offers.py").write_text("print('was loaded')")
    program = "import ansible_runner; print(sorted(ansible_runner.plugins))"
    ours = "import runner.executor.ansible.ansible_runner_adapter"
    environ = {**os.environ, "PYTHONPATH": str(tmp_path)}

    stock, here = (
        subprocess.run([sys.executable, "-c", words], env=environ, capture_output=True, text=True, check=True).stdout
        for words in (
            program,
            f"{ours}; {program}; import ansible_runner.utils.importlib_compat as it; it.importlib_metadata.version",
        )
    )

    assert (stock, here) == ("was loaded\n['mine']\n", "[]\n")
