"""The desk over HTTP, for administrators: what is open by cause, one letter, and what may be done with it."""

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any

import msgspec
from litestar import Request, get, post, put
from litestar.datastructures.headers import CacheControlHeader
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import Meta

from common.contracts.letters import MOST_EDITED, Done, Entry, Reason, Why
from common.http.auth import admin
from common.http.errors import InvalidField, NotFound, Refused
from common.http.openapi import also
from deploy.embedded.errors import StackError
from deploy.letters import causes
from deploy.letters.desk import Desk, Id, Silent, parsed
from deploy.letters.door import Accounts, Entered, Operator

At = NamedDependency[Desk]
Who = NamedDependency[Accounts]
By = NamedDependency[Operator]
"""Parameter `caller`."""

NO_STORE = CacheControlHeader(no_store=True)
Original = Annotated[bool, QueryParameter(description="The payload as it came, whatever it was edited to.")]


class Login(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    email: Annotated[str, Meta(max_length=254)]
    password: Annotated[str, Meta(max_length=512)]


class CauseView(msgspec.Struct, frozen=True, kw_only=True):
    """Letters that failed alike; `ids` in their order."""

    name: str
    service: str
    durable: str
    subject: str
    error: str
    ids: list[str]
    oldest_at: datetime
    newest_at: datetime


class Causes(msgspec.Struct, frozen=True, kw_only=True):
    """`silent`: of which services nothing is known, and why."""

    items: list[CauseView]
    silent: dict[str, str]


class LetterView(msgspec.Struct, frozen=True, kw_only=True):
    """`text`: the payload, if it is one; else it is in `bytes`, as base64. Neither: it is forgotten."""

    id: str
    durable: str
    subject: str
    message_id: str | None
    deliveries: int
    error: str
    parked_at: datetime
    headers: dict[str, str]
    trail: list[Entry]
    text: str | None
    bytes: str | None
    edited: bool


class Reasoned(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    reason: Reason = ""


class Discarded(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    reason: Why


class Edited(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    text: Annotated[str, Meta(max_length=MOST_EDITED)]
    reason: Reason = ""


@post("/letters/login", status_code=200, opt={"public": True} | also(401, 403, 429), cache_control=NO_STORE)
async def enter(data: JSONBody[Login], accounts: Who) -> Entered:
    """As in the shop, but only for administrators."""
    return await accounts.enter(data.email, data.password)


@post("/letters/logout", status_code=204)
async def leave(request: Request[Operator, Any, Any], accounts: Who) -> None:
    """Ends the session everywhere."""
    await accounts.leave(request.headers["Authorization"].partition(" ")[2].strip())


@get("/letters", guards=[admin])
async def list_causes(desk: At) -> Causes:
    """The open ones of every service; the cause with most letters comes first."""
    letters, silent = await desk.everything()
    return Causes(items=[_cause(each) for each in causes.grouped(letters)], silent=silent)


@get("/letters/{letter:str}", guards=[admin])
async def show_letter(letter: FromPath[str], desk: At, original: Original = False) -> LetterView:
    """With its payload, and with all that was done with it."""
    with _refusals():
        asked = parsed(letter)
        known = await desk.letter(asked)
        payload = None if known.size is None else await desk.payload(asked, original=original)
    text = None if payload is None else _text(payload)
    return LetterView(
        id=letter,
        durable=known.durable,
        subject=known.subject,
        message_id=known.message_id,
        deliveries=known.deliveries,
        error=known.error,
        parked_at=known.parked_at,
        headers=known.headers,
        trail=known.trail,
        text=text,
        bytes=base64.b64encode(payload).decode() if payload is not None and text is None else None,
        edited=any(entry.action == "edited" for entry in known.trail),
    )


@post("/letters/{letter:str}/retry", guards=[admin], status_code=200, opt=also(409))
async def retry_letter(letter: FromPath[str], data: JSONBody[Reasoned], desk: At, caller: By) -> Done:
    """Handled again by the code that could not; `failed`: nothing has changed but the error."""
    with _refusals():
        return _told(await replace(desk, by=caller.email).retry(parsed(letter), data.reason))


@post("/letters/{letter:str}/discard", guards=[admin], status_code=200, opt=also(409))
async def discard_letter(letter: FromPath[str], data: JSONBody[Discarded], desk: At, caller: By) -> Done:
    """Closed without an effect."""
    with _refusals():
        return _told(await replace(desk, by=caller.email).discard(parsed(letter), data.reason))


@put("/letters/{letter:str}/payload", guards=[admin], opt=also(409, 422))
async def edit_letter(letter: FromPath[str], data: JSONBody[Edited], desk: At, caller: By) -> Done:
    """What will be tried; tries nothing, and keeps what came."""
    payload = data.text.encode(errors="surrogatepass")
    if len(payload) > MOST_EDITED:
        raise InvalidField("text", f"At most {MOST_EDITED} bytes.")
    with _refusals():
        return _told(await replace(desk, by=caller.email).edit(parsed(letter), payload, data.reason))


def _cause(each: causes.Cause) -> CauseView:
    return CauseView(
        name=each.name,
        service=each.service,
        durable=each.durable,
        subject=each.subject,
        error=each.error,
        ids=[str(Id(each.service, number)) for number in each.ids],
        oldest_at=each.oldest,
        newest_at=each.newest,
    )


def _text(payload: bytes) -> str | None:
    try:
        return payload.decode()
    except UnicodeDecodeError:
        return None


def _told(done: Done) -> Done:
    """Raises Refused for what cannot be done any more."""
    if done.result == "unknown":
        raise NotFound("letter")
    if done.result == "over":
        raise Refused(409, "over", f"Somebody has dealt with it: {done.detail}.")
    return done


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except Silent as error:
        raise Refused(503, "unavailable", str(error), headers={"Retry-After": "1"}) from error
    except StackError as error:
        raise NotFound("letter") from error


ROUTES = [enter, leave, list_causes, show_letter, retry_letter, discard_letter, edit_letter]
