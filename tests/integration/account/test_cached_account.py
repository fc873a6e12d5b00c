"""Own data out of the cache: new at once where it was changed, and soon on every other replica."""

import msgspec
import pytest

from tests.integration.account.api import Api
from tests.integration.account.conftest import serving
from tests.support import eventually, free_port

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.usefixtures("patient")]


async def test_a_change_on_one_replica_is_seen_on_the_other(api: Api) -> None:
    me = await api.register(first_name="Ann")
    async with serving(msgspec.structs.replace(api.settings, port=free_port())) as other:
        for name in ("Bea", "Cleo", "Dora"):
            await other.personal(me.token)
            assert (
                await api.call("PUT", "/customer/personal", {"first_name": name}, token=me.token)
            ).status == 200
            assert (await api.personal(me.token)).body["first_name"] == name

            async def is_seen(name: str = name) -> bool:
                return bool((await other.personal(me.token)).body["first_name"] == name)

            await eventually(is_seen)  # unheard, it would end after 54 s


async def test_what_is_kept_is_not_read_again(api: Api) -> None:
    me = await api.register()
    first = await api.personal(me.token)
    await api.db.execute("UPDATE accounts SET first_name = 'Nobody' WHERE id = $1", me.account_id)
    assert (await api.personal(me.token)).body == first.body
    delivery = await api.call("GET", "/customer/delivery", token=me.token)
    assert delivery.status == 200


async def test_the_end_of_a_session_is_not_asked_of_the_cache(api: Api) -> None:
    me = await api.register()
    await api.personal(me.token)
    assert (await api.call("POST", "/logout", {"refresh_token": me.refresh}, token=me.token)).status == 204
    assert (await api.personal(me.token)).refusal == (401, "unauthorized")
