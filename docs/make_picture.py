"""Makes docs/run.svg, the picture in the README, of a real `runbook demo` on this machine.

python docs/make_picture.py
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.highlighter import RegexHighlighter
from rich.terminal_theme import MONOKAI
from rich.theme import Theme

PICTURE = Path(__file__).with_name("run.svg")
COLUMNS = 118
THEME = Theme(
    {
        "run.command": "bold",
        "run.good": "bold green",
        "run.bad": "bold red",
        "run.time": "cyan",
        "run.runbook": "bold yellow",
    }
)


class _Run(RegexHighlighter):
    base_style = "run."
    highlights = [
        r"(?P<command>^\$ .*)",
        r"^(?P<good>✓)",
        r"(?P<good>RECOVERED)",
        r"(?P<bad>FAULT)",
        r"(?P<time>\b\d+\.\d ?s\b)",
        r"(?P<runbook>^RUN-\d+ .*)",
    ]


def main() -> None:
    """Run the demo and write the picture of what it printed."""
    with tempfile.TemporaryDirectory() as directory:
        command = [
            sys.executable,
            "-m",
            "runner",
            "--library",
            "shipped",
            "--state-dir",
            f"{directory}/.runbook",
            "demo",
        ]
        ran = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=directory, check=True
        )
        printed = ran.stdout.replace(f"{directory}/", "")
    lines = [line for line in printed.splitlines() if not line.startswith("library ")]
    with Path("/dev/null").open("w") as nowhere:
        console = Console(record=True, width=COLUMNS, file=nowhere, highlighter=_Run(), theme=THEME)
        for line in ("$ runbook demo", *lines):
            console.print(line, markup=False, overflow="ellipsis", no_wrap=True)
    console.save_svg(str(PICTURE), title="runbook demo", theme=MONOKAI)
    print(f"wrote {PICTURE}")


if __name__ == "__main__":
    main()
