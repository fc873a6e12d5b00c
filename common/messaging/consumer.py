"""Fetch a batch, do the work, acknowledge. The work is the caller's: a transaction, or publishing."""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import NamedTuple

import nats

from common.messaging.broker import Broker
from common.messaging.pull import Delivery, Puller, Received
from common.messaging.wire import frame
from common.postgres.database import OVERTAXED, UNAVAILABLE
from common.telemetry.messages import concerning, processing

log = logging.getLogger(__name__)

ALONE_FROM = 3
LONE_FAILURES = 2
LONE_DEATHS = 4
"""An attempt that left no error was cut short: by the message, which then does so each time, or by chance."""

MOST_PATIENCE = 20
"""Deliveries of a message that nothing speaks against but a busy database: some eight minutes."""

Work = Callable[[Sequence[Received]], Awaitable[None]]


class Park(NamedTuple):
    """`attempt` counts an attempt to handle a message alone, before it is made, and survives a crash.

    A message that was merely at hand when others killed the process has been delivered often, but not tried.
    """

    attempt: Callable[[Delivery], Awaitable[int]]
    keep: Callable[[Delivery, str], Awaitable[None]]


class NotYet(Exception):
    """What a message needs has not been heard yet: it is redelivered later, and not parked for that."""


class Consumer:
    """Feeds a durable's messages to the work, at least once, in batches.

    A batch that fails is halved until the bad one is alone; from its third delivery that is handled alone,
    and when that has failed twice it is parked unread. What comes again and did not fail here may have ended
    the process that had it: it is handled alone with nothing else in hand, so that it takes nobody with it if
    it does so again, and is parked after four such ends (J8).
    """

    def __init__(
        self,
        broker: Broker,
        durable: str,
        work: Work,
        park: Park,
        *,
        batch_size: int,
        retry_seconds: float,
    ) -> None:
        self.broker = broker
        self.durable = durable
        self.puller = Puller(broker, durable, batch_size=batch_size)
        self.work = work
        self.park = park
        self.retry_seconds = retry_seconds
        self.measures = broker.measures.of(durable, self.puller.lag)
        self._errors: dict[str, Exception] = {}
        self._stopping = asyncio.Event()

    async def run(self, concurrency: int = 1) -> None:
        """Runs until `stop()`, which lets the batches in hand finish and gives the others back."""
        async with asyncio.TaskGroup() as tasks:
            for _ in range(concurrency):
                tasks.create_task(self._loop())

    async def stop(self) -> None:
        self._stopping.set()
        with suppress(nats.errors.Error):
            await self._give_back(await self.puller.stop())

    async def _loop(self) -> None:
        stopped = asyncio.ensure_future(self._stopping.wait())
        while not self._stopping.is_set():
            pulled = asyncio.ensure_future(self.puller.batch())
            try:
                await asyncio.wait({pulled, stopped}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                if not pulled.done():
                    pulled.cancel()
            if pulled.done() and not pulled.cancelled():
                with self.measures.holding(pulled.result()):
                    await self._receive(pulled.result())
                self.puller.done(len(pulled.result()))
        stopped.cancel()

    async def _receive(self, deliveries: Sequence[Delivery]) -> None:
        if not self.puller.is_narrow and any(map(self._is_doubtful, deliveries)):
            deliveries = await self._make_way(deliveries)
        self.measures.received(deliveries)
        together = [each for each in deliveries if not self._goes_alone(each)]
        for start in range(0, len(together), self.puller.batch_size):
            await self._attempt(together[start : start + self.puller.batch_size])
        for delivery in filter(self._goes_alone, deliveries):
            if self._is_waiting(delivery) or await self._may_try(delivery):
                await self._attempt([delivery])
            else:
                await self._put_aside(delivery)

    def _goes_alone(self, delivery: Delivery) -> bool:
        return delivery.deliveries >= ALONE_FROM or self._is_doubtful(delivery)

    def _is_doubtful(self, delivery: Delivery) -> bool:
        """Somebody had it in hand and ended, or was too slow; whether because of it nobody knows."""
        return delivery.deliveries > 1 and delivery.sequence not in self._errors

    async def _make_way(self, pulled: Sequence[Delivery]) -> list[Delivery]:
        """Gives back all that is doubtful, to be had again one by one; returns the others in hand."""
        held = [*pulled, *await self.puller.narrow()]
        doubtful = [each for each in held if self._is_doubtful(each)]
        log.warning("%s: %d messages come again, one at a time now", self.durable, len(doubtful))
        *many, last = doubtful
        await self._answer(many, b"-NAK")
        with suppress(nats.errors.Error, TimeoutError):  # it has them all before it is asked for one
            await (await self.broker.ready()).request(last.reply, b"-NAK", timeout=1)
        return [each for each in held if not self._is_doubtful(each)]

    async def _may_try(self, delivery: Delivery) -> bool:
        most = LONE_FAILURES if delivery.sequence in self._errors else LONE_DEATHS
        try:
            return await self.park.attempt(delivery) <= most
        except UNAVAILABLE:
            return True  # nothing can be tried now; the attempt will hold it until it can

    async def _attempt(self, deliveries: Sequence[Delivery]) -> None:
        """An outage harms nobody: the batch is held, nothing is fetched, until it is over (J10)."""
        delay = 0.25
        while True:
            began = time.perf_counter()
            try:
                with processing(self.durable, deliveries):
                    await self.work(deliveries)
            except OVERTAXED as error:
                await self._isolate(deliveries, error)
                return
            except UNAVAILABLE as error:
                if self._stopping.is_set():
                    await self._give_back(deliveries)
                    return
                log.warning("%s holds %d messages: %r", self.durable, len(deliveries), error)
                await self._rest(delay)
                delay = min(5.0, 2 * delay)
            except Exception as error:  # noqa: BLE001  # whatever a message does to its handler, the loop goes on
                await self._isolate(deliveries, error)
                return
            else:
                self.measures.handled(deliveries, time.perf_counter() - began)
                await self._acknowledge(deliveries)
                return

    async def _give_back(self, deliveries: Sequence[Delivery]) -> None:
        """To another replica, at once; without the broker, when it has waited for us long enough."""
        if deliveries:
            log.info("%s gives %d messages back", self.durable, len(deliveries))
        await self._answer(deliveries, b"-NAK")

    async def _rest(self, seconds: float) -> None:
        """Not longer than there is time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.wait()

    async def _isolate(self, deliveries: Sequence[Delivery], error: Exception) -> None:
        if len(deliveries) > 1:
            log.warning("%s: a batch of %d failed, halves now: %r", self.durable, len(deliveries), error)
            middle = len(deliveries) // 2
            for half in (deliveries[:middle], deliveries[middle:]):
                await self._attempt(half)
            return
        [delivery] = deliveries
        if not isinstance(error, NotYet):
            self.measures.of(delivery.subject).failed.add()
            with concerning(delivery):
                log.error("%s cannot handle %s", self.durable, delivery.subject, exc_info=error)
        self._errors[delivery.sequence] = error
        delay = min(30.0, self.retry_seconds * 2.0**delivery.deliveries) * random.uniform(0.8, 1.2)  # noqa: S311  # jitter
        await self._answer([delivery], b'-NAK {"delay": %d}' % int(delay * 1e9))

    def _is_waiting(self, delivery: Delivery) -> bool:
        """Not its own fault, as it seems; what takes too long every time is, in the end."""
        error = self._errors.get(delivery.sequence)
        overtaxed = isinstance(error, OVERTAXED) and delivery.deliveries < MOST_PATIENCE
        return overtaxed or isinstance(error, NotYet)

    async def _put_aside(self, delivery: Delivery) -> None:
        """Parked before it is parsed; if even that fails, it comes again."""
        error = self._errors.pop(delivery.sequence, None)
        with concerning(delivery):
            try:
                await self.park.keep(
                    delivery, repr(error) if error else "delivered too often; no error seen here"
                )
            except Exception:
                log.exception("%s could not park %s", self.durable, delivery.subject)
            else:
                log.error(
                    "%s parked %s after %d deliveries", self.durable, delivery.subject, delivery.deliveries
                )
                self.measures.of(delivery.subject).parked.add()
                await self._acknowledge([delivery])

    async def _acknowledge(self, deliveries: Sequence[Delivery]) -> None:
        for delivery in deliveries:
            self._errors.pop(delivery.sequence, None)
        await self._answer(deliveries, b"+ACK")

    async def _answer(self, deliveries: Sequence[Delivery], verdict: bytes) -> None:
        """Fire and forget: a lost answer is a redelivery. Waits for the broker, but not at a stop."""
        if not self.broker.up and not await self._is_back():
            return
        client = await self.broker.ready()
        with suppress(nats.errors.Error):
            await client.send([frame(each.reply, verdict) for each in deliveries])

    async def _is_back(self) -> bool:
        """Returns when the broker is, or when it is time to stop."""
        waiting = {asyncio.ensure_future(self.broker.ready()), asyncio.ensure_future(self._stopping.wait())}
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waiting:
                each.cancel()
        return self.broker.up
