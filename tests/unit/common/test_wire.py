"""What the broker says, cut anywhere, is heard as nats-py hears it; what is told it has one meaning."""

import asyncio
from itertools import pairwise
from typing import Any

import nats
import pytest
from hypothesis import given
from hypothesis import strategies as some
from nats.aio.client import Client
from nats.errors import ProtocolError
from nats.protocol.parser import Parser

from common.messaging.wire import Frames, Wire, frame, headers, status

Heard = list[tuple[Any, ...]]


class Noted(Client):
    """Keeps what the parser has found."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: Heard = []

    async def _process_msg(self, sid: int, subject: bytes, reply: bytes, data: bytes, headers: bytes) -> None:
        self.heard.append((sid, subject.decode(), reply.decode(), headers or b"", data))

    async def _process_ping(self) -> None:
        self.heard.append(("PING",))

    async def _process_err(self, err_msg: str) -> None:
        self.heard.append(("-ERR", err_msg))


TOKEN = some.text("abz09$_.-", min_size=1, max_size=20)
PAYLOAD = some.one_of(
    some.binary(max_size=60), some.sampled_from([b"\r\n", b"PING\r\n", b"MSG a 1 0\r\n\r\n"])
)


@some.composite
def said(draw: some.DrawFn) -> bytes:
    """One thing that a server says."""
    subject, reply, payload = draw(TOKEN), draw(some.one_of(some.just(""), TOKEN)), draw(PAYLOAD)
    between = f" {reply} " if reply else " "
    sid = draw(some.integers(1, 3))
    head = draw(some.sampled_from([b"NATS/1.0\r\na: b\r\n\r\n", b"NATS/1.0 503\r\n\r\n"]))
    sizes = f"{len(head)} {len(head) + len(payload)}"
    return draw(
        some.sampled_from(
            [
                f"MSG {subject} {sid}{between}{len(payload)}\r\n".encode() + payload + b"\r\n",
                f"HMSG {subject} {sid}{between}{sizes}\r\n".encode() + head + payload + b"\r\n",
                b"PING\r\n",
                b"+OK\r\n",
                b"-ERR 'Permissions Violation'\r\n",
            ]
        )
    )


async def heard_by(parser: Parser, noted: Noted, pieces: list[bytes]) -> Heard:
    for piece in pieces:
        await parser.parse(piece)
    return noted.heard


@given(some.lists(said(), max_size=8), some.lists(some.integers(0, 600), max_size=8), some.booleans())
def test_cut_anywhere_it_is_heard_as_nats_py_hears_it_whole(
    words: list[bytes], cuts: list[int], is_direct: bool
) -> None:
    whole = b"".join(words)
    places = [0, *sorted(min(cut, len(whole)) for cut in cuts), len(whole)]
    pieces = [whole[start:end] for start, end in pairwise(places)]
    theirs, ours = Noted(), Noted()
    frames = Frames(ours)
    if is_direct:
        frames.heard[1] = lambda subject, reply, head, payload: ours.heard.append(
            (1, subject, reply, head, payload)
        )
    expected = asyncio.run(heard_by(Parser(theirs), theirs, [whole]))
    assert asyncio.run(heard_by(frames, ours, pieces)) == expected


@pytest.mark.parametrize("line", [b"HELLO\r\n", b"\r\n", b"MSG a x 5\r\n", b"MSG a 1 2 3 4 5\r\n"])
async def test_what_no_server_says_ends_the_connection(line: bytes) -> None:
    with pytest.raises(ProtocolError):
        await Frames(Noted()).parse(line)


async def test_half_a_message_is_forgotten_with_its_connection() -> None:
    noted = Noted()
    frames = Frames(noted)
    await frames.parse(b"MSG a 1 5\r\nab")
    frames.reset()
    await frames.parse(b"MSG b 1 2\r\nxy\r\n")
    assert noted.heard == [(1, "b", "", b"", b"xy")]


async def test_who_cannot_take_a_message_keeps_nobody_from_the_next(caplog: pytest.LogCaptureFixture) -> None:
    heard: Heard = []

    def takes(*message: object) -> None:
        heard.append(message)
        raise ZeroDivisionError

    frames = Frames(Noted())
    frames.heard[7] = takes
    await frames.parse(b"MSG a 7 1\r\nx\r\nMSG a 7 r 1\r\ny\r\n")
    assert heard == [("a", "", b"", b"x"), ("a", "r", b"", b"y")]
    assert "could not be taken" in caplog.text


def test_a_frame_is_what_the_protocol_has() -> None:
    assert frame("a.b", b"xyz") == b"PUB a.b  3\r\nxyz\r\n"
    assert frame("a", b"xyz", "r", {"K": "v"}) == b"HPUB a r 18 21\r\nNATS/1.0\r\nK: v\r\n\r\nxyz\r\n"


@pytest.mark.parametrize("value", ["a\r\nEvil: 1", "a\nEvil: 1", "a\rEvil: 1", "\r\n\r\n{}", "a\r\n"])
def test_no_value_becomes_a_header_or_a_payload(value: str) -> None:
    """J16"""
    whole = frame("a", b"xyz", "r", {"Id": value, "Other": "ä"})
    line, rest = whole.split(b"\r\n", 1)
    size, total = map(int, line.split()[-2:])
    assert rest[size:] == b"xyz\r\n"
    assert len(rest) == total + 2
    assert sorted(headers(rest[:size])) == ["Id", "Other"]


def test_headers_are_read_as_others_write_them() -> None:
    assert headers(b"NATS/1.0\r\na:b\r\nC: d: e \r\nno\r\nz\0: \xff\0\r\n\r\n") == {
        "a": "b",
        "C": "d: e",
        "z": "�",
    }
    assert headers(b"") == {}


@pytest.mark.parametrize(
    ("head", "meant"),
    [
        (b"NATS/1.0 100 Idle Heartbeat\r\nNats-Last-Consumer: 1\r\n\r\n", "100"),
        (b"NATS/1.0 503\r\n\r\n", "503"),
        (b"NATS/1.0\r\na: b\r\n\r\n", ""),
        (b"", ""),
    ],
)
def test_a_status_is_read(head: bytes, meant: str) -> None:
    assert status(head) == meant


async def test_nothing_leaves_without_a_connection() -> None:
    with pytest.raises(nats.errors.OutboundBufferLimitError):
        await Wire().send([frame("a", b"")])
