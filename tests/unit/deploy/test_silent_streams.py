"""The streams that the bench holds open: who asks for them, and what counts as open."""

import asyncio
from pathlib import Path

import jwt
import pytest

from account.keys import read
from common.http import claims
from deploy.bench.figures import MIB
from deploy.bench.streams import Held, Silent, figures, minted
from deploy.client import Unexpected
from deploy.embedded.passwords import signing_key
from deploy.embedded.stack import Stack


def test_its_accounts_are_strangers_with_tokens_that_count(tmp_path: Path) -> None:
    stack = Stack(home=tmp_path)
    tokens = minted(stack, 2)
    [key] = read(signing_key(stack.layout))
    public = jwt.PyJWK(key.public)
    said = [claims.read(token, public, issuer="shop", audience="shop") for token in tokens]
    assert len({each.sub for each in said}) == 2
    assert {claims.header(token)["kid"] for token in tokens} == {key.kid}


class Wire(asyncio.Transport):
    """Keeps what is written to it."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""

    def write(self, data: "bytes | bytearray | memoryview") -> None:
        self.written += bytes(data)


async def test_a_stream_is_open_once_it_is_granted() -> None:
    stream, wire = Silent(b"GET /"), Wire()
    stream.connection_made(wire)
    assert wire.written == b"GET /"
    stream.data_received(b"HTTP/1.1 200 OK\r\n")
    await stream.granted
    stream.data_received(b"anything")
    assert not stream.is_lost
    stream.connection_lost(None)
    assert stream.is_lost


async def test_a_refused_stream_is_no_stream() -> None:
    refused, closed = Silent(b""), Silent(b"")
    refused.data_received(b"HTTP/1.1 429 Too Many Requests\r\n")
    closed.connection_lost(None)
    for each in (refused, closed):
        with pytest.raises(Unexpected):
            await each.granted


async def test_what_a_stream_costs_is_what_its_holders_have_grown_by() -> None:
    held = Held([Silent(b"") for _ in range(1024)], 2.0)
    before, after = {"purchase": MIB, "mail": MIB}, {"purchase": 3 * MIB, "traefik": MIB, "mail": 9 * MIB}
    told = figures(held, before, after)
    assert told["pss_kib_per_stream"] == {"purchase": 2.0, "traefik": 1.0}
    assert (told["count"], told["opened_per_second"], told["lost"]) == (1024, 512, 0)
