"""The hash chain finds every change that does not compute the chain anew."""

from __future__ import annotations

import hashlib
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.store.log import chain
from runner.store.log.chain import MAX_LINE, MAX_MEMBERS, START, BrokenChainError, Head

MEMBERS = st.binary(min_size=1, max_size=200).filter(lambda members: b"\n" not in members)
SMALL = [b'"a":1', b'"b":"two"', b'"c":[3]']


def chained(bodies):
    head, lines = START, []
    for members in bodies:
        line, head = chain.link(head, members)
        lines.append(line)
    return lines


def followed(data):
    head = START
    for line in io.BytesIO(data):
        head = chain.follow(head, line)
    return head


def is_refused(data):
    try:
        followed(data)
    except BrokenChainError:
        return True
    return False


def test_a_line_is_its_members_between_seq_and_the_hash_of_its_raw_bytes():
    line, head = chain.link(START, b'"a":1')

    body = b'{"seq":1,"a":1'
    digest = hashlib.sha256(bytes.fromhex(START.hash) + b"\0\0\0\0\0\0\0\x0e" + body).hexdigest()
    assert (line, head) == (body + b',"hash":"' + digest.encode() + b'"}\n', Head(1, digest))


def test_the_chain_starts_where_every_log_of_this_kind_starts():
    assert Head(0, hashlib.sha256(b"runbookctl audit log 1").hexdigest()) == START


def test_a_head_is_short_enough_for_a_page():
    assert str(Head(42, "ab12cd34ef56ab78" + "0" * 48)) == "42:ab12cd34ef56ab78"


@given(st.lists(MEMBERS, max_size=8))
def test_whatever_is_linked_can_be_followed(bodies):
    head = START
    for members in bodies:
        line, reached = chain.link(head, members)
        assert chain.follow(head, line) == chain.claimed_head(line) == reached
        head = reached
    assert head.seq == len(bodies)


def test_every_substitution_of_every_byte_is_found():
    data = b"".join(chained(SMALL))
    changed = (
        data[:place] + bytes([data[place] ^ mask]) + data[place + 1 :]
        for place in range(len(data))
        for mask in range(1, 256)
    )

    assert sum(map(is_refused, changed)) == len(data) * 255


def test_every_lost_byte_is_found():
    data = b"".join(chained(SMALL))

    assert all(is_refused(data[:place] + data[place + 1 :]) for place in range(len(data)))


@given(st.lists(MEMBERS, min_size=2, max_size=8), st.data())
def test_removed_repeated_moved_and_foreign_lines_are_found(bodies, data):
    lines = chained(bodies)
    first = data.draw(st.integers(0, len(lines) - 2))
    second = data.draw(st.integers(first + 1, len(lines) - 1))
    foreign = chained([b'"other":1', *bodies])[second]

    assert is_refused(b"".join(lines[:first] + lines[first + 1 :]))
    assert is_refused(b"".join([*lines[: second + 1], *lines[first:]]))
    swapped = [*lines]
    swapped[first], swapped[second] = lines[second], lines[first]
    assert is_refused(b"".join(swapped))
    assert is_refused(b"".join([*lines[:second], foreign, *lines[second:]]))


@pytest.mark.parametrize(
    ("mend", "words"),
    [
        (lambda a, b, c: [a, c], "record 3 stands where 2 belongs: records were removed"),
        (lambda a, b, c: [a, a, b], "record 1 stands where 2 belongs: records were inserted"),
        (lambda a, b, c: [a, b.replace(b"two", b"TWO"), c], "the hash of record 2 does not fit: it was edited"),
        (lambda a, b, c: [a, b"hello\n", c], "this is not a record"),
        (lambda a, b, c: [a, b[:-1]], "this is not a record"),
    ],
)
def test_the_error_says_what_is_wrong(mend, words):
    lines = mend(*chained(SMALL))

    with pytest.raises(BrokenChainError, match=words):
        followed(b"".join(lines))


def test_a_plain_chain_finds_neither_a_new_chain_nor_a_lost_end():
    # Said openly: only a key, or a head kept elsewhere, shows these two.
    lines = chained(SMALL)

    assert followed(b"".join(chained([b'"a":1', b'"b":"forged"', b'"c":[3]']))).seq == 3
    assert followed(b"".join(lines[:2])).seq == 2


def test_the_longest_record_fits_in_a_line_whatever_its_number():
    line, _ = chain.link(Head(10**18 - 2, START.hash), b"x" * MAX_MEMBERS)

    assert len(line) == MAX_LINE
    assert chain.claimed_head(line).seq == 10**18 - 1


@pytest.mark.parametrize("members", [b"", b'"a":\n1', b"x" * (MAX_MEMBERS + 1)], ids=["empty", "newline", "long"])
def test_what_is_not_one_bounded_line_is_not_linked(members):
    with pytest.raises(ValueError, match="a record is one line"):
        chain.link(START, members)


@pytest.mark.parametrize("digits", [16, 64])
def test_a_head_is_read_back_from_what_a_page_shows(digits):
    assert Head.parse(f"42:{'ab' * (digits // 2)}") == Head(42, "ab" * (digits // 2))


@pytest.mark.parametrize("text", ["", "42", "0:" + "a" * 16, "42:" + "a" * 15, "42:" + "A" * 16, "42:" + "a" * 65])
def test_what_is_no_head_is_refused(text):
    with pytest.raises(ValueError, match="42:ab12cd34ef56ab78"):
        Head.parse(text)
