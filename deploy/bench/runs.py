"""What a bench does from its beginning to its end."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime

from deploy.bench import circumstances, flames, flood, streams
from deploy.bench.buyers import Buyer, Measured, listening
from deploy.bench.costs import costs
from deploy.bench.course import course, followed
from deploy.bench.exactness import SETTLE_SECONDS, closed, wrong
from deploy.bench.figures import latencies
from deploy.bench.hops import hops
from deploy.bench.load import Baskets, baskets, load, one_at_a_time, prepare
from deploy.bench.meter import Meter, as_json, metering
from deploy.bench.processes import watching
from deploy.bench.trial import Trial
from deploy.client import Json, Shop
from deploy.embedded.stack import Stack


async def run(stack: Stack, trial: Trial) -> Json:
    """Prepare, load, wait until everything has come to its end, compare."""
    async with AsyncExitStack() as opened:
        edge, mails = stack.url("edge"), stack.url("mail_api")
        shop = await opened.enter_async_context(Shop.at(edge, mails, connections=room(trial)))
        measured = Measured()
        buyers, products = await prepare(shop, trial.crowd, measured)
        wanted = baskets(products, trial.purchases, hot=trial.hot)
        meter = await opened.enter_async_context(
            metering(stack, shop.session, statements=trial.statements, rest=trial.rest)
        )
        silent = await opened.enter_async_context(silence(stack, trial, meter))
        async with listening(buyers):
            figures, late = await measure(stack, trial, meter, buyers, wanted)
        off = [*late, *[f"{name} ended during the load" for name in meter.processes.ended]]
        off += await wrong(stack, shop, measured, products)
        return {"circumstances": circumstances.told(stack)} | figures | silent() | {"wrong": off}


def room(trial: Trial) -> int:
    """Connections of the load generator: at a rate, purchases do not wait for each other's answers."""
    return 2 * trial.crowd + 20 + (1000 if trial.rate else 0)


async def measure(
    stack: Stack, trial: Trial, meter: Meter, buyers: list[Buyer], wanted: Baskets
) -> tuple[Json, list[str]]:
    """The figures, and what went wrong with them."""
    rested, before = await meter.at_rest()
    since, measured = datetime.now(UTC), buyers[0].measured
    async with (
        watching(meter.processes) as peaks,
        followed(meter, trial.every) as looks,
        flames.recorded(trial.flames, meter.processes.roots),
    ):
        seconds = await (one_at_a_time(buyers[0], wanted) if trial.idle else load(buyers, wanted, trial.rate))
        settled = await closed(stack)
    known = costs(rested, before, await meter.after())
    figures = latencies(measured, seconds) | {
        "hops_ms": await hops(stack.auditor_urls, since, measured.decided.keys()),
        "settled_after_load_seconds": None if settled is None else round(settled, 2),
    }
    if looks:
        figures["course"] = course(looks, measured)
    late = [f"the books are not closed {SETTLE_SECONDS:.0f} s after the load"] if settled is None else []
    return figures | as_json(known, len(measured.decided), peaks), late


@asynccontextmanager
async def silence(stack: Stack, trial: Trial, meter: Meter) -> AsyncIterator[Callable[[], Json]]:
    """Streams that hear nothing, if any are asked for."""
    if not trial.streams:
        yield dict
        return
    before = meter.processes.pss()
    async with streams.held(stack, trial.streams, direct=trial.direct) as held:
        after = meter.processes.pss()
        yield lambda: {"streams": streams.figures(held, before, after)}


async def beside_logins(stack: Stack, trial: Trial) -> Json:
    """Settlement and books are for the load without a flood."""
    assert trial.logins is not None
    edge, mails = stack.url("edge"), stack.url("mail_api")
    async with (
        Shop.at(edge, mails, connections=room(trial)) as shop,
        Shop.at(edge, mails, connections=flood.MOST_OPEN) as elsewhere,
    ):
        buyers, products = await prepare(shop, trial.buyers, Measured())
        wanted = baskets(products, trial.purchases, hot=trial.hot)

        async def once() -> list[float]:
            measured = Measured()
            for buyer in buyers:
                buyer.measured = measured
            await load(buyers, wanted, trial.rate)
            return measured.durations()

        async with listening(buyers):
            figures = await flood.compare(flood.Flood(elsewhere, trial.logins), trial.rounds, once)
        return {"circumstances": circumstances.told(stack)} | figures
