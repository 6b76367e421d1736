"""The Python of the modules that Ansible runs in tests: it compiles what they import once, not each time.

A module comes with all that it imports as a zip file of source code, and to compile that takes longer than to run it.
"""

from __future__ import annotations

import hashlib
import marshal
import os
import sys
import zipimport
from contextlib import suppress


def keep_compiled(directory):
    """Let whatever is imported from a zip file be compiled only where `directory` does not have it yet."""
    compile_source = zipimport._compile_source

    def compiled(path, source):
        kept = os.path.join(directory, hashlib.sha256(source).hexdigest())
        with suppress(OSError), open(kept, "rb") as file:
            return marshal.load(file)
        code, own = compile_source(path, source), f"{kept}.{os.getpid()}"
        with suppress(OSError):  # another user may not write here
            with open(own, "wb") as file:
                marshal.dump(code, file)
            os.replace(own, kept)
        return code

    zipimport._compile_source = compiled


def main():
    """Do what Python would do with these words: a module, from a file or from standard input, or anything else."""
    words = sys.argv[1:]
    if words and not words[0].endswith(".py"):
        os.execv(sys.executable, [sys.executable, *words])
    keep_compiled(os.path.dirname(os.path.abspath(__file__)))
    names = vars(sys.modules["__main__"])
    del names["__file__"]
    sys.argv, sys.path[0] = words or [""], os.path.dirname(words[0]) if words else ""
    if words:
        names["__file__"] = words[0]
        with open(words[0], "rb") as file:
            source = file.read()
    else:
        source = sys.stdin.buffer.read()
    exec(compile(source, words[0] if words else "<stdin>", "exec", dont_inherit=True), names)


if __name__ == "__main__":
    main()
