"""Reading checks each line against the chain, and names the first that does not belong there."""

from __future__ import annotations

import json
import random

import pytest

from runner.core.errors import AuditError, ExitCode
from runner.core.events import Event, EventType
from runner.store.log import chain
from runner.store.log.chain import Head
from runner.store.log.log_reader import read, verify


def finished(number, *, run="r1"):
    return Event(EventType.STEP_FINISHED, run=run, step="stop", host="db1", data={"number": number})


def numbers(path, **kwargs):
    return [record.data["number"] for record in read(path, **kwargs)]


@pytest.fixture
def five(log):
    """The lines of a log of five records."""
    log.append(*map(finished, range(5)))
    return log.path.read_bytes().splitlines(keepends=True)


def test_read_picks_the_records_of_one_run(log):
    log.append(finished(1), finished(2, run="r2"), finished(3))
    log.append(Event(EventType.STEP_FINISHED, run="r2", data={"number": 4, "run": "r1"}))

    assert numbers(log.path, run="r1") == [1, 3]
    assert numbers(log.path, run="r3") == []


def test_read_leaves_out_a_line_without_an_end(five, log):
    log.path.write_bytes(b"".join(five)[:-1])

    assert numbers(log.path) == [0, 1, 2, 3]


def test_read_names_the_line_that_is_no_record(five, log):
    log.path.write_bytes(b"".join([five[0], b"{oops\n", *five[1:]]))

    with pytest.raises(AuditError, match="is broken at line 2: this is not a record"):
        list(read(log.path))


@pytest.mark.parametrize("look", [verify, lambda path: list(read(path))], ids=["verify", "read"])
def test_a_log_that_is_not_there_cannot_be_read(look, tmp_path):
    with pytest.raises(AuditError, match=r"Cannot read the audit log .*: it is not there") as caught:
        look(tmp_path / "audit.jsonl")

    assert caught.value.exit_code == ExitCode.AUDIT
    assert caught.value.hint


@pytest.mark.parametrize(
    ("change", "line", "words"),
    [
        (lambda a, b, c, d, e: [a, b.replace(b"db1", b"db2"), c, d, e], 2, "edited"),
        (lambda a, b, c, d, e: [b, c, d, e], 1, "removed or reordered"),
        (lambda a, b, c, d, e: [a, b, d, e], 3, "removed or reordered"),
        (lambda a, b, c, d, e: [a, b, b, c, d, e], 3, "inserted or reordered"),
        (lambda a, b, c, d, e: [a, d, c, b, e], 2, "removed or reordered"),
        (lambda a, b, c, d, e: [a, b, c, b"hello\n", d, e], 4, "not a record"),
        (lambda a, b, c, d, e: [a, b, c, d, e[:-1]], 5, "torn"),
        (lambda a, b, c, d, e: [a, b"x" * 70_000 + b"\n", c], 2, "not a record"),
        (lambda a, b, c, d, e: [chain.link(chain.START, b"oops")[0]], 1, "not JSON"),
    ],
    ids=["edited", "first-removed", "removed", "repeated", "swapped", "inserted", "torn", "endless", "not-json"],
)
def test_verify_names_the_first_bad_line_and_what_is_wrong(five, log, change, line, words):
    log.path.write_bytes(b"".join(change(*five)))

    with pytest.raises(AuditError, match=f"audit.jsonl is broken at line {line}: .*{words}"):
        verify(log.path)


def test_verify_finds_every_changed_byte(five, log):
    data = b"".join(five)

    chance, found = random.Random(1), 0
    for place in range(len(data)):
        changed = data[:place] + bytes([data[place] ^ chance.randrange(1, 256)]) + data[place + 1 :]
        log.path.write_bytes(changed)
        with pytest.raises(AuditError):
            verify(log.path)
        found += 1
    assert found == len(data)


def test_a_plain_chain_shows_neither_a_new_chain_nor_a_lost_end(five, log):
    # The head that was noted elsewhere does: that is what a page carries it for.
    head, rewritten = chain.START, []
    for line in five:
        body = line.split(b",", 1)[1].rsplit(b',"hash"', 1)[0].replace(b"alice", b"mallory")
        new, head = chain.link(head, body)
        rewritten.append(new)

    for forged in (rewritten, five[:-1]):
        log.path.write_bytes(b"".join(forged))
        assert verify(log.path).head != log.head


def test_a_head_that_was_noted_shows_a_log_that_was_cut_or_rewritten(five, log, open_log, tmp_path):
    noted = Head(4, json.loads(five[3])["hash"][:16])

    assert verify(log.path, noted=noted).records == 5
    log.path.write_bytes(b"".join(five[:3]))
    with pytest.raises(AuditError, match="ends at record 3, and 4 was noted: its end was cut off"):
        verify(log.path, noted=noted)
    with open_log(log.path.parent) as again:
        again.append(finished(99), finished(100))
    with pytest.raises(AuditError, match="broken at line 4: its hash begins with .*: the log was rewritten"):
        verify(log.path, noted=noted)
