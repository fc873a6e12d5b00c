"""The handlers of all services on real databases, without a broker: every purchase makes each step at once.

What is said in a round is heard in the next, by each service in one batch. So a batch is as large as there
are purchases, and what a step costs can be counted: by the statements that a connection was asked for.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg
import msgspec

import mail.handlers
import order.handlers
import payment.handlers
import product.handlers
import purchase.handlers
from common.contracts import account
from common.contracts import order as order_words
from common.contracts import purchase as purchase_words
from common.contracts.message import Message, subject
from common.contracts.payment import AuthorizePayment, CapturePayment
from common.messaging.codec import Codec, words
from common.messaging.consumer import Work
from common.messaging.outbox import Outbox, OutboxRow, as_outgoing
from common.messaging.publisher import Outgoing
from common.messaging.streams import CONSUMERS, STANDING
from common.messaging.transactional import Handler, transactional
from common.postgres.database import Database
from deploy.audit.words import matches
from orchestrator.purchase import PURCHASE
from orchestrator.worker import SAGA
from payment.calls import Answered, Calls
from payment.model.answers import Answer, Authorized, Captured
from payment.model.row import Schedule, Status
from payment.model.rules import COMMANDS
from purchase.acceptance import Acceptance
from purchase.decisions import Decisions
from purchase.repository import NewPurchase
from purchase.settings import PurchaseSettings
from purchase.worker import HEARS

SERVICES = ("product", "order", "payment", "purchase", "mail")
ANSWERS: dict[str, tuple[Status, Answer]] = {
    subject(AuthorizePayment): (Status.AUTHORIZING, Authorized()),
    subject(CapturePayment): (Status.CAPTURING, Captured()),
}
"""What the provider says to each question."""


class Heard(NamedTuple):
    """A message as a consumer would hand it to its work."""

    subject: str
    payload: bytes

    def header(self, _: str) -> str | None:
        return None


@dataclass
class Service:
    """One service's work, and every statement that it needed."""

    name: str
    db: Database
    said: list[Outgoing]
    outbox: Outbox
    statements: list[str] = field(default_factory=list)
    work: Work | None = None

    def to_hear(self, wanted: Sequence[type[Message]], handler: Handler) -> None:
        self.work = transactional(self.db, self.outbox, Codec(wanted), handler)

    @property
    def commits(self) -> int:
        return self.statements.count("COMMIT;")

    @property
    def filters(self) -> list[str]:
        [hears] = [each for each in CONSUMERS if each.durable == self.name]
        return hears.filters


@dataclass
class Lockstep:
    """A shop whose purchases all make the same step at the same time."""

    services: dict[str, Service]
    said: list[Outgoing]
    acceptance: Acceptance
    calls: Calls

    async def accept(self, purchases: Sequence[NewPurchase]) -> None:
        """All wait before anybody looks, so that they share one transaction."""
        async with asyncio.TaskGroup() as tasks:
            asked = [tasks.create_task(self.acceptance.accept(each)) for each in purchases]
            await asyncio.sleep(0)
            accepting = tasks.create_task(self.acceptance.run())
            await asyncio.wait(asked)
            accepting.cancel()

    async def run(self) -> Counter[str]:
        """Until nobody has anything to say. Returns how often each word was said."""
        spoken = Counter[str]()
        while self.said:
            heard = [Heard(each.subject, each.payload) for each in self.said]
            spoken.update(each.subject for each in heard)
            self.said.clear()
            self.said += decided(heard)
            for service in self.services.values():
                await hear(service, heard)
            await self.answer(heard)
        await asyncio.sleep(0)  # statements are told of soon after they are done
        return spoken

    async def answer(self, heard: Sequence[Heard]) -> None:
        """The provider, to what it was asked in this round."""
        by_word: defaultdict[str, list[Answered]] = defaultdict(list)
        for each in heard:
            if each.subject in ANSWERS:
                status, said = ANSWERS[each.subject]
                purchase_id = UUID(msgspec.json.decode(each.payload)["purchase"]["id"])
                by_word[each.subject].append(Answered((purchase_id, status), said))
        for answers in by_word.values():
            await self.calls.conclude(answers)

    def forget(self) -> None:
        for service in self.services.values():
            service.statements.clear()


def decided(heard: Sequence[Heard]) -> list[Outgoing]:
    """The orchestrator, which has no database."""
    [hears] = [each for each in CONSUMERS if each.durable == "orchestrator"]
    events = [SAGA.heard(*each) for each in heard if any(matches(each.subject, one) for one in hears.filters)]
    return [as_outgoing(message) for event in events for message in PURCHASE.decide(event)]


async def hear(service: Service, heard: Sequence[Heard]) -> None:
    assert service.work is not None
    mine = [each for each in heard if any(matches(each.subject, one) for one in service.filters)]
    if mine:
        await service.work(mine)


@asynccontextmanager
async def lockstep(database: Callable[[str], str]) -> AsyncIterator[Lockstep]:
    async with AsyncExitStack() as opened:
        said: list[Outgoing] = []
        services = {
            name: await opened.enter_async_context(service(name, database(name), said)) for name in SERVICES
        }
        db, outbox = services["payment"].db, services["payment"].outbox
        schedule = Schedule(lease=10.0, first=1.0, most=1.0, give_up=3600.0)
        nobody: Any = None
        calls = Calls(db, outbox, nobody, schedule, concurrency=1)
        settings = PurchaseSettings(database_url="-", nats_url="-", redis_url="-", jwks_url="-", port=1)
        decisions = Decisions(lambda _: None, redrive_after=settings.redrive_after)
        teach(services, calls, decisions)
        db, outbox = services["purchase"].db, services["purchase"].outbox
        yield Lockstep(services, said, Acceptance(db, outbox, lambda _: None, settings), calls)


def teach(services: dict[str, Service], calls: Calls, decisions: Decisions) -> None:
    """As the services' own workers are assembled."""
    services["product"].to_hear(product.handlers.HEARD, product.handlers.handle)
    services["order"].to_hear(words(account, order_words), order.handlers.handle)
    paying: Any = partial(payment.handlers.handle, calls=calls)
    services["payment"].to_hear((*COMMANDS, *STANDING), paying)
    services["purchase"].to_hear(HEARS, purchase.handlers.handler(decisions))
    mailing: Any = partial(mail.handlers.handle, accepted=lambda: None)
    services["mail"].to_hear(words(account, purchase_words), mailing)


@asynccontextmanager
async def service(name: str, url: str, said: list[Outgoing]) -> AsyncIterator[Service]:
    """One connection, so that one logger hears everything."""

    def committed(rows: list[OutboxRow]) -> None:
        said.extend(row.message for row in rows)

    async with Database.connect(url, size=1, name="tests") as db:
        made = Service(name, db, said, Outbox(committed))

        def note(asked: asyncpg.connection.LoggedQuery) -> None:
            made.statements.append(asked.query)

        async with db.read() as tx:
            tx.connection.add_query_logger(note)
        yield made
