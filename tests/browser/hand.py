"""What a hand does on the page, and what an eye sees there."""

import json
import secrets
from pathlib import Path
from typing import Any

from playwright.async_api import Locator, Page, Response, expect

from deploy.client import Customer, Shop
from tests.browser.conftest import WIDE


def a_person() -> dict[str, str]:
    number = secrets.randbelow(10**10)
    return {
        "First name": "Ann",
        "Last name": "Lee",
        "E-mail": f"ann.{number}@example.com",
        "Password": "correct-horse-battery",
        "Address": "1 Main Street",
        "Phone": f"+84{number:010}",
    }


async def fill(form: Locator, values: dict[str, str]) -> None:
    for label, value in values.items():
        await form.get_by_label(label).fill(value)


async def sign_in(page: Page, customer: Customer) -> None:
    await page.get_by_role("button", name="I have one already").click()
    form = page.locator("#login")
    await fill(form, {"E-mail": customer.person["email"], "Password": customer.person["password"]})
    await form.get_by_role("button", name="Sign in").click()


async def signed_in(page: Page, shop: Shop) -> str:
    """A verified customer, and twenty pieces of a product of which nobody else buys; answers its name."""
    customer = await shop.register()
    await customer.verify()
    name = f"Lantern No. {secrets.randbelow(10**9)}"
    category = await customer.call(
        "POST", "/categories", expect=201, body={"name": name, "description": "Light"}
    )
    await customer.create_product(category["id"], name, price=80_000, inventory=20)
    await page.reload()
    await sign_in(page, customer)
    await expect(page.get_by_label(f"Quantity of {name}")).to_be_visible()
    return name


async def buy(page: Page, name: str, *, provider: str = "Accepts") -> None:
    await page.get_by_label(f"Quantity of {name}").fill("1")
    await page.get_by_label("Provider").select_option(provider)
    await page.get_by_role("button", name="Buy").click()
    await expect(page.get_by_label(f"Quantity of {name}")).to_have_value("0")


async def slow_purchase(page: Page, shop: Shop) -> None:
    """Returns while the provider is asked; it must be standing still."""
    await buy(page, await signed_in(page, shop), provider="Takes its time")
    await expect(page.get_by_text("Asking for the payment…")).to_be_visible()


async def steps(page: Page) -> list[str]:
    return await page.locator("#steps .text").all_text_contents()


def refused(answer: Response) -> bool:
    return answer.status in {502, 503}


def decision(page: Page) -> Locator:
    return page.locator("#decision")


def product(page: Page, name: str) -> Locator:
    return page.locator(".product", has_text=name)


async def stored(page: Page) -> dict[str, Any]:
    session: dict[str, Any] = json.loads(await page.evaluate("sessionStorage.getItem('session')"))
    return session


async def store(page: Page, session: dict[str, Any]) -> None:
    await page.evaluate("text => sessionStorage.setItem('session', text)", json.dumps(session))


async def picture(page: Page, path: Path) -> None:
    await page.mouse.move(WIDE["width"], 0)
    await page.evaluate("document.activeElement.blur()")
    await page.screenshot(path=path, full_page=path.stem == "page-narrow")
