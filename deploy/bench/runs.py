"""What a bench does from its beginning to its end."""

import argparse

from deploy.bench import flood
from deploy.bench.buyers import Measured
from deploy.bench.exactness import await_settlement, check_books
from deploy.bench.figures import report
from deploy.bench.load import load, prepare
from deploy.client import Json, Shop
from deploy.embedded.stack import Stack


async def run(stack: Stack, given: argparse.Namespace) -> Json:
    async with Shop.at(stack.url("edge"), stack.url("mail_api"), connections=2 * given.buyers + 20) as shop:
        measured = Measured()
        buyers, products = await prepare(shop, given.buyers, measured)
        seconds = await load(buyers, products, given.purchases, hot=given.hot, rate=given.rate)
        settled = await await_settlement(buyers)
        wrong = await check_books(shop, stack.url("psp"), measured, products)
        return report(measured, seconds, settled, wrong)


async def beside_logins(stack: Stack, given: argparse.Namespace) -> Json:
    """Settlement and books are for the load without a flood."""
    edge, mails = stack.url("edge"), stack.url("mail_api")
    async with (
        Shop.at(edge, mails, connections=2 * given.buyers + 20) as shop,
        Shop.at(edge, mails, connections=flood.MOST_OPEN) as elsewhere,
    ):
        buyers, products = await prepare(shop, given.buyers, Measured())

        async def once() -> list[float]:
            measured = Measured()
            for buyer in buyers:
                buyer.measured, buyer.mine = measured, 0
            await load(buyers, products, given.purchases, hot=given.hot, rate=given.rate)
            return measured.durations()

        return await flood.compare(flood.Flood(elsewhere, given.logins), given.rounds, once)
