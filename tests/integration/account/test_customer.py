"""A customer's own data."""

import asyncio

import pytest

from common.contracts.account import AccountChanged, EmailChanged, VerificationRequested
from tests.integration.account.api import Api

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_everyone_sees_his_own_and_nobody_elses(api: Api) -> None:
    me, other = await api.register(first_name="Ann"), await api.register(first_name="Bob")
    mine, theirs = await api.personal(me.token), await api.personal(other.token)
    assert mine.body == me.body["account"]
    assert (mine.body["first_name"], theirs.body["first_name"]) == ("Ann", "Bob")
    delivery = await api.call("GET", "/customer/delivery", token=me.token)
    assert set(delivery.body) == {"address", "phone_number"}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/customer/personal"),
        ("PUT", "/customer/personal"),
        ("GET", "/customer/delivery"),
        ("PUT", "/customer/delivery"),
        ("POST", "/logout"),
        ("POST", "/verify"),
        ("POST", "/verify/resend"),
    ],
)
async def test_without_a_token_nothing_is_even_read(api: Api, method: str, path: str) -> None:
    answer = await api.send(method, path, data=b"{ broken", headers={"Content-Type": "application/json"})
    assert answer.refusal == (401, "unauthorized")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


async def test_a_change_of_delivery_is_partial_and_said_with_the_next_version(api: Api) -> None:
    me = await api.register(address="1 Main Street", phone_number="+4912345678")
    answer = await api.call("PUT", "/customer/delivery", {"address": "2 Elm Street"}, token=me.token)
    assert answer.status == 200
    assert answer.body == {"address": "2 Elm Street", "phone_number": "+4912345678"}
    assert (await api.call("GET", "/customer/delivery", token=me.token)).body == answer.body
    [said] = await api.said(AccountChanged)
    assert (said.version, said.address, said.phone_number) == (2, "2 Elm Street", "+4912345678")


async def test_changes_at_once_have_versions_of_their_own(api: Api) -> None:
    me = await api.register()
    await asyncio.gather(
        *(
            api.call("PUT", "/customer/delivery", {"address": f"{number} Main Street"}, token=me.token)
            for number in range(8)
        )
    )
    said = await api.said(AccountChanged)
    assert sorted(each.version for each in said) == list(range(2, 10))
    last = max(said, key=lambda each: each.version)
    assert (await api.call("GET", "/customer/delivery", token=me.token)).body["address"] == last.address


async def test_a_new_mailbox_signs_in_at_once_is_unverified_and_gets_a_code(api: Api) -> None:
    me = await api.register(email="old@example.com")
    old_code = await api.code(me.account_id)
    await api.verify(old_code, me.token)
    answer = await api.call("PUT", "/customer/personal", {"email": "New@Example.com"}, token=me.token)
    assert answer.status == 200
    assert (answer.body["email"], answer.body["verified"]) == ("new@example.com", False)
    assert (await api.login("old@example.com")).refusal == (401, "bad_credentials")
    assert (await api.login("new@example.com")).status == 200
    last = (await api.said(VerificationRequested))[-1]
    assert (last.email, last.version) == ("new@example.com", 2)
    [told] = await api.said(EmailChanged)
    assert (told.entity_id, told.email, told.version) == (me.account_id, "old@example.com", 3)
    assert (await api.verify(last.code, me.token)).body["account"]["verified"] is True


async def test_a_code_of_the_old_mailbox_does_not_prove_the_new_one(api: Api) -> None:
    me = await api.register()
    old = await api.code(me.account_id)
    await api.call("PUT", "/customer/personal", {"email": "new@example.com"}, token=me.token)
    if old != await api.code(me.account_id):
        assert (await api.verify(old, me.token)).refusal == (422, "invalid_code")


async def test_a_name_or_the_same_mailbox_leaves_an_account_verified(api: Api) -> None:
    me = await api.register(email="ann@example.com")
    await api.verify(await api.code(me.account_id), me.token)
    change = {"email": "Ann@example.com", "last_name": "Müller"}
    answer = await api.call("PUT", "/customer/personal", change, token=me.token)
    assert (answer.body["verified"], answer.body["last_name"]) == (True, "Müller")
    assert len(await api.said(VerificationRequested)) == 1


async def test_nobody_mails_strangers_by_changing_mailboxes(api: Api) -> None:
    me = await api.register()
    statuses = [
        (
            await api.call("PUT", "/customer/personal", {"email": f"victim{n}@example.com"}, token=me.token)
        ).status
        for n in range(4)
    ]
    assert statuses == [200, 200, 429, 429]
    assert (await api.personal(me.token)).body["email"] == "victim1@example.com"


@pytest.mark.parametrize(
    ("path", "field", "code"),
    [("/customer/personal", "email", "email_taken"), ("/customer/delivery", "phone_number", "phone_taken")],
)
async def test_what_another_account_has_is_a_conflict(api: Api, path: str, field: str, code: str) -> None:
    taken = {"email": "taken@example.com", "phone_number": "+4911111111"}
    await api.register(**taken)
    me = await api.register()
    assert (await api.call("PUT", path, {field: taken[field]}, token=me.token)).refusal == (409, code)
    assert await api.said(AccountChanged) == []


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/customer/personal", {}),
        ("/customer/delivery", {}),
        ("/customer/personal", {"role": "admin"}),
        ("/customer/personal", {"verified": True}),
        ("/customer/personal", {"id": "x"}),
        ("/customer/personal", {"email": None}),
        ("/customer/personal", {"address": "1 Main Street"}),
        ("/customer/delivery", {"phone_number": "call me"}),
        ("/customer/delivery", {"address": "x\x00"}),
        ("/customer/delivery", {"address": 5}),
        ("/customer/delivery", {"address": "x" * 501}),
    ],
)
async def test_a_bad_change_is_a_400_and_changes_nothing(
    api: Api, path: str, body: dict[str, object]
) -> None:
    me = await api.register()
    assert (await api.call("PUT", path, body, token=me.token)).refusal == (400, "invalid")
    assert await api.db.fetchval("SELECT version FROM accounts") == 1
