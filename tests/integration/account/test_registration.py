"""Becoming a customer."""

import asyncio

import nats
import pytest
from nats.js.errors import NotFoundError

from common.contracts.account import AccountRegistered, VerificationRequested
from tests.integration.account.api import PASSWORD, Api, registration
from tests.support import eventually

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_registering_answers_a_token_pair_and_the_account(api: Api) -> None:
    answer = await api.register(email="Ann@Example.COM")
    assert answer.status == 201
    assert answer.headers["Cache-Control"] == "no-store"
    assert set(answer.body) == {"access_token", "refresh_token", "token_type", "expires_in", "account"}
    assert (answer.body["token_type"], answer.body["expires_in"]) == ("Bearer", 600)
    assert answer.body["account"] == {
        "id": str(answer.account_id),
        "email": "ann@example.com",
        "first_name": "Ann",
        "last_name": "Example",
        "verified": False,
        "role": "customer",
    }


async def test_the_password_is_stored_as_an_argon2id_hash_only(api: Api) -> None:
    await api.register()
    row = await api.db.fetchrow("SELECT * FROM accounts")
    assert row is not None
    assert row["password_hash"].startswith("$argon2id$v=19$")
    assert PASSWORD not in str(dict(row))
    assert PASSWORD.encode() not in b"".join(
        each["payload"] for each in await api.db.fetch("SELECT payload FROM outbox")
    )


async def test_account_session_code_and_words_are_written_together(api: Api) -> None:
    answer = await api.register(address="12 Elm Street")
    [registered] = await api.said(AccountRegistered)
    [requested] = await api.said(VerificationRequested)
    assert (registered.entity_id, registered.version, registered.address, registered.active) == (
        answer.account_id,
        1,
        "12 Elm Street",
        True,
    )
    assert (requested.entity_id, requested.version, requested.email) == (
        answer.account_id,
        1,
        registered.email,
    )
    assert len(requested.code) == 8
    assert requested.code.isdigit()
    moments = await api.db.fetch(
        "SELECT created_at FROM accounts UNION SELECT created_at FROM sessions"
        " UNION SELECT issued_at FROM refresh_tokens UNION SELECT created_at FROM codes"
        " UNION SELECT created_at FROM outbox"
    )
    assert len(moments) == 1, "now() is one moment per transaction"


async def test_what_is_said_reaches_the_stream(api: Api) -> None:
    answer = await api.register()
    client = await nats.connect(api.settings.nats_url)
    try:
        js = client.jetstream(timeout=30)

        async def is_there() -> bool:
            """The last one is another's, until ours comes."""
            try:
                found = await js.get_last_msg("SHOP", "evt.account.verification_requested")
            except NotFoundError:
                return False
            wanted = f"evt.account.verification_requested:{answer.account_id}:1"
            return bool(found.headers and found.headers["Nats-Msg-Id"] == wanted)

        await eventually(is_there)
    finally:
        await client.close()


@pytest.mark.parametrize(
    ("first", "second", "code", "field"),
    [
        ({"email": "Bob@Example.com"}, {"email": "bOB@eXAMPLE.COM"}, "email_taken", "email"),
        ({"phone_number": "+4930123456"}, {"phone_number": "+4930123456"}, "phone_taken", "phone_number"),
    ],
)
async def test_a_mailbox_or_a_phone_registers_once(
    api: Api, first: dict[str, str], second: dict[str, str], code: str, field: str
) -> None:
    assert (await api.register(**first)).status == 201
    again = await api.register(**second)
    assert again.refusal == (409, code)
    assert [each["field"] for each in again.body["errors"]] == [field]
    assert await api.db.fetchval("SELECT count(*) FROM sessions") == 1


async def test_of_many_who_register_one_mailbox_at_once_one_does(api: Api) -> None:
    answers = await asyncio.gather(*(api.register(email="race@example.com") for _ in range(10)))
    assert sorted(answer.status for answer in answers) == [201] + [409] * 9


async def test_twenty_may_register_at_once(api: Api) -> None:
    answers = await asyncio.gather(*(api.register() for _ in range(20)))
    assert {answer.status for answer in answers} == {201}
    assert len({answer.account_id for answer in answers}) == 20


async def test_every_bad_field_is_named(api: Api) -> None:
    answer = await api.call(
        "POST",
        "/register",
        {
            "email": "ann at example",
            "password": "short",
            "first_name": "",
            "last_name": "x" * 101,
            "phone_number": "12345",
            "role": "admin",
        },
    )
    assert answer.refusal == (400, "invalid")
    assert sorted(each["field"] for each in answer.body["errors"]) == [
        "address",
        "email",
        "first_name",
        "last_name",
        "password",
        "phone_number",
        "role",
    ]


@pytest.mark.parametrize("name", ["id", "role", "verified", "active", "password_hash", "is_admin"])
async def test_nobody_gives_himself_more_than_is_asked_for(api: Api, name: str) -> None:
    assert (await api.register(**{name: "admin"})).status == 400
    assert await api.db.fetchval("SELECT count(*) FROM accounts") == 0


BAD_BODIES = [
    b"",
    b"null",
    b"[]",
    b"[1,",
    b'"x"',
    b"{",
    b"\xff\xfe",
    b'{"email": "\\ud800"}',
    b'{"email": "a@b.c", "password": 9999999999999999999999999999}',
    b"[" * 60_000,
    b'{"email":' + b"[" * 60_000,
    b"{}" * 3,
    b'{"email":1e999}',
]


async def test_a_body_that_makes_no_sense_is_a_400(api: Api) -> None:
    for path in ("/register", "/login", "/refresh"):
        for body in BAD_BODIES:
            answer = await api.send("POST", path, data=body, headers={"Content-Type": "application/json"})
            assert answer.status == 400, (path, body[:20], answer.body)
            assert answer.headers["Content-Type"] == "application/problem+json"


async def test_text_that_no_database_takes_is_a_400(api: Api) -> None:
    bad = ["\x00", "a\x00b", "a\nb", "a\n", "a\u2028b", "\x7f", "   ", "\x85"]
    for field in ("email", "first_name", "last_name", "address", "phone_number"):
        for text in bad:
            answer = await api.register(**{field: text})
            assert answer.status == 400, (field, text)
            assert [each["field"] for each in answer.body["errors"]] == [field]
    for lone in ("\\ud800", "\\udc00", "\\udc00\\ud800"):
        body = registration(password="long enough SURROGATE", last_name="SURROGATE")
        raw = str(body).replace("'", '"').replace("SURROGATE", lone)
        answer = await api.send("POST", "/register", data=raw, headers={"Content-Type": "application/json"})
        assert answer.status == 400, lone


async def test_the_wrong_kind_or_size_of_body_is_refused(api: Api) -> None:
    form = await api.send("POST", "/register", data={"email": "ann@example.com"})
    assert form.status in {400, 415}
    huge = await api.register(address="x" * 70_000)
    assert huge.status in {400, 413}
