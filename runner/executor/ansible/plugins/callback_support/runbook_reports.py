# Copyright: the runbookctl authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The socket to the command that has started the run: what is told there, and what that has recorded of it."""

from __future__ import annotations

import json
import os
import socket
import sys

REFUSED = 97
MOST = 50
"""Messages that may be without an answer: neither side waits for the other to read."""


class Reports:
    """Tells the command what happens; ends Ansible where the command does not say yes to it."""

    def __init__(self, path):
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.connect(path)
        self._stream = self._socket.makefile("rwb")
        self._unanswered = 0

    def tell(self, kind, **data):
        """Tell something, and go on."""
        try:
            self._stream.write(json.dumps({"kind": kind, **data}, default=str).encode() + b"\n")
            self._stream.flush()
        except (OSError, ValueError) as error:
            _end(error)
        self._unanswered += 1
        if self._unanswered >= MOST:
            self.settle()

    def ask(self, kind, **data):
        """Tell something, and wait for what is answered to that."""
        self.tell(kind, **data)
        return self.settle()

    def settle(self):
        """Wait until all that was told is recorded; what the last answer says besides yes."""
        data = b""
        while self._unanswered:
            try:
                answer, _, data = self._stream.readline().rstrip(b"\n").partition(b" ")
            except (OSError, ValueError) as error:
                _end(error)
            if answer != b"yes":
                os._exit(REFUSED)
            self._unanswered -= 1
        return json.loads(data or b"{}")

    def close(self):
        """Tell nothing more; what was not told yet is."""
        try:
            self._stream.close()
        finally:
            self._socket.close()


def _end(error):
    sys.stderr.write(f"runbook_report: {error}\n")
    os._exit(REFUSED)
