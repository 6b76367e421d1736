"""A fault: a file is moved away, and back."""

from runner.kinds.faults import Fault

FAULT = Fault(
    "lose-file",
    "Lose a file",
    inject={"name": "The file is gone", "command": "mv @file@ @file@.before-drill"},
    undo={"name": "The file is there", "command": "mv --force @file@.before-drill @file@"},
    needs={"file": "the file that is lost"},
    words=("file",),
)
