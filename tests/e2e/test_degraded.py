"""The table of degraded answers: everything is taken away in turn, and every route is asked meanwhile.

Each server is stopped once. What is expected stands in deploy/docs/degraded.py, from which the page is drawn.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from deploy.docs.degraded import DEGRADED, EFFECTS, IN_THE_WAY, KINDS, Answer, Away, Effect, Purchase, answer
from deploy.docs.routes import SERVED, registered
from deploy.embedded.layout import SERVICES
from deploy.events import Event, read_events
from media import staging
from tests.e2e.asking import Answer as Got
from tests.e2e.asking import People, Question, answers, ask, questions, unread, warm
from tests.e2e.degraded import SERVERS, Degraded
from tests.e2e.whole import whole
from tests.integration.media.samples import png
from tests.security.cast import crown
from tests.security.served import documents, routes
from tests.servers import Servers, fresh_stream
from tests.support import eventually

pytestmark = pytest.mark.asyncio(loop_scope="module")

ONCE_KNOWN, BOUND = 2.0, 10.0
"""Seconds to an answer: of what is known to be away, and of what is not yet; less than a statement may."""
EVENT_SECONDS = 5.0
TRIES = 3
"""The best counts where it is about seconds, or what Redis keeps: other people use this machine, too."""
ROUNDS = [
    *((away, SERVERS.get(away, "")) for away in Away if away not in {Away.SERVICE, Away.DATABASE}),
    *((Away.SERVICE, service) for service in SERVICES),
    (Away.DATABASE, "postgres"),
]


@pytest.fixture(scope="module")
def patched() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patching:
        yield patching


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def degraded(
    servers: Servers, tmp_path_factory: pytest.TempPathFactory, patched: pytest.MonkeyPatch
) -> AsyncIterator[Degraded]:
    home = Path(tmp_path_factory.mktemp("degraded"))
    await fresh_stream(servers.nats_url)
    settings: dict[str, dict[str, object]] = {
        "account": {"tries_per_account": 100_000},
        "purchase": {"redrive_after": 2.0},
        "media": {"uploads_per_account": 100},
        "product": {"cache_seconds": 600.0},  # what is kept must not expire by itself just then
        "order": {"cache_seconds": 600.0},
        "payment": {"cache_seconds": 600.0},
    }
    patched.setattr(staging, "MOST", 1000)  # a link in each round, and none is handed in
    async with whole(servers, home, replicas={"purchase": 2}, **settings) as shop:
        owner, admin = await asyncio.gather(shop.customer(), shop.customer())
        await crown(shop, admin)
        login = {"email": admin.person["email"], "password": admin.person["password"]}
        admin.tokens = await shop.shop.call("POST", "/account/login", body=login)
        made = await owner.create_product(shop.category, "Lamp", price=1000, inventory=10**6)
        picture = await owner.show_picture(made["id"], png(), alt="")
        bought = [(await owner.buy({made["id"]: 1}))["id"] for _ in range(2)]
        await shop.settled()
        people = People(shop, owner, admin, made["id"], picture["id"], bought)
        yield Degraded(people, servers)


async def test_every_route_has_an_entry_and_a_question(degraded: Degraded) -> None:
    """A new one must say what it answers while something is away."""
    listed = [route for kind in KINDS for route in kind.routes]
    known = sorted(f"{method} {path}" for of in SERVED.values() for path, method, _ in registered(of))
    assert sorted(listed) == known == sorted(each.name for each in routes(await documents(degraded.shop)))
    owners = {each.name: each.service for each in routes(await documents(degraded.shop))}
    assert [kind.service for kind in KINDS for _ in kind.routes] == [owners[route] for route in listed]
    asked = await questions(degraded.people)
    assert sorted(asked) == known
    got = await answers(degraded.shop, asked)
    degraded.usual = {route: each.status for route, each in got.items()}
    assert {route: got[route] for route in got if got[route].status >= 500} == {}
    assert {route for route, each in got.items() if each.status >= 400} == {
        "POST /account/password/reset",  # a code that nobody was sent
        "POST /account/verify",
        "POST /media/uploads/{upload_id}",  # nothing has come
        "POST /purchases/{purchase_id}/cancel",  # it is decided
    }


@pytest.mark.parametrize(("away", "what"), ROUNDS)
async def test_without(degraded: Degraded, away: Away, what: str, capsys: pytest.CaptureFixture[str]) -> None:
    effect, people, shop = EFFECTS[away], degraded.people, degraded.shop
    asked = await questions(people)
    kept = [route for route in asked if answer(route, away) in {Answer.KEPT, Answer.KEPT_SHORTLY}]
    if kept:  # by then what was made just now has made the caches forget
        await shop.settled()
        await eventually(degraded.has_heard)
        await warm(shop, asked, kept)
    own = {route for kind in KINDS if away is Away.SERVICE and kind.service == what for route in kind.routes}
    asked = {route: question for route, question in asked.items() if route not in own}
    bought = ""
    async with AsyncExitStack() as until:
        streams = [] if what == "purchase" else await opened(until, degraded)
        async with degraded.without(away, what):
            first = await judged(degraded, away, asked, BOUND)
            again = {route: asked[route] for route in asked if answer(route, away) is not Answer.AS_EVER}
            second = await judged(degraded, away, again, ONCE_KNOWN)
            await eventually(lambda: are_over(degraded, away, asked), every=0.5)
            for route in kept:
                question = unread(people, route)
                assert question is not None, route
                assert (await ask(shop, "GET", question)).is_refusal, route
            if effect.purchase is not Purchase.REFUSED and what != "purchase":
                bought = (await people.owner.buy({people.product: 1}))["id"]
            if is_completed(effect, away, what):
                await followed(degraded, streams, bought)
            await eventually(lambda: shows(degraded, effect, what))
        bought = bought or (await eventually(lambda: bought_again(degraded)))
        if not is_completed(effect, away, what):
            await followed(degraded, streams, bought)
            assert (await people.owner.outcome(bought)).type == "completed"
    await eventually(degraded.is_well, seconds=60)
    with capsys.disabled():
        slowest = max(first, key=lambda route: first[route].seconds)
        known = max((each.seconds for each in second.values()), default=0.0)
        sys.stdout.write(
            f"\nwithout {what or away}: {len(first)} routes, the slowest {first[slowest].seconds:.2f} s "
            f"({slowest}); refused once it is known within {known:.2f} s\n"
        )


def is_completed(effect: Effect, away: Away, what: str) -> bool:
    """While it is away."""
    held_up = away is Away.SERVICE and what in {*IN_THE_WAY, "purchase"}
    return effect.purchase is Purchase.COMPLETED or (away is Away.SERVICE and not held_up)


async def bought_again(degraded: Degraded) -> str:
    people = degraded.people
    return str((await people.owner.buy_surely({people.product: 1}))["id"])


async def judged(
    degraded: Degraded, away: Away, asked: Mapping[str, Question], seconds: float
) -> dict[str, Got]:
    """The answers, all of which are as the table has them."""
    got = await answers(degraded.shop, asked)
    for _ in range(1, TRIES):
        found = wrong(degraded, away, got, seconds)
        late = [route for route in found if is_merely_late(degraded, away, route, got[route])]
        got |= await answers(degraded.shop, {route: asked[route] for route in late})
    assert list(wrong(degraded, away, got, seconds).values()) == []
    return got


def is_merely_late(degraded: Degraded, away: Away, route: str, got: Got) -> bool:
    """Or Redis was, where something is kept; and asking has changed nothing."""
    expected = answer(route, away)
    if got.is_refusal:
        return expected is not Answer.AS_EVER
    is_usual = got.status == degraded.usual[route] and expected is not Answer.REFUSED
    return is_usual and route.startswith("GET ")


def wrong(degraded: Degraded, away: Away, got: Mapping[str, Got], seconds: float) -> dict[str, str]:
    """Every answer that is not as the table has it."""
    found = {}
    for route, each in got.items():
        expected = answer(route, away)
        is_usual = each.status == degraded.usual[route] and expected is not Answer.REFUSED
        may_refuse = expected in {Answer.REFUSED, Answer.KEPT_SHORTLY}
        is_right = is_usual or (may_refuse and each.is_refusal)
        if not is_right or each.seconds > seconds:
            found[route] = (
                f"{route}: {each.status} after {each.seconds:.1f} s, not {expected}: {each.text[:200]}"
            )
    return found


async def are_over(degraded: Degraded, away: Away, asked: Mapping[str, Question]) -> bool:
    """What shows stock is refused rather than old."""
    short = {route: asked[route] for route in asked if answer(route, away) is Answer.KEPT_SHORTLY}
    return all(each.is_refusal for each in (await answers(degraded.shop, short)).values())


async def opened(until: AsyncExitStack, degraded: Degraded) -> list[AsyncIterator[Event]]:
    """One stream at each replica: neither of them decides everything."""
    found = []
    for part in degraded.shop.parts["purchase"]:
        url = f"http://127.0.0.1:{part.settings.port}/api/v1/purchases/events"
        sent = degraded.people.owner.headers
        patience = aiohttp.ClientTimeout(total=None, sock_read=30)
        response = await until.enter_async_context(
            degraded.shop.shop.session.get(url, headers=sent, timeout=patience)
        )
        assert response.status == 200
        found.append(read_events(response))
    return found


async def followed(degraded: Degraded, streams: list[AsyncIterator[Event]], purchase_id: str) -> None:
    """Each has told everything since it was opened, and a decision soon; it was never opened again."""
    late = [await told(streams, purchase_id)]
    while min(late) > EVENT_SECONDS and len(late) < TRIES:
        late.append(await told(streams, await bought_again(degraded)))
    assert min(late) <= EVENT_SECONDS, late


async def told(streams: list[AsyncIterator[Event]], purchase_id: str) -> float:
    """How many seconds ago, at most, it was decided."""
    late = [0.0]
    for stream in streams:
        last = 0
        async with asyncio.timeout(60):
            async for event in stream:
                assert last in {0, event.id - 1}, "a gap, or a repetition"
                last = event.id
                if event.is_decision and event.data["purchase_id"] == purchase_id:
                    decided = datetime.fromisoformat(event.data["at"])
                    late.append((datetime.now(UTC) - decided).total_seconds())
                    assert event.type == "completed"
                    break
            else:
                raise AssertionError("the stream has ended")
    return max(late)


async def shows(degraded: Degraded, effect: Effect, without: str) -> bool:
    """Readiness says what is the matter, with its name, and nothing else."""
    for service in SERVICES:
        if service == without:
            continue
        status, bad, word = await degraded.ready(service)
        expected = effect.readiness.get(service)
        if expected is None:
            assert (status, bad, word) == (200, {}, "ok"), (service, bad)
        else:
            assert (status, word) == (200 if expected[0] == DEGRADED else 503, expected[0]), (service, bad)
            assert expected[1] in bad, (service, bad)
    return True
