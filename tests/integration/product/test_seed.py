"""What `./just seed` puts into the service's tables is what the service would have put there."""

from common.ids import new_id
from common.main import Role
from common.postgres.database import Database
from deploy.goods import SHELVES, invent
from deploy.seed import fill, offer
from tests.integration.product.commands import assert_exact
from tests.integration.product.conftest import Shop


async def test_seeded_goods_are_listed_announced_and_in_the_ledger(shop: Shop) -> None:
    client = await shop.start(Role.API)
    shelves = [await client.category(name=shelf.name) for shelf in SHELVES]
    offers = [offer(each, shelves) for each in invent(300, 1)]
    seller_id = new_id()
    async with Database.connect(shop.url, size=1, name="seed") as db:
        await fill(db, seller_id, offers)

    page = (await client("GET", f"/products?seller_id={seller_id}&limit=100&q=khan lua", by=None)).body
    assert {item["name"].split(" ")[0] for item in page["items"]} == {"Khăn"}
    await assert_exact(shop)
    created = await shop.said("evt.product.product_created")
    assert [each["name"] for each in created] == [each.name for each in offers]
    stocked = {each["entity_id"]: each["available"] for each in await shop.said("evt.product.stock_changed")}
    assert [stocked[each["entity_id"]] for each in created] == [each.inventory for each in offers]
