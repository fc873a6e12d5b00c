"""The participant's table of protocol 3, cell by cell, and what holds whatever comes in whatever order."""

from collections import Counter
from collections.abc import Sequence
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.contracts.product import ReserveStock, StockRefused, StockReleased, StockReserved
from common.ids import new_id
from product.model.reservation import (
    MOST_TOTAL,
    Outcome,
    Reason,
    Reservation,
    Shelf,
    Status,
    StockCommand,
    Ware,
    fold,
    react,
    touched,
)
from tests.unit.product.words import release, reserve

TEA, CUP = UUID(int=1), UUID(int=2)


def ware(available: int, *, price: int = 100, currency: str = "VND", is_sold: bool = True) -> Ware:
    return Ware(
        name="Tea",
        brand_name="Leaf",
        price=price,
        currency_code=currency,
        is_sold=is_sold,
        available=available,
    )


def shelf(**available: int) -> Shelf:
    ids = {"tea": TEA, "cup": CUP}
    return {ids[name]: ware(units) for name, units in available.items()}


def after(*commands: StockCommand, of: Shelf) -> tuple[Reservation, Shelf]:
    outcome = run(commands, of)
    return outcome.reservations[commands[0].purchase.id], outcome.shelf


def run(commands: Sequence[StockCommand], on: Shelf) -> Outcome:
    return fold(commands, {command.purchase.id: Reservation() for command in commands}, on)


def refused(reason: str, command: ReserveStock, on: Shelf) -> bool:
    row, left, reply = react(Reservation(), command, on)
    return (
        row == Reservation(status=Status.REFUSED, reason=Reason(reason))
        and left == on
        and isinstance(reply, StockRefused)
        and reply.reason == reason
    )


class TestForward:
    def test_nothing_known_all_lines_are_reserved_and_priced(self) -> None:
        command = reserve({TEA: 2, CUP: 3})
        row, left, reply = react(Reservation(), command, shelf(tea=5, cup=3))

        assert row.status is Status.DONE
        assert (left[TEA].available, left[CUP].available) == (3, 0)
        assert isinstance(reply, StockReserved)
        assert reply.purchase.total == 500
        assert [
            (item.quantity, item.name, item.brand_name, item.unit_price) for item in reply.purchase.items
        ] == [
            (2, "Tea", "Leaf", 100),
            (3, "Tea", "Leaf", 100),
        ]

    def test_the_reply_names_its_command_and_keeps_its_context(self) -> None:
        command = reserve({TEA: 1}, attempt=3)
        reply = react(Reservation(), command, shelf(tea=1)).reply

        assert reply.id == f"{command.id}:r"
        assert reply.cause_id == command.id
        assert (
            msgspec.structs.replace(reply.purchase, items=command.purchase.items, total=0) == command.purchase
        )

    def test_lines_naming_one_product_count_as_one(self) -> None:
        twice = reserve([(TEA, 2), (CUP, 1), (TEA, 2)])
        assert refused("insufficient_stock", twice, shelf(tea=3, cup=1))
        reply = react(Reservation(), twice, shelf(tea=4, cup=1)).reply
        assert [(item.product_id, item.quantity) for item in reply.purchase.items] == [(TEA, 4), (CUP, 1)]

    @pytest.mark.parametrize("available", [0, 1])
    def test_one_line_short_takes_nothing_of_the_others(self, available: int) -> None:
        assert refused("insufficient_stock", reserve({CUP: 1, TEA: 2}), shelf(tea=available, cup=5))

    def test_the_last_unit_can_be_had(self) -> None:
        row, left = after(reserve({TEA: 2}), of=shelf(tea=2))
        assert row.status is Status.DONE
        assert left[TEA].available == 0

    def test_a_product_nobody_knows_is_refused(self) -> None:
        assert refused("unknown_product", reserve({TEA: 1, new_id(): 1}), shelf(tea=1))

    def test_a_product_no_longer_sold_is_refused(self) -> None:
        assert refused("unknown_product", reserve({TEA: 1}), {TEA: ware(1, is_sold=False)})

    def test_another_currency_is_refused(self) -> None:
        assert refused("currency_mismatch", reserve({TEA: 1}, currency="USD"), shelf(tea=1))

    def test_a_total_that_json_cannot_count_is_refused(self) -> None:
        plenty: Shelf = {TEA: ware(MOST_TOTAL, price=2)}
        assert refused("total_too_large", reserve({TEA: MOST_TOTAL // 2 + 1}), plenty)
        assert after(reserve({TEA: MOST_TOTAL // 2}), of=plenty)[0].total == MOST_TOTAL

    def test_done_sends_the_stored_answer_under_the_new_id_whatever_the_shelf_says_now(self) -> None:
        first = reserve({TEA: 1})
        again = reserve({TEA: 1}, purchase_id=first.purchase.id, attempt=1)
        row, _, answer = react(Reservation(), first, shelf(tea=1))
        dearer: Shelf = {TEA: ware(0, price=999, is_sold=False)}
        same, left, reply = react(row, again, dearer)

        assert (same, left) == (row, dearer)
        assert isinstance(reply, StockReserved)
        assert reply.id == f"{again.id}:r"
        assert (reply.purchase.items, reply.purchase.total) == (answer.purchase.items, answer.purchase.total)
        assert reply.purchase.attempt == 1

    def test_refused_stays_refused_although_stock_has_come(self) -> None:
        first = reserve({TEA: 1})
        again = reserve({TEA: 1}, purchase_id=first.purchase.id, attempt=1)
        row, _ = after(first, of=shelf(tea=0))
        same, left, reply = react(row, again, shelf(tea=9))

        assert (same, left[TEA].available) == (row, 9)
        assert isinstance(reply, StockRefused)
        assert (reply.reason, reply.id) == ("insufficient_stock", f"{again.id}:r")

    @pytest.mark.parametrize("status", [Status.UNDONE, Status.TOMBSTONE])
    def test_after_the_undo_it_is_refused_as_cancelled(self, status: Status) -> None:
        row = Reservation(status=status)
        same, left, reply = react(row, reserve({TEA: 1}), shelf(tea=1))

        assert (same, left[TEA].available) == (row, 1)
        assert isinstance(reply, StockRefused)
        assert reply.reason == "cancelled"


class TestUndo:
    def test_nothing_known_leaves_a_tombstone(self) -> None:
        command = release(reserve({TEA: 1}))
        row, left, reply = react(Reservation(), command, {})

        assert row == Reservation(status=Status.TOMBSTONE)
        assert left == {}
        assert isinstance(reply, StockReleased)
        assert reply.id == f"{command.id}:r"

    def test_done_gives_every_line_back(self) -> None:
        command = reserve({TEA: 2, CUP: 1})
        row, left = after(command, release(command), of=shelf(tea=2, cup=1))
        assert row.status is Status.UNDONE
        assert (left[TEA].available, left[CUP].available) == (2, 1)

    def test_a_product_no_longer_sold_takes_its_units_back(self) -> None:
        command = reserve({TEA: 2})
        row, _ = after(command, of=shelf(tea=2))
        left = react(row, release(command), {TEA: ware(0, is_sold=False)}).shelf
        assert left[TEA].available == 2

    @pytest.mark.parametrize("status", [Status.REFUSED, Status.UNDONE, Status.TOMBSTONE])
    def test_otherwise_it_only_confirms(self, status: Status) -> None:
        row = Reservation(status=status)
        same, left, reply = react(row, release(reserve({TEA: 1}), attempt=4), shelf(tea=1))

        assert (same, left[TEA].available) == (row, 1)
        assert isinstance(reply, StockReleased)
        assert reply.purchase.attempt == 4


class TestBatch:
    def test_whoever_comes_first_is_served_first(self) -> None:
        commands = [reserve({TEA: 2}) for _ in range(3)]
        outcome = run(commands, shelf(tea=5))

        assert [type(reply) for reply in outcome.replies] == [StockReserved, StockReserved, StockRefused]
        assert outcome.shelf[TEA].available == 1

    def test_what_is_released_in_a_batch_serves_the_next_in_it(self) -> None:
        first, second = reserve({TEA: 1}), reserve({TEA: 1})
        outcome = run([first, release(first), second], shelf(tea=1))

        assert [type(reply) for reply in outcome.replies] == [StockReserved, StockReleased, StockReserved]
        assert outcome.shelf[TEA].available == 0

    def test_only_stock_that_may_move_is_touched(self) -> None:
        done, fresh, told, dead = (reserve({UUID(int=each): 1}) for each in range(11, 15))
        rows = {
            done.purchase.id: Reservation(status=Status.DONE, items=done.purchase.items),
            fresh.purchase.id: Reservation(),
            told.purchase.id: Reservation(status=Status.DONE, items=told.purchase.items),
            dead.purchase.id: Reservation(),
        }
        assert touched([release(done), fresh, told, release(dead)], rows) == {UUID(int=11), UUID(int=12)}


PURCHASES = [reserve({TEA: 2}), reserve({TEA: 1, CUP: 1}), reserve({CUP: 3}), reserve([(TEA, 1), (TEA, 2)])]


@st.composite
def stories(draw: st.DrawFn) -> list[StockCommand]:
    """Commands of a few purchases, new attempts among them, in any order."""

    def command(number: int, attempt: int, forward: bool) -> StockCommand:
        first = PURCHASES[number]
        lines = [(item.product_id, item.quantity) for item in first.purchase.items]
        if forward:
            return reserve(lines, purchase_id=first.purchase.id, attempt=attempt)
        return release(first, attempt=attempt)

    told = st.builds(command, st.integers(0, len(PURCHASES) - 1), st.integers(0, 3), st.booleans())
    return draw(st.lists(told, max_size=14))


def reserved(outcome: Outcome) -> Counter[UUID]:
    units: Counter[UUID] = Counter()
    for row in outcome.reservations.values():
        if row.status is Status.DONE:
            units.update({item.product_id: item.quantity for item in row.items})
    return units


@given(stories())
def test_nothing_is_lost_or_oversold_in_any_order(story: list[StockCommand]) -> None:
    outcome = run(story, shelf(tea=3, cup=3))
    for product_id, units in outcome.shelf.items():
        assert units.available >= 0
        assert units.available + reserved(outcome)[product_id] == 3
    assert len(outcome.replies) == len(story)
    assert Status.NEW not in {row.status for row in outcome.reservations.values()}


@given(stories())
def test_after_an_undo_nothing_is_ever_reserved(story: list[StockCommand]) -> None:
    outcome = run(story, shelf(tea=3, cup=3))
    undone: set[UUID] = set()
    for command, reply in zip(story, outcome.replies, strict=True):
        if isinstance(reply, StockReleased):
            undone.add(command.purchase.id)
        elif command.purchase.id in undone:
            assert isinstance(reply, StockRefused)
    assert all(outcome.reservations[each].status is not Status.DONE for each in undone)


@given(stories())
def test_a_purchase_gets_one_answer_until_it_is_undone(story: list[StockCommand]) -> None:
    outcome = run(story, shelf(tea=3, cup=3))
    answers: dict[UUID, object] = {}
    for command, reply in zip(story, outcome.replies, strict=True):
        if isinstance(reply, StockReleased):
            answers.pop(command.purchase.id, None)
            continue
        said = (type(reply), reply.purchase.items, getattr(reply, "reason", None))
        if answers.setdefault(command.purchase.id, said) != said:
            assert getattr(reply, "reason", None) == "cancelled"


@given(stories(), st.data())
def test_how_a_story_is_cut_into_batches_does_not_matter(
    story: list[StockCommand], data: st.DataObject
) -> None:
    cut = data.draw(st.integers(0, len(story)))
    rows = {command.purchase.id: Reservation() for command in story}
    whole = fold(story, rows, shelf(tea=3, cup=3))
    first = fold(story[:cut], rows, shelf(tea=3, cup=3))
    second = fold(story[cut:], first.reservations, first.shelf)
    assert (second.reservations, second.shelf) == (whole.reservations, whole.shelf)
    assert [*first.replies, *second.replies] == whole.replies


@given(stories())
def test_the_shelf_that_was_asked_for_is_all_that_is_needed(story: list[StockCommand]) -> None:
    rows = {command.purchase.id: Reservation() for command in story}
    asked = {each: units for each, units in shelf(tea=3, cup=3).items() if each in touched(story, rows)}
    fold(story, rows, asked)
