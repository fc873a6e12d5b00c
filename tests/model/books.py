"""What the services hold: one row per purchase and service, and the shelf."""

from typing import NamedTuple

from deploy.psp.book import Book, Entry
from mail.model import Mail
from order.model import Order
from payment.model.row import Payment
from product.model.reservation import Reservation
from purchase.model import Row


class Till(NamedTuple):
    """Payment's row of one purchase, and what the provider's book says about it."""

    payment: Payment | None
    entries: tuple[Entry, ...]

    @property
    def book(self) -> Book:
        book = Book()
        for entry in self.entries:
            book.record(entry)
        return book


class Held(NamedTuple):
    """All that is held of one purchase, by the services in the order of `OWNERS`."""

    row: Row
    reservation: Reservation
    order: Order | None
    till: Till
    mails: tuple[Mail, ...]


OWNERS = ("purchase", "product", "order", "payment", "mail")
WIDTH = len(OWNERS)


def untouched(row: Row) -> Held:
    """A purchase that only the arbiter has heard of."""
    return Held(row, Reservation(), None, Till(None, ()), ())
