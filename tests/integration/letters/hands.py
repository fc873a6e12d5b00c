"""A stack in the test's loop, and the command that an operator types, as a process."""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

import asyncpg
from nats.aio.client import Client

from deploy.embedded.layout import ROOT
from tests.servers import Servers
from tests.support import eventually

INSERT = """
INSERT INTO dead_letter (durable, subject, payload, deliveries, error) VALUES ('order', 'x', $1, 1, 'z')
"""
NOTE = """
INSERT INTO dead_letter_trail (letter_id, action, key, by, reason, payload) VALUES ($1, $2, $3, 'ann', '', $4)
"""


class Said(NamedTuple):
    code: int
    out: str
    err: str


class Operator:
    """Types `./just dlq`."""

    def __init__(self, servers: Servers, folder: Path, *, user: str = "operator") -> None:
        at = urlsplit(servers.nats_url_of(user).split(",")[0])
        self.password = folder / "password"
        self.password.write_text(unquote(at.password or ""))
        self.broker = f"{at.hostname}:{at.port}"

    async def types(self, *words: str, typed: bytes = b"", **environment: str) -> Said:
        known = ("--broker", self.broker, "--password-file", str(self.password))
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "deploy.letters", *known, *words),
            cwd=ROOT,
            env=os.environ | environment,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        async with asyncio.timeout(60):
            out, err = await process.communicate(typed)
        assert process.returncode is not None
        return Said(process.returncode, out.decode(), err.decode())

    async def causes(self) -> list[Any]:
        found: list[Any] = json.loads((await self.types("list", "--json")).out)
        return found

    async def shown(self, letter: str) -> Any:
        said = await self.types("show", letter, "--json")
        assert said.code == 0, said.err
        return json.loads(said.out)


async def rows(url: str, statement: str) -> list[tuple[object, ...]]:
    connection = await asyncpg.connect(url)
    try:
        return [tuple(row) for row in await connection.fetch(statement)]
    finally:
        await connection.close()


async def put(client: Client, subject: str, payload: bytes, **headers: str) -> None:
    await client.jetstream().publish(subject, payload, headers=headers or None)


async def parked(url: str, count: int) -> None:
    async def are_there() -> bool:
        return await rows(url, "SELECT count(*) FROM dead_letter") == [(count,)]

    await eventually(are_there, seconds=90)
