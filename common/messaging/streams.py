"""The topology as data: one stream, a durable consumer per service and per cache (protocol 2)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nats.js.api import (
    AckPolicy,
    ConsumerConfig,
    DeliverPolicy,
    DiscardPolicy,
    RetentionPolicy,
    StorageType,
    StreamConfig,
)

from common.contracts import account, mail, order, payment, product, purchase
from common.contracts.message import Message, PurchaseMessage, subject
from common.contracts.request import Request
from common.messaging.codec import words

STREAM = "SHOP"
HOUR = 3600.0

ACK_WAIT = 10.0
"""Seconds from delivery to redelivery; a handler must need a third of it at most (J9)."""


@dataclass(frozen=True)
class Hears:
    """A durable consumer: everything under the prefixes, and the single subjects."""

    durable: str
    under: tuple[str, ...] = ()
    words: tuple[type[Message], ...] = ()
    of: str = ""
    """The service whose consumer it is; its own name when that is left out."""

    @property
    def service(self) -> str:
        return self.of or self.durable

    @property
    def filters(self) -> list[str]:
        return [f"{prefix}.>" for prefix in self.under] + [subject(word) for word in self.words]


STANDING: tuple[type[Message], ...] = (
    account.AccountRegistered,
    account.AccountChanged,
    account.SessionEnded,
)
"""What every service with guarded routes hears: who may still call."""

CATALOGUE: tuple[type[Message], ...] = (
    product.CategoryCreated,
    product.CategoryChanged,
    product.CategoryDeleted,
    product.ProductCreated,
    product.ProductChanged,
    product.ProductDeleted,
    product.StockChanged,
)
"""What a picture of the catalogue is drawn from."""

PRODUCT_CACHE, ACCOUNT_CACHE = "product_cache", "account_cache"

CONSUMERS = (
    Hears("product", under=("cmd.product",), words=STANDING),
    Hears("media", words=(product.ProductCreated, product.ProductChanged, product.ProductDeleted, *STANDING)),
    Hears("order", under=("cmd.order",), words=STANDING),
    Hears("payment", under=("cmd.payment",), words=STANDING),
    Hears(
        "purchase",
        under=("cmd.purchase", "evt.mail"),
        words=(
            product.StockReserved,
            product.StockReleased,
            order.OrderCreated,
            order.OrderCancelled,
            order.OrderApproved,
            payment.PaymentCaptured,
            payment.PaymentVoided,
            *STANDING,
        ),
    ),
    Hears(
        "orchestrator",
        words=(
            purchase.PurchaseRequested,
            purchase.PurchaseCompleted,
            purchase.PurchaseCancelled,
            purchase.LetterRetried,
            product.StockReserved,
            product.StockRefused,
            order.OrderCreated,
            order.OrderRefused,
            payment.PaymentAuthorized,
            payment.PaymentDeclined,
        ),
    ),
    Hears(
        "mail",
        words=(
            account.AccountRegistered,
            account.AccountChanged,
            account.VerificationRequested,
            account.PasswordResetRequested,
            account.PasswordChanged,
            account.EmailChanged,
            purchase.PurchaseCompleted,
            purchase.PurchaseCancelled,
        ),
    ),
    Hears(PRODUCT_CACHE, of="product", words=CATALOGUE),
    Hears(ACCOUNT_CACHE, of="account", words=(account.AccountRegistered, account.AccountChanged)),
)

ASKS: Mapping[str, tuple[type[Request[Any]], ...]] = {"media": (product.ProductLookup,)}
"""What a service wants to know of others now; whoever is not named asks nobody."""

SPEAKERS = (account, product, order, payment, purchase, mail)

DRIVEN = [
    subject(word)
    for word in words(*SPEAKERS)
    if issubclass(word, PurchaseMessage) or word is product.StockChanged
]
"""What costs time when it is lost, and nothing else: sagas are driven again while it matters (P10), and the
caches look at the stock themselves. Who has to tell a new stream of the past may leave it out (P16)."""

ABOUT_PURCHASES = frozenset(subject(word) for word in words(*SPEAKERS) if issubclass(word, PurchaseMessage))


def stream(*, replicas: int, max_bytes: int) -> StreamConfig:
    """`discard=new`: a full stream refuses, and the outboxes hold the rest (J4)."""
    return StreamConfig(
        name=STREAM,
        subjects=["cmd.>", "evt.>"],
        retention=RetentionPolicy.LIMITS,
        discard=DiscardPolicy.NEW,
        max_age=72 * HOUR,
        max_bytes=max_bytes,
        duplicate_window=20,  # three tries of a publisher; each id of it is in memory, all are in the inboxes
        storage=StorageType.FILE,
        num_replicas=replicas,
        deny_delete=True,
        deny_purge=True,
        allow_direct=False,
    )


def consumer(hears: Hears) -> ConsumerConfig:
    """Redelivers for ever; the consumer itself parks what it cannot handle (J7, J8)."""
    return ConsumerConfig(
        durable_name=hears.durable,
        filter_subjects=hears.filters,
        ack_policy=AckPolicy.EXPLICIT,
        ack_wait=ACK_WAIT,
        max_deliver=-1,
        max_ack_pending=2048,
        deliver_policy=DeliverPolicy.ALL,
        num_replicas=0,  # as many as the stream has, whenever that changes
    )
