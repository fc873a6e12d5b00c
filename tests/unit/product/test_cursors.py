"""Places in lists, as words."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.ids import new_id
from product.model import cursors, ledger, listing
from product.model.cursors import MOST_LETTERS, Torn
from product.model.ledger import Kind, Movement, Place
from product.model.listing import Sort

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
NAMES = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=200)
PRICES = st.integers(1, 10**12)
PLACES = st.one_of(
    st.tuples(st.sampled_from([Sort.NEWEST, Sort.OLDEST]), st.tuples(st.uuids())),
    st.tuples(st.sampled_from([Sort.PRICE_ASC, Sort.PRICE_DESC]), st.tuples(PRICES, st.uuids())),
    st.tuples(st.just(Sort.NAME), st.tuples(NAMES, st.uuids())),
)


@given(PLACES)
def test_a_place_comes_back_from_its_own_list_only(case: tuple[Sort, listing.Place]) -> None:
    sort, place = case
    word = listing.cursor(place, sort)
    assert listing.place(word, sort) == place
    assert set(word) <= set(LETTERS)
    for other in set(Sort) - {sort}:
        with pytest.raises(Torn):
            listing.place(word, other)


@given(PLACES, st.data())
def test_a_letter_that_changed_is_found(case: tuple[Sort, listing.Place], data: st.DataObject) -> None:
    sort, place = case
    word = listing.cursor(place, sort)
    at = data.draw(st.integers(0, len(word) - 1))
    letter = data.draw(st.sampled_from(sorted(set(LETTERS) - {word[at]})))
    with pytest.raises(Torn):
        listing.place(word[:at] + letter + word[at + 1 :], sort)


@given(st.sampled_from(Sort), st.text(max_size=60))
def test_any_other_text_is_no_cursor(sort: Sort, text: str) -> None:
    with pytest.raises(Torn):
        listing.place(text, sort)


def test_the_longest_name_still_fits() -> None:
    assert len(listing.cursor(("\U0010ffff" * 200, new_id()), Sort.NAME)) <= MOST_LETTERS


@pytest.mark.parametrize(
    "place",
    [(0, UUID(int=1)), (10**12 + 1, UUID(int=1)), (2**63, UUID(int=1)), ("1", UUID(int=1)), (1, "x"), (1,)],
)
def test_a_made_up_place_stays_within_the_bounds(place: listing.Place) -> None:
    """Whoever computes the sum himself reaches the database with nothing that it does not take."""
    with pytest.raises(Torn):
        listing.place(cursors.write("products by price_asc", place), Sort.PRICE_ASC)


def test_a_nul_does_not_reach_the_database_in_a_cursor() -> None:
    with pytest.raises(Torn):
        listing.place(cursors.write("products by name", ("a\0", UUID(int=1))), Sort.NAME)


def test_lists_of_the_newest_still_take_an_id() -> None:
    last = new_id()
    assert listing.place(str(last), Sort.NEWEST) == (last,)
    with pytest.raises(Torn):
        listing.place(str(last), Sort.OLDEST)
    with pytest.raises(Torn):
        listing.place("x" * 36, Sort.NEWEST)


def test_a_place_in_one_ledger_is_none_in_another() -> None:
    movement = Movement(
        version=7,
        position=2,
        kind=Kind.SET,
        change=1,
        available=1,
        account_id=new_id(),
        purchase_id=None,
        moved_at=datetime(2026, 1, 1, tzinfo=UTC),
    )
    word = ledger.cursor(movement, UUID(int=1))
    assert ledger.place(word, UUID(int=1)) == Place(7, 2)
    with pytest.raises(Torn):
        ledger.place(word, UUID(int=2))
