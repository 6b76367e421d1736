# Copyright: the runbookctl authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of this machine that a task may bring to its host, each by the hash of what is in it."""

from __future__ import annotations

import hashlib
import os

from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.loader import action_loader, module_loader

BRINGS_FILES = {"assemble": "src", "copy": "src", "template": "src", "unarchive": "src", "uri": "src"}
"""Ansible's own modules that bring a file or directory of this machine, and the argument that names it."""
LONGEST_PATH = 4096
ON_THE_HOST = ("dest",)
"""Arguments that name a place to write to."""


def files(action, args, loader):
    """The SHA-256 of each file and directory that the module may bring from this machine, by how it is written."""
    words = {word for text in texts(_may_name_files(action, args)) for word in _words(text)}
    paths = {word: loader.path_dwim(word) for word in sorted(words)}
    return {word: digest(path) for word, path in paths.items() if os.path.exists(path)}


def texts(value):
    """Every text in what may be a list or a mapping."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, (dict, list, tuple)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from texts(item)


def _may_name_files(action, args):
    """The arguments that may name a file of this machine, which only the part of a module that runs here can read.

    Of modules that are not Ansible's own nobody says which these are: so all of them, but for the place to write to.
    """
    collection, _, short = action.rpartition(".")
    if collection not in {"", "ansible.builtin", "ansible.legacy"}:
        names = [name for name in args if name not in ON_THE_HOST] if _acts_here(action) else []
    else:
        names = [BRINGS_FILES[short]] if short in BRINGS_FILES else []
        names += ["body"] if short == "uri" and args.get("body_format") == "form-multipart" else []
    there = boolean(args.get("remote_src", short == "assemble"), strict=False)
    return [] if there else [args[name] for name in names if name in args]


def _acts_here(action):
    """Whether a part of the module runs on this machine: its own one, or that of a whole family of network devices."""
    collection, _, short = action.rpartition(".")
    routed = module_loader.find_plugin_with_context(action).action_plugin
    names = (action, routed, f"{collection}.{short.partition('_')[0]}")
    return any(name and action_loader.has_plugin(name) for name in names)


def _words(text):
    """What in an argument may be a path: all of it, or its first word where words for a program follow."""
    first = text.split(maxsplit=1)[:1]
    return [word for word in (text, *first) if word.strip() and len(word) <= LONGEST_PATH and "\0" not in word]


def digest(path):
    """The SHA-256 of a file, or of all that is in a directory."""
    whole = hashlib.sha256()
    try:
        for file in _files_in(path) if os.path.isdir(path) else [path]:
            with open(file, "rb") as stream:
                content = hashlib.file_digest(stream, "sha256").hexdigest()
            whole.update(f"{os.path.relpath(file, path)}\0{content}\n".encode(errors="surrogateescape"))
    except OSError as error:
        return f"not readable: {error.strerror}"
    return whole.hexdigest()


def _files_in(directory):
    """Every file below it, also behind links, which Ansible follows."""
    visited = set()
    for folder, below, names in os.walk(directory, followlinks=True):
        visited.add(os.path.realpath(folder))
        below[:] = sorted(name for name in below if os.path.realpath(os.path.join(folder, name)) not in visited)
        yield from (os.path.join(folder, name) for name in sorted(names))
