"""What is posted to the receiver is remembered in order."""

from __future__ import annotations

import json
import urllib.request

from harness import PATIENCE

from runner.lab.receiver import Receiver


def test_messages_are_kept_in_order_until_the_block_ends():
    with Receiver.listening() as receiver:
        for number in (1, 2):
            request = urllib.request.Request(receiver.url, json.dumps({"number": number}).encode())
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                assert answer.status == 202

    assert receiver.messages == [{"number": 1}, {"number": 2}]
