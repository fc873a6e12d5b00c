"""What somebody may do to a database or to a ledger, and what the audit must say about it."""

from collections.abc import Callable
from typing import NamedTuple

import msgspec

from common.ids import new_id
from deploy.psp.book import Entry

NOBODY = new_id()


class Seed(NamedTuple):
    """What somebody did to a database, and what must be said about it."""

    invariant: str
    what: str
    purchase: str | None
    service: str
    statements: tuple[str, ...]


def seed(invariant: str, what: str, purchase: str | None, service: str, *statements: str) -> Seed:
    return Seed(invariant, what, purchase, service, statements)


UNGUARDED = "ALTER TABLE purchases DISABLE TRIGGER USER"
OPENED = """
INSERT INTO purchases
  (id, account_id, issued_on, items, currency_code, method, installments, request_hash, deadline_at)
SELECT '{nobody}', account_id, issued_on, items, currency_code, method, installments, '', {deadline}
FROM purchases WHERE id = '{{completed}}'
"""
SEEDS = (
    seed(
        *("I1", "has less than nothing", None, "product"),
        "ALTER TABLE stock DROP CONSTRAINT ck_stock_ck_stock_available",
        "UPDATE stock SET available = -1",
    ),
    seed("I2", "has not what was received", None, "product", "UPDATE stock SET available = available + 1"),
    seed("I2", "has not what was received", None, "product", "UPDATE stock SET received = received + 1"),
    seed(
        *("I2", "is not what its ledger says", "completed", "product"),
        "DELETE FROM stock_movements WHERE purchase_id = '{completed}'",
    ),
    seed(
        *("I2", "is not what its ledger says", "completed", "product"),
        "UPDATE stock_movements SET change = change - 1 WHERE purchase_id = '{completed}'",
    ),
    seed(
        *("I3", "completed without its reservation", "completed", "product"),
        "DELETE FROM reservations WHERE purchase_id = '{completed}'",
    ),
    seed(
        *("I3", "completed without its order", "completed", "order"),
        "UPDATE orders SET status = 'CANCELED' WHERE id = '{completed}'",
    ),
    seed(
        *("I3", "completed without its order", "completed", "order"),
        "UPDATE orders SET status = 'PROCESSING' WHERE id = '{completed}'",
    ),
    seed(
        *("I3", "completed without its payment", "completed", "payment"),
        "DELETE FROM payments WHERE id = '{completed}'",
    ),
    seed(
        *("I3", "has another total than its order", "completed", "order"),
        "UPDATE orders SET total = total + 1 WHERE id = '{completed}'",
    ),
    seed(
        *("I4", "is settled, and its stock is not released", "declined", "product"),
        "UPDATE reservations SET status = 'DONE' WHERE purchase_id = '{declined}'",
    ),
    seed(
        *("I4", "is settled, and its order is not cancelled", "timed_out", "order"),
        "UPDATE orders SET status = 'PROCESSING' WHERE id = '{timed_out}'",
    ),
    seed(
        *("I4", "has an approved order though it did not complete", "declined", "order"),
        "UPDATE orders SET status = 'APPROVED' WHERE id = '{declined}'",
    ),
    seed(
        *("I4", "has a captured payment though it did not complete", "cancelled", "payment"),
        "UPDATE payments SET status = 'CAPTURED' WHERE id = '{cancelled}'",
    ),
    seed(
        *("I4", "is settled, and its payment is not voided", "cancelled", "payment"),
        "UPDATE payments SET status = 'AUTHORIZED' WHERE id = '{cancelled}'",
    ),
    seed(
        *("I5", "is not decided once in its log", "completed", "purchase"),
        "UPDATE purchase_event SET type = 'failed' WHERE purchase_id = '{completed}' AND seq = 4",
    ),
    seed(
        *("I5", "has another end than its log", "declined", "purchase"),
        UNGUARDED,
        "UPDATE purchases SET status = 'TIMED_OUT' WHERE id = '{declined}'",
    ),
    seed(
        *("I5", "is not decided once in its log", "completed", "purchase"),
        UNGUARDED,
        "UPDATE purchases SET status = 'PENDING', settled_at = NULL, deadline_at = now() + interval '1 hour'"
        " WHERE id = '{completed}'",
    ),
    seed(
        *("I5", "is not there, though others know it", "completed", "purchase"),
        "DELETE FROM purchase_event WHERE purchase_id = '{completed}'",
        "DELETE FROM purchases WHERE id = '{completed}'",
    ),
    seed(
        *("I6", "owes another sum than was taken", "completed", "purchase"),
        "UPDATE purchases SET total = total + 1 WHERE id = '{completed}'",
    ),
    seed(
        *("I7", "is settled without its receipt mail", "completed", "mail"),
        "DELETE FROM mails WHERE about = '{completed}'",
    ),
    seed(
        *("I7", "has more than one failure mail", "timed_out", "mail"),
        "INSERT INTO mails (about, kind, version, status, sent_at)"
        " VALUES ('{timed_out}', 'failure', 1, 'sent', now())",
    ),
    seed(
        *("I7", "has a receipt though it did not complete", "out_of_stock", "mail"),
        "UPDATE mails SET kind = 'receipt' WHERE about = '{out_of_stock}'",
    ),
    seed(
        *("I8", "has a gap in its log", "cancelled", "purchase"),
        "DELETE FROM purchase_event WHERE purchase_id = '{cancelled}' AND seq = 2",
    ),
    seed(
        *("I8", "has a gap in its log", "completed", "purchase"),
        "UPDATE purchases SET last_seq = last_seq + 1 WHERE id = '{completed}'",
    ),
    seed("I8", "has a gap", None, "purchase", "UPDATE account_feed SET last_seq = last_seq + 1"),
    seed(
        *("I9", "was published by purchase and not heard by mail", "completed", "mail"),
        "DELETE FROM inbox WHERE message_id = 'evt.purchase.completed:{completed}:0'",
    ),
    seed(
        *("I9", "was published by order and not heard by purchase", "timed_out", "purchase"),
        "DELETE FROM inbox WHERE message_id = 'cmd.order.cancel_order:{timed_out}:0:r'",
    ),
    seed(
        *("I9", "was heard by mail and said by nobody", "nobody", "mail"),
        f"INSERT INTO inbox VALUES (current_date, 'evt.purchase.completed:{NOBODY}:0')",
    ),
    seed(
        *("I9", "was heard by purchase and said by nobody", "declined", "payment"),
        "DELETE FROM outbox WHERE message_id = 'cmd.payment.void_payment:{declined}:0:r'",
    ),
    seed("I9", "does not drain", None, "order", "UPDATE outbox SET published_at = NULL"),
    seed(
        *("I10", "is decided and not settled", "declined", "purchase"),
        "UPDATE purchases SET settled_at = NULL, decided_at = now() - interval '2 minutes'"
        " WHERE id = '{declined}'",
    ),
    seed(
        *("I10", "is PENDING past its deadline", "nobody", "purchase"),
        OPENED.format(nobody=NOBODY, deadline="now() - interval '10 seconds'"),
    ),
    seed(
        *("I11", "shares its Idempotency-Key", "completed", "purchase"),
        "ALTER TABLE purchases DROP CONSTRAINT uq_purchases_account_id_idempotency_key",
        "UPDATE purchases SET idempotency_key = 'twice' WHERE id IN ('{completed}', '{declined}')",
    ),
)


Doctor = Callable[[list[Entry], str], list[Entry]]


def without(status: str) -> Doctor:
    return lambda entries, key: [
        each for each in entries if (each.authorization, each.status) != (key, status)
    ]


def twice(status: str) -> Doctor:
    return lambda entries, key: [
        *entries,
        *(each for each in entries if (each.authorization, each.status) == (key, status)),
    ]


def dearer(entries: list[Entry], key: str) -> list[Entry]:
    return [
        msgspec.structs.replace(each, amount=each.amount + 1)
        if (each.authorization, each.status) == (key, "captured")
        else each
        for each in entries
    ]


def of_another(entries: list[Entry], key: str) -> list[Entry]:
    """The same money, under a name that is no purchase."""
    return [
        msgspec.structs.replace(each, authorization="somebody else's") if each.authorization == key else each
        for each in entries
    ]


DOCTORED: tuple[tuple[str, str, str, Doctor], ...] = (
    ("I6", "was captured more than once", "completed", twice("captured")),
    ("I6", "was held more than once", "completed", twice("authorized")),
    ("I6", "owes another sum than was taken", "completed", dearer),
    ("I6", "completed, and the provider took nothing", "completed", without("captured")),
    ("I6", "gave back or took more than was held", "cancelled", without("authorized")),
    ("I6", "is no purchase, and money was moved for it", "completed", of_another),
    ("I4", "is settled, and the provider holds money for it", "cancelled", without("voided")),
)
