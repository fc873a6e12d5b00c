"""What the purchase service tells a browser as it happens."""

import asyncio

import aiohttp

from common.contracts import purchase
from common.ids import new_id
from purchase.__main__ import program
from tests.integration.purchase.wire import DONE, Make, priced, shop, types
from tests.servers import Servers
from tests.sse import Event, stream
from tests.support import Issuer, eventually, running


async def test_every_event_once_across_replicas_and_reconnections(settings: Make, issuer: Issuer) -> None:
    account = new_id()
    first, second = settings(), settings()
    async with shop(first, issuer, account) as client, running(second, program) as other:
        purchase_id = await client.buy()
        context = priced((await client.hear(purchase.PurchaseRequested)).purchase)
        await client.say(purchase.CompletePurchase(purchase=context))
        seen: list[Event] = []
        for number in range(5):
            url = f"{(client.url, other)[number % 2]}/api/v1/purchases/{purchase_id}/events"
            async with stream(client.session, url, client.headers, seen[-1].id if seen else None) as events:
                async for event in events:
                    seen.append(event)
                    break
        assert [event.id for event in seen] == [1, 2, 3, 4, 5]
        assert types(seen) == DONE
        url = f"{other}/api/v1/purchases/{purchase_id}/events"
        async with client.session.get(url, headers=client.headers | {"Last-Event-ID": "5"}) as ended:
            assert ended.status == 204
        async with client.session.get(url, headers=client.headers | {"Last-Event-ID": "x"}) as malformed:
            assert malformed.status == 400


async def test_a_stream_ends_without_redis(settings: Make, issuer: Issuer, servers: Servers) -> None:
    async with shop(settings(), issuer) as client:
        purchase_id = await client.buy()
        context = priced((await client.hear(purchase.PurchaseRequested)).purchase)
        servers.stop_process("redis")
        try:
            reading = asyncio.ensure_future(client.events(purchase_id))
            await client.say(purchase.CompletePurchase(purchase=context))
            assert types(await asyncio.wait_for(reading, 30)) == DONE
        finally:
            servers.start_process("redis")


async def test_the_account_stream_tells_all_purchases_in_the_order_of_commits(
    settings: Make, issuer: Issuer
) -> None:
    async with shop(settings(), issuer) as client:
        url = f"{client.url}/api/v1/purchases/events"
        async with stream(client.session, url, client.headers, 0) as events:
            ids = [await client.buy() for _ in range(5)]
            reader = aiter(events)
            seen = [await asyncio.wait_for(anext(reader), 30) for _ in ids]
        assert [event.id for event in seen] == [1, 2, 3, 4, 5]
        assert [event.data["purchase_id"] for event in seen] == [str(each) for each in ids]


async def test_the_browsers_cookie_opens_streams_and_nothing_else(settings: Make, issuer: Issuer) -> None:
    async with shop(settings(), issuer) as client:
        purchase_id = await client.buy()
        session_url = f"{client.url}/api/v1/purchases/stream-session"
        async with client.session.post(session_url, headers=client.headers) as response:
            assert response.status == 204
            cookie = response.cookies["stream_session"]
        assert cookie["httponly"]
        assert cookie["samesite"] == "strict"
        assert cookie["path"] == "/api/v1/purchases"
        sent = {"Cookie": f"stream_session={cookie.value}"}
        async with aiohttp.ClientSession() as browser:
            base = f"{client.url}/api/v1/purchases/{purchase_id}"
            async with browser.get(f"{base}/events", headers=sent) as streaming:
                assert streaming.status == 200
            async with browser.get(base, headers=sent) as reading:
                assert reading.status == 401
            async with browser.delete(session_url, headers=sent) as closing:
                assert closing.status == 204
                assert closing.cookies["stream_session"]["max-age"] == "0"


async def test_a_stream_that_its_client_left_is_forgotten(settings: Make, issuer: Issuer) -> None:
    async with shop(settings(streams_per_account=2), issuer) as client:
        purchase_id = await client.buy()
        url = f"{client.url}/api/v1/purchases/{purchase_id}/events"

        async def opened() -> aiohttp.ClientResponse | None:
            response = await client.session.get(url, headers=client.headers)
            if response.status == 200:
                return response
            response.close()
            return None

        for _ in range(6):
            left = await eventually(opened)
            assert left
            left.close()
        first, second = await eventually(opened), await eventually(opened)
        assert first
        assert second
        async with client.session.get(url, headers=client.headers) as third:
            assert third.status == 429
        first.close()
        second.close()


async def test_a_full_process_says_so_and_whoever_comes_again_finds_room(
    settings: Make, issuer: Issuer
) -> None:
    """Another replica may have room: it is the process that is full, not the caller."""
    async with shop(settings(streams_at_once=2), issuer) as client:
        purchase_id = await client.buy()
        urls = [
            f"{client.url}/api/v1/purchases/{purchase_id}/events",
            f"{client.url}/api/v1/purchases/events",
        ]
        first, second = [await client.session.get(url, headers=client.headers) for url in urls]
        assert (first.status, second.status) == (200, 200)
        for url in urls:
            async with client.session.get(url, headers=client.headers) as third:
                assert third.status == 503
                assert third.headers["Retry-After"] == "5"
                assert (await third.json())["code"] == "too_many_streams"
        first.close()

        async def is_let_in() -> bool:
            async with client.session.get(urls[0], headers=client.headers) as again:
                return again.status == 200

        await eventually(is_let_in)
        second.close()
