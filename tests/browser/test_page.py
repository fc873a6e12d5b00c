"""The page at / of the edge, as somebody with a browser meets it."""

import asyncio
import re
import secrets
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from deploy.client import Shop
from deploy.embedded.stack import Stack
from tests.browser.conftest import NARROW
from tests.browser.hand import (
    a_person,
    buy,
    decision,
    fill,
    picture,
    product,
    refused,
    sign_in,
    signed_in,
    slow_purchase,
    steps,
    store,
    stored,
)
from tests.integration.media.samples import png

pytestmark = pytest.mark.embedded
STEPS = ["Purchase accepted", "Stock reserved", "Order written", "Payment authorised", "Completed"]
UNDONE = {"Nothing is reserved", "Nothing is ordered", "Nothing is charged"}


# The first test: it finds the shop empty.
async def test_a_newcomer_registers_stocks_the_shop_buys_and_sees_every_step(
    page: Page, shop: Shop, pictures: Path
) -> None:
    person = a_person()
    await fill(page.locator("#register"), person)
    await page.get_by_role("button", name="Create account").click()
    await expect(page.get_by_label("Code")).to_be_focused()
    await expect(page.get_by_role("link", name="on this page")).to_have_attribute("href", shop.mail_api)
    await page.get_by_label("Code").fill(await shop.code_mailed_to(person["E-mail"]))
    await page.get_by_role("button", name="Confirm").click()
    await page.get_by_role("button", name="Stock the shop").click()
    await page.get_by_label("Quantity of Desk lamp").fill("1")
    await page.get_by_label("Quantity of Bulb").fill("2")
    await expect(page.locator("#total")).to_have_text("₫330,000")
    await page.get_by_label("Installments").select_option("3")
    await page.get_by_role("button", name="Buy").click()
    await expect(decision(page)).to_have_text("Completed. It is yours.")
    assert await steps(page) == STEPS
    await expect(page.get_by_text("9 left")).to_be_visible()
    await expect(page.locator("#purchases .badge")).to_have_text("completed")
    await picture(page, pictures / "page-completed.png")
    await page.get_by_text("Where the time went").click()
    await expect(page.locator(".hops li")).to_have_count(10)
    await expect(page.locator(".hops li").last).to_contain_text("complete → purchase")
    await picture(page, pictures / "page-timing.png")


async def test_a_declined_purchase_shows_why_and_how_everything_is_undone(
    page: Page, shop: Shop, pictures: Path, tmp_path: Path
) -> None:
    name = await signed_in(page, shop)
    await buy(page, name, provider="Accepts")
    await expect(decision(page)).to_contain_text("Completed")
    await buy(page, name, provider="Declines")
    await expect(decision(page)).to_have_text("Failed: the payment was declined. Everything is undone.")
    seen = await steps(page)
    assert seen[:5] == [*STEPS[:3], "Payment refused", "Failed"]
    assert (set(seen[5:-1]), seen[-1]) == (UNDONE, "Settled")
    await expect(page.locator("#purchases .badge")).to_have_text(["failed", "completed"])
    await expect(product(page, name)).to_contain_text("19 left")
    await picture(page, pictures / "page-failed.png")
    await page.set_viewport_size(NARROW)
    assert await page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]
    await picture(page, tmp_path / "page-narrow.png")


async def test_a_product_shows_its_picture(page: Page, shop: Shop) -> None:
    seller = await shop.register()
    await seller.verify()
    shelf = await seller.call("POST", "/categories", expect=201, body={"name": "Seen"})
    lamp = await seller.create_product(shelf["id"], f"Seen {secrets.token_hex(4)}", price=1000, inventory=20)
    await seller.show_picture(lamp["id"], png(), alt="A lamp")
    await page.reload()
    seen = product(page, lamp["name"]).locator(".tile img")
    await expect(seen).to_have_js_property("naturalWidth", 160)


async def test_steps_are_shown_while_the_purchase_is_under_way(
    page: Page, shop: Shop, provider_goes_on: Callable[[], None]
) -> None:
    await slow_purchase(page, shop)
    assert await steps(page) == STEPS[:3]
    await expect(decision(page)).to_be_empty()
    provider_goes_on()
    await expect(decision(page)).to_contain_text("Completed")
    assert await steps(page) == STEPS


async def test_a_reload_in_mid_purchase_shows_it_going_on_to_its_end(
    page: Page, shop: Shop, provider_goes_on: Callable[[], None]
) -> None:
    await slow_purchase(page, shop)
    await page.reload()
    await expect(page.locator("#purchases .badge")).to_have_text("under way")
    provider_goes_on()
    await expect(decision(page)).to_contain_text("Completed")
    assert await steps(page) == STEPS


async def test_a_restart_of_the_service_in_mid_purchase_loses_and_repeats_no_step(
    page: Page, shop: Shop, stack: Stack, provider_goes_on: Callable[[], None]
) -> None:
    await slow_purchase(page, shop)
    await asyncio.to_thread(stack.restart, "purchase", 60)
    provider_goes_on()
    await expect(decision(page)).to_contain_text("Completed")
    assert await steps(page) == STEPS
    await expect(page.locator("#purchases .badge")).to_have_text("completed")
    await expect(page.get_by_text("The connection is gone")).to_be_hidden()


async def test_an_absence_so_long_that_the_browser_gives_up_loses_and_repeats_no_step(
    page: Page, shop: Shop, stack: Stack, provider_goes_on: Callable[[], None]
) -> None:
    """Told 503, EventSource closes for good: the page opens another, which hears the first steps again."""
    await slow_purchase(page, shop)
    async with page.expect_response(lambda answer: refused(answer) and "/events" in answer.url):
        await asyncio.to_thread(stack.stop_process, "purchase")
        await expect(page.get_by_text("The connection is gone")).to_be_visible()
    async with page.expect_response(lambda answer: refused(answer) and "/stream-session" in answer.url):
        pass
    provider_goes_on()
    await asyncio.to_thread(stack.start_process, "purchase", 60)
    await expect(decision(page)).to_contain_text("Completed")
    assert await steps(page) == STEPS
    await expect(page.get_by_text("The connection is gone")).to_be_hidden()


async def test_a_purchase_under_way_can_be_cancelled(
    page: Page, shop: Shop, provider_goes_on: Callable[[], None]
) -> None:
    await slow_purchase(page, shop)
    await page.get_by_role("button", name="Cancel this purchase").click()
    await expect(decision(page)).to_have_text("Failed: you cancelled it.")
    provider_goes_on()
    await expect(decision(page)).to_have_text("Failed: you cancelled it. Everything is undone.")


async def test_an_older_purchase_tells_its_story_again(page: Page, shop: Shop) -> None:
    name = await signed_in(page, shop)
    for provider in ("Declines", "Accepts"):
        await buy(page, name, provider=provider)
        await expect(page.locator("#waiting")).to_be_hidden()
    await page.reload()
    await expect(decision(page)).to_contain_text("Completed")
    await page.locator("#purchases button", has_text="failed").click()
    await expect(decision(page)).to_contain_text("Everything is undone.")
    assert len(await steps(page)) == 9


async def test_what_is_wrong_stands_at_its_field(page: Page, shop: Shop) -> None:
    known = await shop.register()
    await fill(page.locator("#register"), a_person() | {"Phone": "12"})
    await page.get_by_role("button", name="Create account").click()
    await expect(page.get_by_label("Phone")).to_have_accessible_description(re.compile("6 to 15 digits"))
    await fill(page.locator("#register"), a_person() | {"E-mail": known.person["email"]})
    await page.get_by_role("button", name="Create account").click()
    mailbox = page.locator("#register").get_by_label("E-mail")
    await expect(mailbox).to_have_accessible_description("Another account has this e-mail address.")
    await expect(mailbox).to_be_focused()
    await expect(page.get_by_label("Phone")).not_to_have_attribute("aria-invalid", "true")
    await sign_in(page, known)
    await page.get_by_label("Code").fill("00000000")
    await page.get_by_role("button", name="Confirm").click()
    await expect(page.get_by_label("Code")).to_have_accessible_description(re.compile("This code is wrong"))


async def test_tokens_are_renewed_before_they_end_and_after_they_ended(page: Page, shop: Shop) -> None:
    name = await signed_in(page, shop)
    first = await stored(page)
    await store(page, first | {"renewAt": 0})
    async with page.expect_response("**/account/refresh") as renewal:
        await page.reload()
    assert (await renewal.value).status == 200
    await expect(page.get_by_label(f"Quantity of {name}")).to_be_visible()
    second = await stored(page)
    assert second["refresh_token"] != first["refresh_token"]
    await store(page, second | {"access_token": "ended"})
    await page.reload()
    await buy(page, name)
    await expect(decision(page)).to_contain_text("Completed")


async def test_signing_out_ends_the_session_and_leaves_nothing_behind(page: Page, shop: Shop) -> None:
    name = await signed_in(page, shop)
    await buy(page, name)
    await expect(decision(page)).to_contain_text("Completed")
    before = await stored(page)
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert await page.evaluate("sessionStorage.length") == 0
    await shop.call("POST", "/account/refresh", expect=401, body={"refresh_token": before["refresh_token"]})


async def test_it_can_be_used_with_the_keyboard_alone(page: Page, shop: Shop) -> None:
    name = await signed_in(page, shop)
    await page.get_by_label(f"Quantity of {name}").focus()
    await page.keyboard.press("ArrowUp")
    for _ in range(20):
        await page.keyboard.press("Tab")
        if await page.locator("#buy-now").evaluate("button => button === document.activeElement"):
            break
    await page.keyboard.press("Enter")
    await expect(decision(page)).to_contain_text("Completed")
