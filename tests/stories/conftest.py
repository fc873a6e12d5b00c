"""The words that the stories are told in."""

from collections.abc import Callable, Iterator

import pytest
from pytest_bdd import given, parsers, then, when

from tests.servers import Servers
from tests.stories.stage import LIMIT, Stage, Story

UNDONE = {"release", "cancel", "void"}


@pytest.fixture(scope="module")
def stage(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    made = Stage(servers, tmp_path_factory.mktemp("stories"))
    yield made
    made.close()


@pytest.fixture
def story(stage: Stage) -> Story:
    return Story(stage)


def number(text: str) -> int:
    return int(text.replace(",", ""))


def words(text: str) -> list[str]:
    return text.split(", ")


AMOUNT: dict[str, Callable[[str], object]] = {"price": number, "count": int, "total": number}


@given("a verified customer")
def a_verified_customer(story: Story) -> None:
    story.customer = story.play(story.stage.shop.customer())


@given("a customer whose mailbox is not confirmed")
def an_unverified_customer(story: Story) -> None:
    story.customer = story.play(story.stage.shop.shop.register())


@given(parsers.parse("a lamp at {price} of which there are {count}"), converters=AMOUNT)
def a_lamp(story: Story, price: int, count: int) -> None:
    story.lamp = story.play(story.stage.shop.product(inventory=count, price=price))


@given(parsers.parse("the provider's limit is {total}"), converters=AMOUNT)
def the_limit(total: int) -> None:
    assert total == LIMIT, "the shop that all stories share has another one"


@given(parsers.parse("somebody else who bought {count:d} lamps"))
def somebody_else(story: Story, count: int) -> None:
    other = story.play(story.stage.shop.customer())
    story.play(story.buy(other, count))
    story.bought.clear()


@given(parsers.parse("the customer bought lamps {count:d} times"))
def bought_before(story: Story, count: int) -> None:
    for _ in range(count):
        story.play(story.buy(story.customer, 1))


@when(parsers.parse("the customer buys {count:d} lamps by {method} in {installments:d} installments"))
def buys(story: Story, count: int, method: str, installments: int) -> None:
    story.events = story.play(story.buy(story.customer, count, method=method, installments=installments))


@when(parsers.parse("the customer buys {count:d} lamps with a card that is declined"))
def buys_with_a_bad_card(story: Story, count: int) -> None:
    story.events = story.play(story.buy(story.customer, count, token="tok_decline"))


@when(parsers.parse("the customer asks for {count:d} lamps by {method} in {installments:d} installments"))
def asks(story: Story, count: int, method: str, installments: int) -> None:
    payment = {"currency_code": "VND", "method": method, "installments": installments}
    body = {"order_items": [{"product_id": story.lamp, "quantity": count}], "payment": payment}
    story.refusal = story.play(story.ask("/purchases", body))


@when("the account is switched off")
def switched_off(story: Story) -> None:
    account_id = story.customer.tokens["account"]["id"]
    statement = f"UPDATE accounts SET active = false WHERE id = '{account_id}' RETURNING id"
    assert story.play(story.stage.shop.books.rows("account", statement))


@when("the seller takes the lamps out of the shop")
def taken_out(story: Story) -> None:
    story.play(story.stage.shop.seller.call("DELETE", f"/products/{story.lamp}", expect=204))


@when("the customer signs in")
def signs_in(story: Story) -> None:
    person = story.customer.person
    body = {"email": person["email"], "password": person["password"]}
    story.refusal = story.play(story.ask("/account/login", body, signed=False))


@when("the customer asks for new tokens")
def asks_for_tokens(story: Story) -> None:
    body = {"refresh_token": story.customer.tokens["refresh_token"]}
    story.refusal = story.play(story.ask("/account/refresh", body, signed=False))


@when(parsers.parse("the customer reads the orders {count:d} at a time"))
def reads_orders(story: Story, count: int) -> None:
    cursor = ""
    while True:
        page = story.reads(f"/orders?limit={count}{cursor}")
        story.pages.append(page)
        if page["next"] is None:
            return
        cursor = f"&cursor={page['next']}"


@then(parsers.parse("the steps are {names}"), converters={"names": words})
def the_steps(story: Story, names: list[str]) -> None:
    assert [event.data.get("step", event.type) for event in story.events] == names


@then(parsers.parse("the purchase fails because of {reason}"))
def fails(story: Story, reason: str) -> None:
    assert [event.data["reason"] for event in story.events if event.type == "failed"] == [reason]
    shown = story.reads(f"/purchases/{story.bought[-1]}")
    assert (shown["status"], shown["reason"]) == ("FAILED", reason)


@then("everything is undone")
def undone(story: Story) -> None:
    names = [event.data.get("step", event.type) for event in story.events]
    assert (set(names[-4:-1]), names[-1]) == (UNDONE, "settled")


@then(parsers.parse("the {what} is {status} over {total}"), converters=AMOUNT)
def the_order_or_payment(story: Story, what: str, status: str, total: int) -> None:
    """Once everything that follows from the decision is confirmed."""
    story.play(story.stage.shop.settled())
    shown = story.reads(f"/{what}s/{story.bought[-1]}")
    assert (shown["status"], shown.get("total", shown.get("amount"))) == (status, total)


@then(parsers.parse("the order still shows a lamp at {price}"), converters=AMOUNT)
def the_order_still_shows(story: Story, price: int) -> None:
    [line] = story.reads(f"/orders/{story.bought[-1]}")["items"]
    assert (line["product_id"], line["name"], line["price"]) == (story.lamp, "Lamp", price)


@then("the lamps are shown no more, and cannot be bought")
def shown_no_more(story: Story) -> None:
    story.play(story.customer.call("GET", f"/products/{story.lamp}", expect=404))
    lamp = [{"product_id": story.lamp, "quantity": 1}]
    check = story.play(story.customer.call("POST", "/products/check", body=lamp))
    assert (check["available"], check["items"][0]["reason"]) == (False, "unknown_product")


@then(parsers.parse("{count:d} lamps are left"))
def left(story: Story, count: int) -> None:
    assert story.reads(f"/products/{story.lamp}")["inventory"] == count


@then(parsers.parse("the shop refuses with {status:d}, naming {name}"))
def refuses_naming(story: Story, status: int, name: str) -> None:
    assert story.refusal[0] == status, story.refusal
    assert [error["field"] for error in story.refusal[1]["errors"]] == [name]


@then(parsers.parse("the shop refuses with {status:d}, saying {code}"))
def refuses_saying(story: Story, status: int, code: str) -> None:
    assert (story.refusal[0], story.refusal[1]["code"]) == (status, code)


@then("the customer has no purchase")
def no_purchase(story: Story) -> None:
    assert story.reads("/purchases")["items"] == []


@then(parsers.parse("the pages hold {counts} orders, each page says that there are {total:d}"))
def pages_hold(story: Story, counts: str, total: int) -> None:
    assert [len(page["items"]) for page in story.pages] == [int(count) for count in words(counts)]
    assert {page["total"] for page in story.pages} == {total}


@then("they are the customer's own, the newest first")
def own_and_newest_first(story: Story) -> None:
    listed = [order["id"] for page in story.pages for order in page["items"]]
    assert listed == story.bought[::-1]
