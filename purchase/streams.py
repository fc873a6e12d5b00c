"""The event streams over HTTP, with a header's token or the browser's cookie."""

import time
from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response, delete, get, post
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from litestar.params import FromPath, HeaderParameter
from litestar.status_codes import HTTP_204_NO_CONTENT

from common.http.app import PREFIX
from common.http.auth import Caller
from common.http.dependencies import Db, Me
from common.http.errors import NotFound, Refused
from common.http.examples import ID, MOMENT
from common.http.openapi import EVENT_STREAM, also, like
from common.http.pulse import Pulse
from common.http.staying import Staying
from purchase import event_log, sse
from purchase.followers import Follower, Followers
from purchase.model import is_last
from purchase.settings import PurchaseSettings

COOKIE = "stream_session"

SAID = (
    "id: 1\nevent: step\n"
    f'data: {{"purchase_id":"{ID}","seq":1,"step":"accepted","status":"done","at":"{MOMENT}"}}\n\n'
)
"""An event as a stream has it."""

LastEventId = Annotated[
    str | None,
    HeaderParameter(
        name="Last-Event-ID",
        pattern=r"^[0-9]{1,15}\Z",
        description="The newest event the client has: the stream goes on exactly after it.",
    ),
]
Room = NamedDependency[Followers]
Life = NamedDependency[Pulse]


@post("/purchases/stream-session", status_code=HTTP_204_NO_CONTENT)
async def open_stream_session(
    request: Request[Caller, Any, Any], settings: NamedDependency[PurchaseSettings]
) -> Response[None]:
    """The token as a cookie that only the stream routes read: EventSource cannot send a header."""
    token = request.headers["Authorization"].partition(" ")[2].strip()
    seconds = max(0, int(request.user.expires_at - time.time()))
    return Response(None, status_code=HTTP_204_NO_CONTENT, cookies=[_cookie(token, seconds, settings)])


@delete("/purchases/stream-session", status_code=HTTP_204_NO_CONTENT, opt={"public": True})
async def close_stream_session(settings: NamedDependency[PurchaseSettings]) -> Response[None]:
    """Takes the cookie away; whoever signs out need not wait for its end."""
    return Response(None, status_code=HTTP_204_NO_CONTENT, cookies=[_cookie("", 0, settings)])


def _cookie(token: str, seconds: int, settings: PurchaseSettings) -> Cookie:
    return Cookie(
        key=COOKIE,
        value=token,
        path=f"{PREFIX}/purchases",
        max_age=seconds,
        httponly=True,
        samesite="strict",
        secure=settings.public_url.startswith("https:"),
    )


@get(
    "/purchases/{purchase_id:uuid}/events",
    opt={"cookie": COOKIE} | also(204, 429) | like(SAID),
    media_type=EVENT_STREAM,
)
async def watch_purchase(
    purchase_id: FromPath[UUID],
    db: Db,
    caller: Me,
    followers: Room,
    pulse: Life,
    settings: NamedDependency[PurchaseSettings],
    last_event_id: LastEventId = None,
) -> Response[Any]:
    """Steps, the decision, compensations, `settled`. 204 once there is nothing left to send."""
    _refuse_while_stopping(followers)
    async with db.read() as tx:
        log = await event_log.last(tx, purchase_id, caller.account_id)
    if log is None:
        raise NotFound("purchase")
    last_id = min(int(last_event_id or 0), log["last_seq"])
    if last_id == log["last_seq"] and is_last(log["type"]):
        return Response(None, status_code=HTTP_204_NO_CONTENT)
    _refuse_one_too_many(followers, caller, settings)
    follower = Follower(purchase_id, caller, of_account=False)
    frames = sse.stream(db, followers, follower, last_id)
    return Staying(frames, pulse, media_type=EVENT_STREAM, headers=sse.HEADERS)


@get("/purchases/events", opt={"cookie": COOKIE} | also(429) | like(SAID), media_type=EVENT_STREAM)
async def watch_purchases(
    db: Db,
    caller: Me,
    followers: Room,
    pulse: Life,
    settings: NamedDependency[PurchaseSettings],
    last_event_id: LastEventId = None,
) -> Response[Any]:
    """All of the caller's purchases, for as long as the client stays."""
    _refuse_one_too_many(followers, caller, settings)
    async with db.read() as tx:
        newest = await event_log.newest_of_account(tx, caller.account_id)
    last_id = newest if last_event_id is None else int(last_event_id)
    follower = Follower(caller.account_id, caller, of_account=True)
    frames = sse.stream(db, followers, follower, last_id, says_where=last_event_id is None)
    return Staying(frames, pulse, media_type=EVENT_STREAM, headers=sse.HEADERS)


def _refuse_while_stopping(followers: Followers) -> None:
    if followers.is_stopping:
        raise Refused(503, "stopping", "Come back in a moment.", headers={"Retry-After": "1"})


def _refuse_one_too_many(followers: Followers, caller: Caller, settings: PurchaseSettings) -> None:
    _refuse_while_stopping(followers)
    if sum(followers.open.values()) >= settings.streams_at_once:
        raise Refused(503, "too_many_streams", "Come back in a moment.", headers={"Retry-After": "5"})
    if followers.count(caller.account_id) >= settings.streams_per_account:
        raise Refused(429, "too_many_streams", "Close another stream first.", headers={"Retry-After": "5"})
