"""Administrators: who becomes one, what they see, what they change, and what they cannot."""

import asyncio
from collections.abc import Mapping
from subprocess import CompletedProcess
from typing import Any

import asyncpg
import pytest

from common.contracts.account import AccountChanged, SessionEnded
from tests.integration.account.api import Answer, Api, command

pytestmark = pytest.mark.asyncio(loop_scope="module")

NOBODY = "01900000-0000-7000-8000-000000000000"


async def govern(api: Api, by: Answer, whom: Answer, **changes: Any) -> Answer:
    return await api.call("PATCH", f"/accounts/{whom.account_id}", changes, token=by.token)


async def changes(api: Api, account: Answer) -> list[tuple[Any, str]]:
    rows = await api.db.fetch(
        'SELECT "by", what FROM account_changes WHERE account_id = $1 ORDER BY id', account.account_id
    )
    return [(row["by"], row["what"]) for row in rows]


async def verified(api: Api, **changed: Any) -> Answer:
    me = await api.register(**changed)
    return await api.verify(await api.code(me.account_id), me.token)


async def test_customers_administer_nothing(api: Api) -> None:
    me, other = await verified(api), await api.register()
    path = f"/accounts/{other.account_id}"
    for method, where in (("GET", "/accounts"), ("GET", path), ("PATCH", path)):
        broken = {"data": b"{ broken", "headers": {"Authorization": f"Bearer {me.token}"}}
        assert (await api.send(method, where, **broken)).refusal == (403, "forbidden")
        assert (await api.call(method, where)).refusal == (401, "unauthorized")


async def test_an_account_is_shown_without_its_secrets_and_its_address(api: Api) -> None:
    admin, other = await api.administrator(), await api.register(email="bob@example.com")
    answer = await api.call("GET", f"/accounts/{other.account_id}", token=admin.token)
    assert answer.status == 200
    names = {"first_name", "last_name", "phone_number"}
    assert set(answer.body) == {"id", "email", "role", "verified", "active", "created_at"} | names
    assert (answer.body["email"], answer.body["active"]) == ("bob@example.com", True)
    assert (await api.call("GET", f"/accounts/{NOBODY}", token=admin.token)).refusal == (404, "not_found")


async def test_the_list_has_filters_a_total_and_pages(api: Api) -> None:
    admin = await api.administrator()
    others = [await api.register(email=f"%b_{n}@example.com") for n in range(5)]
    await govern(api, admin, others[0], active=False)

    async def emails(query: str) -> tuple[int, list[str]]:
        answer = await api.call("GET", f"/accounts?{query}", token=admin.token)
        assert answer.status == 200, answer.body
        return answer.body["total"], [each["email"] for each in answer.body["items"]]

    assert (await emails("role=admin"))[1] == [admin.body["account"]["email"]]
    assert await emails("active=false") == (1, ["%b_0@example.com"])
    assert (await emails("q=%25B_"))[0] == 5, "capitals do not count, and signs are signs"
    assert (await emails("q=b_"))[0] == 0
    total, first = await emails("limit=4")
    assert (total, first) == (6, [f"%b_{n}@example.com" for n in (4, 3, 2, 1)])
    page = (await api.call("GET", "/accounts?limit=4", token=admin.token)).body
    assert (await emails(f"limit=4&cursor={page['next']}"))[1][0] == "%b_0@example.com"
    for bad in ("role=god", "active=perhaps", "limit=0", "limit=101", "cursor=x", "q=%00", f"q={'x' * 255}"):
        assert (await api.call("GET", f"/accounts?{bad}", token=admin.token)).status == 400, bad


async def test_giving_the_role_is_said_and_noted(api: Api) -> None:
    admin, other = await api.administrator(), await verified(api)
    answer = await govern(api, admin, other, role="admin")
    assert (answer.status, answer.body["role"]) == (200, "admin")
    said = (await api.said(AccountChanged))[-1]
    assert (said.entity_id, said.role, said.version, said.least_version) == (other.account_id, "admin", 3, 1)
    assert await changes(api, other) == [(admin.account_id, "role: customer -> admin")]
    assert (await api.call("GET", "/accounts", token=other.token)).status == 200, "at once"
    again = await govern(api, admin, other, role="admin")
    assert again.status == 200
    assert len(await changes(api, other)) == 1
    assert len(await api.said(AccountChanged)) == 2


async def test_taking_the_role_kills_the_tokens_that_have_it(api: Api) -> None:
    admin, other = await api.administrator(), await api.administrator()
    assert (await govern(api, admin, other, role="customer")).status == 200
    assert (await api.call("GET", "/accounts", token=other.token)).refusal == (401, "unauthorized")
    renewed = await api.refresh(other.refresh)
    assert renewed.body["account"]["role"] == "customer"
    assert (await api.call("GET", "/accounts", token=renewed.token)).refusal == (403, "forbidden")
    said = (await api.said(AccountChanged))[-1]
    assert (said.role, said.version, said.least_version) == ("customer", 2, 2)


async def test_an_inactive_account_is_out_and_comes_back_without_its_sessions(api: Api) -> None:
    admin, other = await api.administrator(), await api.register(email="bob@example.com")
    assert (await govern(api, admin, other, active=False)).body["active"] is False
    assert (await api.personal(other.token)).refusal == (401, "unauthorized")
    assert (await api.refresh(other.refresh)).refusal == (401, "invalid_refresh_token")
    assert (await api.login("bob@example.com", "wrong")).refusal == (401, "bad_credentials")
    assert (await api.login("bob@example.com")).refusal == (403, "inactive")
    said = (await api.said(AccountChanged))[-1]
    assert (said.active, said.version, said.least_version) == (False, 2, 2)
    assert len(await api.said(SessionEnded)) == 1
    assert (await govern(api, admin, other, active=True)).status == 200
    assert (await api.personal(other.token)).status == 401
    assert (await api.refresh(other.refresh)).status == 401
    assert (await api.login("bob@example.com")).status == 200
    assert [what for _, what in await changes(api, other)] == [
        "active: true -> false",
        "active: false -> true",
    ]


async def test_a_login_while_the_account_is_switched_off_leaves_nothing_behind(api: Api) -> None:
    admin = await api.administrator()
    for _ in range(5):
        other = await api.register()
        email = other.body["account"]["email"]
        _, *logins = await asyncio.gather(
            govern(api, admin, other, active=False), *(api.login(email) for _ in range(3))
        )
        await govern(api, admin, other, active=True)
        for each in logins:
            if each.status == 200:
                assert (await api.personal(each.token)).status == 401
                assert (await api.refresh(each.refresh)).status == 401


@pytest.mark.parametrize("less", [{"role": "customer"}, {"active": False}])
async def test_nobody_takes_his_own_rights(api: Api, less: Mapping[str, Any]) -> None:
    admin = await api.administrator()
    await api.administrator()
    assert (await govern(api, admin, admin, **less)).refusal == (409, "own_account")
    assert (await govern(api, admin, admin, role="admin", active=True)).status == 200


async def test_of_administrators_who_demote_each_other_at_once_one_stays(api: Api) -> None:
    for less in ({"role": "customer"}, {"active": False}, {"role": "customer"}):
        await api.db.execute("UPDATE accounts SET role = 'customer'")
        three = [await api.administrator() for _ in range(3)]
        await asyncio.gather(
            *(govern(api, by, whom, **less) for by in three for whom in three if whom is not by)
        )
        left = await api.db.fetchval("SELECT count(*) FROM accounts WHERE role = 'admin' AND active")
        assert left == 1


async def test_an_administrator_has_a_confirmed_mailbox(api: Api) -> None:
    admin, other = await api.administrator(), await api.register()
    assert (await govern(api, admin, other, role="admin")).refusal == (409, "not_verified")


@pytest.mark.parametrize(
    "body", [{}, {"role": "god"}, {"role": None}, {"active": 1}, {"verified": True}, {"email": "x@y.z"}, []]
)
async def test_a_bad_change_is_a_400(api: Api, body: Any) -> None:
    admin, other = await api.administrator(), await verified(api)
    answer = await api.call("PATCH", f"/accounts/{other.account_id}", body, token=admin.token)
    assert answer.refusal == (400, "invalid")
    nobody = await api.call("PATCH", f"/accounts/{NOBODY}", {"role": "admin"}, token=admin.token)
    assert nobody.refusal == (404, "not_found")


async def test_what_was_noted_is_not_rewritten_by_the_owner_either(api: Api) -> None:
    admin, other = await api.administrator(), await api.register()
    await govern(api, admin, other, active=False)
    for statement in ("UPDATE account_changes SET what = ''", "DELETE FROM account_changes"):
        with pytest.raises(asyncpg.RaiseError, match="not rewritten"):
            await api.db.execute(statement)


async def test_the_command_promotes_a_verified_account_and_no_other(api: Api) -> None:
    await verified(api, email="ann@example.com")
    await api.register(email="new@example.com")
    done = await promoted(api, "Ann@example.com")
    assert (done.returncode, done.stdout) == (
        0,
        "ann@example.com is an administrator now; who is signed in learns of it within ten minutes\n",
    )
    assert (await promoted(api, "ann@example.com")).stdout == "ann@example.com is an administrator already\n"
    for email, why in (("no@example.com", "no account"), ("new@example.com", "not been confirmed")):
        refused = await promoted(api, email)
        assert (refused.returncode, refused.stdout, refused.stderr.count("\n")) == (1, "", 1)
        assert why in refused.stderr
    me = await api.login("ann@example.com")
    assert (await api.call("GET", "/accounts", token=me.token)).body["total"] == 2
    assert await changes(api, me) == [(None, "role: customer -> admin")]
    said = (await api.said(AccountChanged))[-1]
    assert (said.entity_id, said.role, said.version) == (me.account_id, "admin", 3)


async def promoted(api: Api, email: str) -> "CompletedProcess[str]":
    return await command("account.admin", api.settings, email)
