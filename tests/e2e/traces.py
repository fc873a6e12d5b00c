"""What the trace of a purchase must look like, hop by hop."""

import secrets
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from common.contracts import mail, order, payment, product, purchase
from common.contracts.message import Message, subject
from deploy.audit.moments import speaker
from deploy.client import Shop
from deploy.events import Event
from purchase.progress import CHANNEL
from tests.otlp import Caller, Collector, Span
from tests.support import eventually

POST = ("purchase", "POST /api/v1/purchases")
Place = tuple[str, str]
Word = type[Message]


class Hop(NamedTuple):
    """A word, what its speaker had heard when he said it, and who hears it."""

    word: Word
    cause: Word | None
    hearers: tuple[str, ...]


FORWARD = [
    Hop(purchase.PurchaseRequested, None, ("orchestrator",)),
    Hop(product.ReserveStock, purchase.PurchaseRequested, ("product",)),
    Hop(product.StockReserved, product.ReserveStock, ("orchestrator", "purchase")),
    Hop(order.CreateOrder, product.StockReserved, ("order",)),
    Hop(order.OrderCreated, order.CreateOrder, ("orchestrator", "purchase")),
    Hop(payment.AuthorizePayment, order.OrderCreated, ("payment",)),
]
COMPLETED = [
    *FORWARD,
    Hop(payment.PaymentAuthorized, payment.AuthorizePayment, ("orchestrator",)),
    Hop(purchase.CompletePurchase, payment.PaymentAuthorized, ("purchase",)),
    Hop(purchase.PurchaseCompleted, purchase.CompletePurchase, ("orchestrator", "mail")),
    Hop(order.ApproveOrder, purchase.PurchaseCompleted, ("order",)),
    Hop(order.OrderApproved, order.ApproveOrder, ("purchase",)),
    Hop(payment.CapturePayment, purchase.PurchaseCompleted, ("payment",)),
    Hop(payment.PaymentCaptured, payment.CapturePayment, ("purchase",)),
    Hop(mail.MailAccepted, purchase.PurchaseCompleted, ("purchase",)),
]
DECLINED = [
    *FORWARD,
    Hop(payment.PaymentDeclined, payment.AuthorizePayment, ("orchestrator",)),
    Hop(purchase.FailPurchase, payment.PaymentDeclined, ("purchase",)),
    Hop(purchase.PurchaseCancelled, purchase.FailPurchase, ("orchestrator", "mail")),
    Hop(payment.VoidPayment, purchase.PurchaseCancelled, ("payment",)),
    Hop(payment.PaymentVoided, payment.VoidPayment, ("purchase",)),
    Hop(order.CancelOrder, purchase.PurchaseCancelled, ("order",)),
    Hop(order.OrderCancelled, order.CancelOrder, ("purchase",)),
    Hop(product.ReleaseStock, purchase.PurchaseCancelled, ("product",)),
    Hop(product.StockReleased, product.ReleaseStock, ("purchase",)),
    Hop(mail.MailAccepted, purchase.PurchaseCancelled, ("purchase",)),
]


async def traced_purchase(shop: Shop, token: str) -> tuple[Caller, list[Event]]:
    """Bought with the wish to be recorded, and watched to its last event."""
    customer = await shop.register()
    await customer.verify()
    shelf = {"name": f"Lamps {secrets.token_hex(4)}"}
    category = await customer.call("POST", "/categories", expect=201, body=shelf)
    lamp = await customer.create_product(category["id"], "Lamp", price=1000, inventory=9)
    caller = Caller()
    body = {
        "order_items": [{"product_id": lamp["id"], "quantity": 1}],
        "payment": {"currency_code": "VND", "token": token},
    }
    bought = await customer.call("POST", "/purchases", expect=202, body=body, **caller.headers)
    return caller, [event async for event in customer.watch(bought["id"])]


async def whole(collector: Collector, caller: Caller, hops: Sequence[Hop], events: Sequence[Event]) -> "Tree":
    """When all of it has come: each process sends what it has by its own clock, a child before its parent."""
    wanted = set(places(hops))

    def is_there() -> Tree:
        tree = Tree(caller, collector.of(caller.trace_id))
        assert not wanted - tree.places, wanted - tree.places
        tree.assert_is_a_tree()
        tree.assert_tells(hops)
        tree.assert_delivers(events)
        tree.assert_works()
        return tree

    return await eventually(is_there, seconds=60.0, every=0.1)


def places(hops: Sequence[Hop]) -> Iterator[Place]:
    yield from (POST, ("purchase", "accept"), ("mail", "SMTP send"))
    for hop in hops:
        name, who = subject(hop.word), speaker(subject(hop.word))
        yield from ((who, f"create {name}"), (who, f"send {name}"))
        yield from ((hearer, f"process {name}") for hearer in hop.hearers)


async def of_everybody(
    collector: Collector, caller: Caller, services: Iterable[str], named: Iterable[str] = ()
) -> list[Span]:
    """What was recorded for a caller, once every service, and whatever is named, has been told of."""

    def told() -> list[Span]:
        spans = collector.of(caller.trace_id)
        missing = {*services, *named} - {span.service for span in spans} - {span.name for span in spans}
        assert not missing, missing
        return spans

    return await eventually(told, seconds=60.0, every=0.1)


class Tree:
    """The spans of one trace, and who is whose child."""

    def __init__(self, caller: Caller, spans: Sequence[Span]) -> None:
        self.caller = caller
        self.spans = spans
        self.by_id = {span.span_id: span for span in spans}
        self.places = {span.place for span in spans}

    def at(self, service: str, name: str) -> list[Span]:
        return [span for span in self.spans if span.place == (service, name)]

    def parents(self, service: str, name: str) -> set[Place]:
        return {self.by_id[span.parent_id].place for span in self.at(service, name)}

    def children(self, service: str, name: str) -> set[str]:
        ids = {span.span_id for span in self.at(service, name)}
        return {span.name for span in self.spans if span.parent_id in ids}

    def orphans(self) -> list[Span]:
        known = self.by_id.keys() | {self.caller.span_id}
        return [span for span in self.spans if span.parent_id not in known]

    def assert_is_a_tree(self) -> None:
        """One root, which is the caller's child; nobody begins before his parent, or ends before that."""
        assert self.orphans() == []
        [root] = [span for span in self.spans if span.parent_id == self.caller.span_id]
        assert root.place == POST
        assert len(self.by_id) == len(self.spans)
        for span in self.spans:
            assert span.start <= span.end, span
            if span is not root:
                assert self.by_id[span.parent_id].start <= span.start, (span, self.by_id[span.parent_id])

    def assert_tells(self, hops: Sequence[Hop]) -> None:
        """Every hop: a word is created where its cause was heard, sent beside that, and heard from there."""
        for word, cause, hearers in hops:
            name, who = subject(word), speaker(subject(word))
            heard = (who, f"process {subject(cause)}") if cause else POST
            assert self.parents(who, f"create {name}") == {heard}, name
            assert self.parents(who, f"send {name}") == {(who, f"create {name}")}
            for hearer in hearers:
                assert self.parents(hearer, f"process {name}") == {(who, f"create {name}")}

    def assert_delivers(self, events: Sequence[Event]) -> None:
        """Each event went out to the client, as part of the purchase's trace."""
        for event in events:
            assert ("purchase", f"deliver {event.type}") in self.places
            assert self.parents("purchase", f"deliver {event.type}") == {POST}

    def assert_works(self) -> None:
        """What each hop did: its statements, the provider, the bell; all of the kinds that they should be."""
        for service in ("product", "order", "payment", "purchase", "mail"):
            heard = [name for who, name in self.places if who == service and name.startswith("process ")]
            done = set().union(*(self.children(service, name) for name in heard))
            assert {"BEGIN", "INSERT inbox", "COMMIT"} <= done, (service, done)
            assert self.at(service, "INSERT outbox")
        authorize = ("payment", f"process {subject(payment.AuthorizePayment)}")
        assert self.parents("payment", "provider authorizing") == {authorize}
        assert {"INSERT purchases", "INSERT outbox", "COMMIT"} <= self.children("purchase", "accept")
        assert {"UPDATE payments", "INSERT outbox", "COMMIT"} <= self.children("payment", "conclude")
        assert self.at("purchase", f"PUBLISH {CHANNEL}")
        kinds = self.kinds()
        assert (kinds["create"], kinds["process"], kinds["POST"]) == ("PRODUCER", "CONSUMER", "SERVER")
        assert kinds["send"] == kinds["INSERT"] == kinds["SMTP"] == kinds["provider"] == "CLIENT"
        assert {span.place for span in self.spans if span.is_error} == set()

    def kinds(self) -> dict[str, str]:
        return {span.name.split()[0]: span.kind for span in self.spans}
