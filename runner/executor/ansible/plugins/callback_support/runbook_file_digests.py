# Copyright: the runbookctl authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of this machine that a task may bring to its host, and the code that does it, each by its hash."""

from __future__ import annotations

import functools
import hashlib
import os
import re
import stat

from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.loader import action_loader, module_loader
from ansible.utils.collection_loader._collection_finder import _get_collection_path

BRINGS_FILES = {"assemble": "src", "copy": "src", "template": "src", "unarchive": "src", "uri": "src"}
"""Ansible's own modules that bring a file or directory of this machine, and the argument that names it."""
OF_COLLECTION = re.compile(r"\b(?!ansible\.(?:builtin|legacy)\b)([a-z_]\w*\.[a-z_]\w*)\.[a-z_]\w*")
"""The full name of a module, a filter or a test, and that of its collection."""
LONGEST_PATH = 4096
ON_THE_HOST = ("dest",)
"""Arguments that name a place to write to."""


def files(action, args, loader):
    """The SHA-256 of each file and directory that the module may bring from this machine, by how it is written."""
    words = {word for text in texts(_may_name_files(action, args)) for word in _words(text)}
    paths = {word: loader.path_dwim(word) for word in sorted(words)}
    return {word: digest(path) for word, path in paths.items() if os.path.exists(path)}


def collections(written):
    """The SHA-256 of the code of each collection of which something is named in what is `written`."""
    names = {name for text in texts(written) for name in OF_COLLECTION.findall(text)}
    return {f"collection {name}": code for name in sorted(names) if (code := _code(name))}


@functools.cache
def _code(collection):
    """The SHA-256 of the code of a collection; empty where there is none of that name."""
    try:
        return digest(os.path.join(_get_collection_path(collection), "plugins"))
    except ValueError:
        return ""


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
    """The SHA-256 of a file, or of all that is in a directory; the permissions are brought as well."""
    whole = hashlib.sha256()
    try:
        for file in _files_in(path) if os.path.isdir(path) else [path]:
            line = f"{os.path.relpath(file, path)}\0{stat.S_IMODE(os.stat(file).st_mode):o}\0{_content(file)}\n"
            whole.update(line.encode(errors="surrogateescape"))
    except OSError as error:
        return f"not readable: {error.strerror}"
    return whole.hexdigest()


def _content(path):
    if os.path.isdir(path):
        return "a directory"
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _files_in(directory):
    """Every file and directory below it, also behind links, which Ansible follows."""
    visited = set()
    for folder, below, names in os.walk(directory, followlinks=True):
        visited.add(os.path.realpath(folder))
        below[:] = sorted(name for name in below if os.path.realpath(os.path.join(folder, name)) not in visited)
        yield from (os.path.join(folder, name) for name in [*below, *sorted(names)])
