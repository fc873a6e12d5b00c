"""One life in the shop, with everything that goes wrong in it, and what of it must be found nowhere."""

import asyncio
import json
import re
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from urllib.parse import quote

from deploy.client import API, Customer, Json, Shop, until
from deploy.embedded.passwords import signing_key
from deploy.embedded.services import present
from deploy.embedded.stack import Stack
from tests.integration.media.samples import png

AWAY = ("redis", "psp", "smtp", "nats", "postgres")
"""What all is gone for a moment."""


@dataclass
class Canaries:
    """What each is -> how it reads."""

    known: dict[str, str]
    errors: list[str] = field(default_factory=list)
    """The bodies of all answers that were no success."""

    @classmethod
    def of(cls, stack: Stack) -> "Canaries":
        key = signing_key(stack.layout).read_text().splitlines()
        return cls(stack.passwords.known | {"signing key": key[1]})

    def found_in(self, text: str) -> set[str]:
        """Codes are numbers, which stand in longer ones by chance."""
        return {
            name
            for name, canary in self.known.items()
            for spelled in {canary, quote(canary), json.dumps(canary)[1:-1]}
            if re.search(rf"\b{canary}\b" if canary.isdigit() else re.escape(spelled), text)
        }

    def remember(self, customer: Customer, when: str) -> None:
        for name in ("access_token", "refresh_token"):
            self.known[f"{name} {when}"] = customer.tokens[name]


def person() -> dict[str, str]:
    number = secrets.randbelow(10**12)
    return {
        "email": f"kanarie.{number}@example.com",
        "password": secrets.token_urlsafe(12),
        "first_name": "Kanarienvogel",
        "last_name": "Vogelsang",
        "address": "7 Birdcage Walk",
        "phone_number": f"+44{number:012}",
    }


@dataclass
class Life:
    shop: Shop
    stack: Stack
    canaries: Canaries

    async def lead(self) -> None:
        """All that a customer can do and be refused; then the same while everything is away."""
        me = person()
        self.canaries.known |= me
        customer = await self.shop.register(**me)
        self.canaries.remember(customer, "of before")
        code = await self.shop.code_mailed_to(me["email"])
        self.canaries.known["code"] = code
        await customer.verify()
        self.canaries.remember(customer, "of after")
        lamp = await self.lamp(customer)
        await customer.show_picture(lamp, png(), alt="A lamp")
        self.canaries.known["card"] = f"tok_{secrets.token_hex(8)}"
        await customer.buy(
            {lamp: 1}, token="tok_error_after"
        )  # its provider says nothing, which payment tells
        for token in (self.canaries.known["card"], "tok_decline"):
            bought = await customer.buy({lamp: 1}, method="credit_card", token=token)
            await customer.outcome(bought["id"])
        await self.reset(customer)
        await self.be_refused(customer, lamp, self.shop.edge)
        await self.outage(customer, lamp)

    async def lamp(self, customer: Customer) -> str:
        shelf = await customer.call("POST", "/categories", expect=201, body={"name": "Lamps"})
        made = await customer.create_product(shelf["id"], "Lamp", price=1000, inventory=9)
        return str(made["id"])

    async def reset(self, customer: Customer) -> None:
        """The code of before counts no longer; the password of before neither."""
        email = customer.person["email"]
        await self.shop.call("POST", "/account/password/forgot", expect=202, body={"email": email})
        code = await until(partial(self.newer_code, email), seconds=60)
        self.canaries.known |= {"reset code": code, "new password": secrets.token_urlsafe(12)}
        new = {"email": email, "code": code, "password": self.canaries.known["new password"]}
        await self.shop.call("POST", "/account/password/reset", expect=204, body=new)
        login = {"email": email, "password": new["password"]}
        customer.tokens = await self.shop.call("POST", "/account/login", body=login)
        self.canaries.remember(customer, "of last")

    async def newer_code(self, email: str) -> str | None:
        code = await self.shop.code_mailed_to(email)
        return code if code != self.canaries.known["code"] else None

    async def be_refused(self, customer: Customer, lamp: str, edge: str) -> None:
        for path, body in self.bad(customer.person, customer.tokens, lamp):
            await self.ask("POST", edge + API + path, body, customer.headers)
        token = customer.tokens["access_token"]
        for path in (f"/purchases/events?access_token={token}", f"/orders?cursor={token}&email=a@b.c"):
            await self.ask("GET", edge + API + path, None, {"Authorization": f"Bearer {token}x"})

    def bad(self, me: Json, tokens: Json, lamp: str) -> list[tuple[str, object]]:
        """Right in form and wrong; wrong in form; cut off."""
        known = self.canaries.known
        known["wrong password"] = secrets.token_urlsafe(12)
        lines = [{"product_id": lamp, "quantity": 100}]
        card = {"currency_code": "VND", "method": known["card"], "token": known["card"]}
        return [
            ("/account/register", me),
            ("/account/register", me | {"email": f"x{me['email']}"}),
            ("/account/register", me | {"phone_number": me["email"], "nickname": me["password"]}),
            (
                "/account/register",
                me | {"first_name": me["first_name"] * 50, "address": me["address"] + "\0"},
            ),
            ("/account/register", str(me)),
            ("/account/login", {"email": me["email"], "password": known["wrong password"]}),
            ("/account/login", {"email": me["password"], "password": [known["wrong password"]]}),
            ("/account/refresh", {"refresh_token": tokens["access_token"]}),
            ("/account/verify", {"code": known["code"]}),
            ("/account/password/reset", {"email": me["email"], "code": known["code"], "password": "short"}),
            ("/purchases", {"order_items": lines, "payment": card}),
        ]

    async def outage(self, customer: Customer, lamp: str) -> None:
        """Asked past the edge, which would not let through to services that are not ready."""
        for name in AWAY:
            await asyncio.to_thread(self.stack.stop_process, name)
        late = person()
        self.canaries.known |= {f"late {name}": value for name, value in late.items() if "name" not in name}
        login = {"email": customer.person["email"], "password": self.canaries.known["new password"]}
        order = {"order_items": [{"product_id": lamp, "quantity": 1}], "payment": {"currency_code": "VND"}}
        asked = {"account": [("/account/register", late), ("/account/login", login)]}
        asked |= {"purchase": [("/purchases", order)], "product": [("/categories", {"name": "Late"})]}
        for service, bodies in asked.items():
            direct = f"http://127.0.0.1:{self.stack.layout.service_port(service)}"
            for path, body in bodies:
                await self.ask("POST", direct + API + path, body, customer.headers)
        for name in reversed(AWAY):
            await asyncio.to_thread(self.stack.start_process, name, 120)

    async def ask(self, method: str, url: str, body: object, headers: dict[str, str]) -> None:
        """A text is sent as it is, and is no JSON."""
        sent = {"data": body} if isinstance(body, str) else {"json": body}
        async with self.shop.session.request(method, url, headers=headers, **sent) as response:
            assert response.status >= 400, (url, response.status)
            self.canaries.errors.append(await response.text())


def logs(stack: Stack) -> dict[str, str]:
    """Of every process, and of the supervisor."""
    files = (file for file in (stack.home / "logs").rglob("*") if file.is_file())
    return {file.name: file.read_text(errors="replace") for file in files}


def assert_structured(logs: Mapping[str, str]) -> None:
    """Every line of a service is an object that says whose it is; some belong to a trace and a purchase."""
    known = {"trace_id", "purchase_id"}
    for service in present():
        texts = [text for name, text in logs.items() if name in {f"{service}.log", f"{service}-2.log"}]
        lines = [json.loads(line) for text in texts for line in text.splitlines()]
        assert lines
        assert {line["service"] for line in lines} == {service}
        known -= set().union(*lines)
    assert not known


def command_lines() -> str:
    """Of every process of this machine, and their environments."""
    told = []
    for name in ("cmdline", "environ"):
        for file in Path("/proc").glob(f"[0-9]*/{name}"):
            with suppress(OSError):  # it has ended, or is somebody else's
                told.append(file.read_text(errors="replace"))
    return "\n".join(told)
