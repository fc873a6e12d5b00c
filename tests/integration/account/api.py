"""The account service as a client sees it, and what it has said so far."""

import asyncio
import itertools
import os
import subprocess
import sys
from subprocess import CompletedProcess
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

import aiohttp
import asyncpg
import msgspec

from account.settings import AccountSettings
from common.contracts import account
from common.contracts.account import PasswordResetRequested, VerificationRequested
from common.contracts.message import Message
from common.messaging.codec import Codec, words
from tests.support import eventually

M = TypeVar("M", bound=Message)

NUMBERS = itertools.count(100_000)
PASSWORD = "correct horse battery"
OTHER_PASSWORD = "another horse, another battery"
CODEC = Codec(words(account))


class Answer(NamedTuple):
    status: int
    body: Any
    headers: dict[str, str]

    @property
    def token(self) -> str:
        access: str = self.body["access_token"]
        return access

    @property
    def refresh(self) -> str:
        refresh: str = self.body["refresh_token"]
        return refresh

    @property
    def account_id(self) -> UUID:
        return UUID(self.body["account"]["id"])

    @property
    def refusal(self) -> tuple[int, str]:
        assert self.headers["Content-Type"] == "application/problem+json"
        return self.status, self.body["code"]


def registration(**changed: Any) -> dict[str, Any]:
    number = next(NUMBERS)
    return {
        "email": f"ann{number}@example.com",
        "password": PASSWORD,
        "first_name": "Ann",
        "last_name": "Example",
        "address": "1 Main Street",
        "phone_number": f"+84{number}",
        **changed,
    }


class Api:
    def __init__(
        self, client: aiohttp.ClientSession, db: "asyncpg.Pool[Any]", settings: AccountSettings
    ) -> None:
        self.client = client
        self.db = db
        self.settings = settings

    async def call(self, method: str, path: str, json: Any = None, *, token: str | None = None) -> Answer:
        headers = {"Authorization": f"Bearer {token}"} if token is not None else {}
        return await self.send(method, path, json=json, headers=headers)

    async def send(self, method: str, path: str, **options: Any) -> Answer:
        async with self.client.request(method, f"/api/v1/account{path}", **options) as response:
            raw = await response.read()
            body = await response.json(content_type=None) if raw else None
            return Answer(response.status, body, dict(response.headers))

    async def register(self, **changed: Any) -> Answer:
        return await self.call("POST", "/register", registration(**changed))

    async def login(self, email: str, password: str = PASSWORD) -> Answer:
        return await self.call("POST", "/login", {"email": email, "password": password})

    async def refresh(self, token: str) -> Answer:
        return await self.call("POST", "/refresh", {"refresh_token": token})

    async def verify(self, code: str, token: str) -> Answer:
        return await self.call("POST", "/verify", {"code": code}, token=token)

    async def personal(self, token: str) -> Answer:
        return await self.call("GET", "/customer/personal", token=token)

    async def sessions(self, token: str) -> list[dict[str, Any]]:
        answer = await self.call("GET", "/sessions", token=token)
        assert answer.status == 200
        items: list[dict[str, Any]] = answer.body["items"]
        return items

    async def forget_password(self, email: str) -> Answer:
        return await self.call("POST", "/password/forgot", {"email": email})

    async def reset_password(self, email: str, code: str, password: str = OTHER_PASSWORD) -> Answer:
        return await self.call(
            "POST", "/password/reset", {"email": email, "code": code, "password": password}
        )

    async def change_password(self, token: str, current: str = PASSWORD, new: str = OTHER_PASSWORD) -> Answer:
        body = {"current_password": current, "new_password": new}
        return await self.call("POST", "/password", body, token=token)

    async def administrator(self) -> Answer:
        """One who has signed in as such; verified the short way."""
        me = await self.register()
        await self.db.execute(
            "UPDATE accounts SET role = 'admin', verified = true WHERE id = $1", me.account_id
        )
        return me

    async def said(self, kind: type[M]) -> list[M]:
        """From the outbox, in order."""
        rows = await self.db.fetch("SELECT payload FROM outbox ORDER BY position")
        messages = [CODEC.decode(row["payload"]) for row in rows]
        return [message for message in messages if isinstance(message, kind)]

    async def code(self, account_id: UUID) -> str:
        """The last one mailed."""
        return [each for each in await self.said(VerificationRequested) if each.entity_id == account_id][
            -1
        ].code

    async def reset_code(self, email: str, *, number: int = 1) -> str:
        """Of the codes that were mailed to reset this password; waits for it."""

        async def mailed() -> list[str]:
            codes = [each.code for each in await self.said(PasswordResetRequested) if each.email == email]
            return codes[number - 1 :]

        return (await eventually(mailed))[0]


async def command(module: str, settings: AccountSettings, *arguments: str) -> "CompletedProcess[str]":
    """Run by itself, with these settings."""
    values = msgspec.structs.asdict(settings).items()
    known = {
        name.upper(): ",".join(value) if isinstance(value, tuple) else str(value)
        for name, value in values
        if value not in {None, "", ()}
    }
    return await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", module, *arguments],
        env=os.environ | known,
        capture_output=True,
        text=True,
        check=False,
    )


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 10**8:08}"
