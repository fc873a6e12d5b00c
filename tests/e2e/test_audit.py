"""Whatever is tampered with is found, and named; what is not, is not."""

import msgspec
import pytest

from deploy.audit.findings import CLOSED, Bounds, Report
from deploy.audit.look import audit
from tests.e2e.audited import Audited
from tests.e2e.seeds import DOCTORED, NOBODY, SEEDS, Doctor, Seed

BOUNDS = Bounds()


def named(report: Report, invariant: str, what: str) -> bool:
    return any((each.invariant, each.what) == (invariant, what) for each in report.in_order)


async def test_every_kind_of_purchase_leaves_books_that_agree(books: Audited) -> None:
    for bounds in (BOUNDS, CLOSED):
        report = await audit(books.sources(books.databases), bounds, again_after=0)
        assert report.in_order == []
    assert dict(report.totals.purchases) == {"COMPLETED": 3, "FAILED": 3, "TIMED_OUT": 1}
    assert report.totals.owed == report.totals.taken == 4000
    assert report.totals.words > 50


@pytest.mark.parametrize("given", SEEDS, ids=lambda given: f"{given.invariant}-{given.service}")
async def test_what_somebody_did_to_a_database_is_found(given: Seed, books: Audited) -> None:
    databases = await books.seeded(given.service, *given.statements)
    report = await audit(books.sources(databases), BOUNDS, again_after=0)
    assert named(report, given.invariant, given.what), [*map(str, report.in_order)]
    known = {**books.purchases, "nobody": NOBODY}
    assert report.first_purchase == (known[given.purchase] if given.purchase else None)


@pytest.mark.parametrize(
    ("invariant", "what", "purchase", "doctored"),
    DOCTORED,
)
async def test_what_the_provider_says_otherwise_is_found(
    invariant: str, what: str, purchase: str, doctored: Doctor, books: Audited
) -> None:
    key = books.purchases[purchase]
    report = await audit(
        books.sources(books.databases, doctored(books.ledger, str(key))), BOUNDS, again_after=0
    )
    assert named(report, invariant, what), [*map(str, report.in_order)]
    assert report.first_purchase == key


async def test_a_capture_for_a_purchase_that_ended_otherwise_is_found(books: Audited) -> None:
    [held] = [
        each
        for each in books.ledger
        if (each.authorization, each.status) == (str(books.purchases["cancelled"]), "voided")
    ]
    ledger = [*books.ledger, msgspec.structs.replace(held, status="captured")]
    report = await audit(books.sources(books.databases, ledger), BOUNDS, again_after=0)
    assert named(report, "I4", "was captured at the provider though it did not complete")


async def test_a_dead_letter_counts_as_heard_until_the_books_are_closed(books: Audited) -> None:
    message = "evt.purchase.completed:{completed}:0"
    databases = await books.seeded(
        "mail",
        f"DELETE FROM inbox WHERE message_id = '{message}'",
        "INSERT INTO dead_letter (message_id, durable, subject, payload, deliveries, error)"
        f" VALUES ('{message}', 'mail', 'evt.purchase.completed', '', 5, 'x')",
    )
    report = await audit(books.sources(databases), BOUNDS, again_after=0)
    assert report.is_clean
    assert report.services["mail"].letters == 1
    assert named(await audit(books.sources(databases), CLOSED, again_after=0), "I9", "has dead letters")


async def test_what_went_to_a_stream_that_is_gone_is_due_unless_it_is_driven_again(books: Audited) -> None:
    """P16: the sale ended by other words; a notice of the account has no other."""
    deaf = await books.seeded(
        "mail", "DELETE FROM inbox WHERE message_id = 'evt.purchase.completed:{completed}:0'"
    )
    gone = await books.seeded("purchase", "UPDATE relay_state SET stream_created_at = now()")
    report = await audit(books.sources(deaf | {"purchase": gone["purchase"]}), BOUNDS, again_after=0)
    assert report.is_clean, [*map(str, report.in_order)]
    deaf = await books.seeded("mail", "DELETE FROM inbox WHERE message_id LIKE 'evt.account.%'")
    gone = await books.seeded("account", "UPDATE relay_state SET stream_created_at = now()")
    report = await audit(books.sources(deaf | {"account": gone["account"]}), BOUNDS, again_after=0)
    assert named(report, "I9", "was published by account and not heard by mail")


async def test_what_is_not_due_yet_is_no_violation(books: Audited) -> None:
    databases = await books.seeded(
        "purchase", "UPDATE purchases SET settled_at = NULL, decided_at = now() WHERE id = '{declined}'"
    )
    report = await audit(books.sources(databases), BOUNDS, again_after=0)
    assert report.is_clean
    assert report.totals.open == 1


async def test_what_has_passed_at_the_second_look_is_no_violation(books: Audited) -> None:
    databases = await books.seeded("order", "UPDATE orders SET status = 'CANCELED' WHERE id = '{completed}'")
    looks = iter([books.sources(databases), books.sources(books.databases)])
    first, second = [await audit(each, BOUNDS, again_after=0) for each in looks]
    assert not first.is_clean
    assert second.findings.confirmed(first.findings).kept == {}
