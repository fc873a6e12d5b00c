"""The participant's table of protocol 3, cell by cell."""

from uuid import UUID

import msgspec
import pytest

from common.contracts.product import ReserveStock, StockRefused, StockReleased, StockReserved
from common.ids import new_id
from product.model.reservation import (
    MOST_TOTAL,
    Reason,
    Reservation,
    Shelf,
    Status,
    react,
    touched,
)
from tests.unit.product.words import CUP, TEA, after, release, reserve, run, shelf, ware


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
