"""Makes docs/run.svg, the picture in the README: the last screen of a real `runbook demo` on this machine.

python docs/make_picture.py
"""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import tempfile
import termios
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

PICTURE = Path(__file__).with_name("run.svg")
ROWS, COLUMNS = 40, 116
CONTROL = re.compile(r"\r\n|\r|\n|\x1b\[\??[0-9;]*[A-Za-z]|[^\r\n\x1b]+")


def main() -> None:
    """Run the demo on a terminal of its own, and write the picture of what stands on it at the end."""
    with tempfile.TemporaryDirectory() as directory:
        printed = on_terminal([sys.executable, "-m", "runner", "--library", "shipped", "demo"], directory)
    lines = [line.replace(f"{directory}/", "") for line in screen(printed)]
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        console = Console(record=True, width=COLUMNS, file=nowhere, force_terminal=True)
        for line in ("\x1b[1m$ runbook demo\x1b[0m", *lines):
            if not line.startswith("library "):
                console.print(Text.from_ansi(line), overflow="ellipsis", no_wrap=True)
    console.save_svg(str(PICTURE), title="runbook demo", theme=MONOKAI)
    print(f"wrote {PICTURE}")


def on_terminal(command: list[str], directory: str) -> str:
    """All that `command`, which must pass, writes to a terminal."""
    terminal, own = pty.openpty()
    fcntl.ioctl(own, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    environ = {**os.environ, "TERM": "xterm-256color"}
    with subprocess.Popen(command, stdin=own, stdout=own, stderr=own, cwd=directory, env=environ) as process:
        os.close(own)
        printed = b"".join(iter(lambda: read(terminal), b""))
    if process.returncode:
        raise SystemExit(f"the demo ended with {process.returncode}:\n{printed.decode()}")
    return printed.decode()


def read(terminal: int) -> bytes:
    """The next bytes from `terminal`; none when everybody has closed it."""
    try:
        return os.read(terminal, 65536)
    except OSError:
        return b""


def screen(printed: str) -> list[str]:
    """The lines that stand on a terminal after `printed`, with their colours: lines are drawn again in place."""
    lines, row = [""], 0
    for part in CONTROL.findall(printed):
        if part in {"\n", "\r\n"}:
            row += 1
            lines += [""] * (row == len(lines))
        elif part.endswith("A") and part.startswith("\x1b"):
            row = max(0, row - int(part[2:-1] or 1))
        elif part == "\x1b[2K":
            lines[row] = ""
        elif part.endswith("m") or not part.startswith(("\x1b", "\r")):
            lines[row] += part
    return [line for line in lines if line.strip()]


if __name__ == "__main__":
    main()
