"""What holds whatever comes in whatever order."""

from collections import Counter
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from common.contracts.product import StockRefused, StockReleased
from product.model.ledger import Kind
from product.model.reservation import Outcome, Reservation, Status, StockCommand, fold, touched
from tests.unit.product.words import CUP, TEA, release, reserve, run, shelf

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


@given(stories())
def test_the_movements_tell_how_the_shelf_became_what_it_is(story: list[StockCommand]) -> None:
    outcome = run(story, shelf(tea=3, cup=3))
    available = {TEA: 3, CUP: 3}
    for line in outcome.moved:
        available[line.product_id] += line.change
        assert line.available == available[line.product_id]
    assert available == {product_id: ware.available for product_id, ware in outcome.shelf.items()}


@given(stories())
def test_the_movements_of_a_purchase_are_what_it_holds(story: list[StockCommand]) -> None:
    outcome = run(story, shelf(tea=3, cup=3))
    held: Counter[tuple[UUID, UUID]] = Counter()
    for line in outcome.moved:
        held[line.purchase_id, line.product_id] -= line.change
        assert (line.kind is Kind.RESERVED) is (line.change < 0)
    assert +held == Counter(
        {
            (purchase_id, item.product_id): item.quantity
            for purchase_id, row in outcome.reservations.items()
            if row.status is Status.DONE
            for item in row.items
        }
    )
