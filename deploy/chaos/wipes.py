"""`./just wipes`: the broker loses its whole disk under load, again and again, and nothing else is lost.

Purchases in flight are driven again (P10). What nobody drives, such as the mail with a verification code and
the changes of the catalogue, is said again from the outboxes of the last day (P16).
"""

import argparse
import asyncio
import shutil
import sys
import time
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import nats

from common.messaging.streams import STREAM
from deploy.chaos.crashpoints import PATIENCE, SETTINGS, books, settled
from deploy.chaos.load import Load, prepare
from deploy.client import Customer, Shop, until
from deploy.embedded.errors import StackError
from deploy.embedded.stack import Stack

SAID = "SELECT message_id FROM outbox WHERE subject LIKE 'evt.product.product_%'"
SETTLE_SECONDS = 90.0


def wipe(stack: Stack) -> None:
    """kill -9 would leave the disk; this takes it away too."""
    stack.stop_process("nats")
    shutil.rmtree(stack.home / "nats" / "jetstream")
    stack.start_process("nats")


async def once(stack: Stack, shop: Shop, load: Load, purchases: int) -> list[str]:
    """One wipe in the middle of purchases, registrations and edits; returns what is wrong afterwards."""
    seller = load.customers[0]

    async def edit() -> None:
        for number, product in enumerate(load.products):
            await seller.call("PUT", f"/products/{product}", body={"price": 1000 + number})

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(load.run(load.bought + purchases, lambda: 0))
        newcomers = [tasks.create_task(shop.register()) for _ in range(5)]
        tasks.create_task(edit())
        await asyncio.sleep(Random().uniform(0.1, 1.0))  # noqa: S311  # anywhere in the middle
        await asyncio.to_thread(wipe, stack)
        newcomers += [tasks.create_task(shop.register()) for _ in range(5)]
    wrong, load.wrong = load.wrong, []
    wrong += await unverified([task.result() for task in newcomers])
    try:
        await until(lambda: settled(stack), seconds=SETTLE_SECONDS)
    except TimeoutError:
        wrong.append(f"not settled within {SETTLE_SECONDS:.0f} s")
    return wrong + await (await books(stack)).violations() + await unheard(stack)


async def unverified(newcomers: list[Customer]) -> list[str]:
    """Whose verification code never came."""
    wrong = []
    for each in newcomers:
        try:
            await each.verify()
        except TimeoutError:
            wrong.append(f"no code for {each.person['email']}")
    return wrong


async def unheard(stack: Stack) -> list[str]:
    """Changes of the catalogue that the new stream does not have."""
    rows = await (await books(stack)).rows("product", SAID)
    wanted = {row["message_id"] for row in rows}
    client = await nats.connect(stack.nats_url)
    try:
        js = client.jetstream()
        found: set[str] = set()
        reader = await js.subscribe("evt.product.>", ordered_consumer=True)
        total = (await js.stream_info(STREAM, subjects_filter="evt.product.>")).state.subjects or {}
        for _ in range(sum(total.values())):
            message = await reader.next_msg(timeout=5)
            found.add((message.headers or {})["Nats-Msg-Id"])
        await reader.unsubscribe()
    finally:
        await client.close()
    return [f"P16: {each} is not on the stream" for each in wanted - found]


async def campaign(stack: Stack, given: argparse.Namespace) -> int:
    failed = 0
    async with Shop.at(stack.url("edge"), stack.url("mail_api"), connections=200) as shop:
        load = await prepare(shop, 20)
        for number in range(1, given.times + 1):
            began, bought = time.monotonic(), load.bought
            wrong = await once(stack, shop, load, given.purchases)
            failed += bool(wrong)
            print(
                f"wipe {number:>2}: {load.bought - bought} purchases, {len(wrong)} violations, "
                f"{time.monotonic() - began:.1f} s",
                *wrong[:5],
                sep="\n    " if wrong else "",
                flush=True,
            )
        ends = dict(await (await books(stack)).outcomes())
        print(f"{given.times - failed} of {given.times} settled and exact: {ends}")
    return failed


def main() -> int:
    parser = argparse.ArgumentParser(prog="just wipes", description=__doc__)
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--purchases", type=int, default=100, help="around each wipe")
    parser.add_argument("--port-base", type=int, default=25_200)
    given = parser.parse_args()
    patience = {name.upper(): str(value) for name, value in PATIENCE.items()}
    with TemporaryDirectory(prefix="shop-wipe-") as home:
        stack = Stack(home=Path(home), port_base=given.port_base, environment=SETTINGS | patience)
        try:
            stack.start(tied=True)
            return 1 if asyncio.run(campaign(stack, given)) else 0
        except StackError as error:
            print(f"wipes: {error}", file=sys.stderr)
            return 1
        finally:
            stack.stop()


if __name__ == "__main__":
    sys.exit(main())
