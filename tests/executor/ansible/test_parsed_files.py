"""What Ansible reads of its own large files is found by the next that is imported, and is what PyYAML makes of them."""

from __future__ import annotations

import importlib
import sqlite3
from pathlib import Path

import ansible
import pytest
import yaml
from ansible._internal._datatag._tags import Origin, TrustedAsTemplate
from ansible.parsing.yaml.loader import AnsibleLoader

from runner.executor.ansible.parsed_files import remembered

SETTINGS = Path(ansible.__file__).parent / "config"
LARGE = b"key: [1, 1.5, yes, null, text]\n" + b"# what makes it large\n" * 2000


def kept(cache):
    with sqlite3.connect(cache / "ansible-files.db") as database:
        return [value for (value,) in database.execute("SELECT value FROM parsed")]


def change(cache, value):
    with sqlite3.connect(cache / "ansible-files.db") as database:
        database.execute("UPDATE parsed SET value = ?", [value])


def read(cache, text, loader=yaml.CSafeLoader):
    with remembered(cache):
        return yaml.load(text, loader)


def types(value):
    if isinstance(value, dict):
        return [(key, types(each)) for key, each in value.items()]
    return [*map(types, value)] if isinstance(value, list) else (type(value), value)


@pytest.mark.parametrize(
    ("name", "loader"), [("base.yml", yaml.CSafeLoader), ("ansible_builtin_runtime.yml", yaml.CBaseLoader)]
)
def test_what_ansible_reads_each_time_is_kept_as_it_is(tmp_path, name, loader):
    text = (SETTINGS / name).read_bytes()

    first, second = read(tmp_path, text, loader), read(tmp_path, text, loader)

    assert len(kept(tmp_path)) == 1
    assert types(first) == types(second) == types(yaml.load(text, loader))


def test_it_is_not_read_again(tmp_path):
    read(tmp_path, LARGE)
    change(tmp_path, '"it was found"')

    assert read(tmp_path, LARGE) == "it was found"
    assert read(tmp_path, LARGE + b"more: 1\n") == {"key": [1, 1.5, True, None, "text"], "more": 1}
    assert read(tmp_path, LARGE, yaml.CBaseLoader) == {"key": ["1", "1.5", "yes", "null", "text"]}


@pytest.mark.parametrize(
    "text", [LARGE[:100], LARGE + b"date: 2026-11-29\n", LARGE + b"1: one\n", LARGE + b"nan: .nan\n"]
)
def test_what_is_small_or_more_than_json_is_not_kept(tmp_path, text):
    assert repr(read(tmp_path, text)) == repr(read(tmp_path, text)) == repr(yaml.load(text, yaml.CSafeLoader))
    assert kept(tmp_path) == []


class Own(yaml.SafeLoader):
    """Makes what nobody knows."""


def test_what_a_loader_of_somebody_makes_is_not_kept(tmp_path):
    assert read(tmp_path, LARGE, Own) == {"key": [1, 1.5, True, None, "text"]}
    assert kept(tmp_path) == []


@pytest.mark.parametrize("damage", ["no JSON", None])
def test_what_is_damaged_is_read_again(tmp_path, damage):
    read(tmp_path, LARGE)
    change(tmp_path, damage)

    assert read(tmp_path, LARGE) == {"key": [1, 1.5, True, None, "text"]}
    assert kept(tmp_path) != [damage]


def test_where_others_can_write_nothing_is_kept_or_believed(tmp_path):
    read(tmp_path, LARGE)
    change(tmp_path, '"of somebody else"')
    tmp_path.chmod(0o777)

    assert read(tmp_path, LARGE) == {"key": [1, 1.5, True, None, "text"]}


@pytest.mark.parametrize("place", [None, Path("/proc/nowhere")])
def test_without_a_directory_it_is_read_all_the_same(place):
    assert read(place, LARGE) == {"key": [1, 1.5, True, None, "text"]}


def test_whoever_has_taken_the_function_meanwhile_reads_by_it_afterwards(tmp_path):
    stock = yaml.load
    with remembered(tmp_path):
        taken = yaml.load
    (tmp_path / "file.yml").write_bytes(LARGE)

    assert yaml.load is stock
    with (tmp_path / "file.yml").open("rb") as file:
        assert taken(file, yaml.CSafeLoader) == {"key": [1, 1.5, True, None, "text"]}


def documentation(name):
    """What documents a connection plugin of Ansible's, as its plugin loader passes it on, with where it stands."""
    module = importlib.import_module(f"ansible.plugins.connection.{name}")
    return Origin(path=module.__file__).tag(TrustedAsTemplate().tag(module.DOCUMENTATION))


def trusted(value):
    """The texts in `value` that may be templates, and the file that each is from, in their order."""
    if isinstance(value, dict):
        return [each for item in value.values() for each in trusted(item)]
    if isinstance(value, list):
        return [each for item in value for each in trusted(item)]
    is_one = isinstance(value, str) and "{" in value and TrustedAsTemplate.is_tagged_on(value)
    return [(value, Origin.get_tag(value).path)] if is_one else []


@pytest.mark.parametrize("name", ["ssh", "local", "winrm"])
def test_the_options_of_a_plugin_are_kept_and_a_default_may_still_be_a_template(tmp_path, name):
    text = documentation(name)
    plain = yaml.load(text, AnsibleLoader)

    first, second = read(tmp_path, text, AnsibleLoader), read(tmp_path, text, AnsibleLoader)

    assert len(kept(tmp_path)) == 1
    assert first == second == plain
    assert trusted(first) == trusted(second) == trusted(plain)


def test_what_is_not_to_be_trusted_is_not_trusted_when_it_is_found(tmp_path):
    text = 'default: \'{{ lookup("pipe", "id") }}\''

    first, second = read(tmp_path, text, AnsibleLoader), read(tmp_path, text, AnsibleLoader)

    assert (first, trusted(first)) == (second, trusted(second)) == (dict(first), [])
