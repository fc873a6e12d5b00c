"""The schema and the documents."""

import asyncpg
import jwt
import msgspec
import pytest

from account.settings import AccountSettings
from common.contracts.account import AccountLookup
from common.ids import new_id
from common.messaging.broker import broker
from common.messaging.requests import Requests
from common.postgres.migrate import on_database
from tests.integration.account.api import Api
from tests.servers import Servers

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_migrations_and_tables_agree(servers: Servers, account_settings: AccountSettings) -> None:
    await on_database(servers.owner_url(account_settings.database_url), "account", "check")


async def test_the_runtime_role_changes_no_schema(account_settings: AccountSettings) -> None:
    connection = await asyncpg.connect(account_settings.database_url)
    try:
        for statement in ("CREATE TABLE x ()", "DROP TABLE accounts", "ALTER TABLE accounts ADD x int"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
    finally:
        await connection.close()


async def test_the_key_set_is_public_cacheable_and_verifies_tokens(api: Api) -> None:
    me = await api.register()
    answer = await api.call("GET", "/jwks")
    assert answer.status == 200
    assert answer.headers["Cache-Control"] == "max-age=60, public"
    [key] = answer.body["keys"]
    assert set(key) == {"kty", "crv", "x", "kid", "alg", "use"}, "and nothing private"
    assert jwt.get_unverified_header(me.token) == {"alg": "EdDSA", "kid": key["kid"], "typ": "JWT"}
    claims = jwt.decode(me.token, jwt.PyJWK(key), algorithms=["EdDSA"], issuer="shop", audience="shop")
    assert set(claims) == {"iss", "aud", "sub", "sid", "jti", "iat", "exp", "use", "ver", "role", "verified"}
    assert (claims["sub"], claims["use"], claims["role"]) == (str(me.account_id), "access", "customer")
    assert (claims["verified"], claims["exp"] - claims["iat"]) == (False, 600)


async def test_the_openapi_document_has_every_route(api: Api) -> None:
    async with api.client.get("/api/v1/openapi/account.json") as response:
        assert response.status == 200
        document = await response.json(content_type=None)
    assert document["openapi"].startswith("3.1")
    assert {
        (method.upper(), path.removeprefix("/api/v1/account"))
        for path, methods in document["paths"].items()
        for method in methods
    } == {
        ("POST", "/register"),
        ("POST", "/login"),
        ("POST", "/refresh"),
        ("POST", "/logout"),
        ("POST", "/verify"),
        ("POST", "/verify/resend"),
        ("GET", "/sessions"),
        ("DELETE", "/sessions"),
        ("DELETE", "/sessions/{session_id}"),
        ("POST", "/password"),
        ("POST", "/password/forgot"),
        ("POST", "/password/reset"),
        ("GET", "/accounts"),
        ("GET", "/accounts/{account_id}"),
        ("PATCH", "/accounts/{account_id}"),
        ("GET", "/customer/personal"),
        ("PUT", "/customer/personal"),
        ("GET", "/customer/delivery"),
        ("PUT", "/customer/delivery"),
        ("GET", "/jwks"),
    }


async def test_one_page_shows_the_documents_of_all_services_from_here_alone(api: Api) -> None:
    async with api.client.get("/docs") as response:
        assert response.status == 200
        assert response.content_type == "text/html"
        assert "default-src 'none'" in response.headers["Content-Security-Policy"]
        page = await response.text()
    assert "http" not in page.replace("<!doctype html>", "")
    files = [part.split('"')[0] for part in page.replace('href="', 'src="').split('src="')[1:]]
    for file in files:
        async with api.client.get(file) as response:
            assert response.status == 200, file
    async with api.client.get("/docs/start.js") as response:
        script = await response.text()
    for service in ("account", "product", "order", "payment", "purchase"):
        assert f"/api/v1/openapi/{service}.json" in script


async def test_the_pages_files_are_all_that_is_served_there(api: Api) -> None:
    for path in ("/docs/files/../../METADATA", "/docs/files/%2e%2e/flask_swagger_ui.py", "/docs/files/"):
        async with api.client.get(path) as response:
            assert response.status in {404, 400}, path


async def test_another_service_learns_what_an_account_may_do_and_nothing_of_the_person(api: Api) -> None:
    ann, unknown = await api.register(), new_id()
    async with broker(api.settings.nats_url, "asker") as connection:
        await connection.ready()
        question = AccountLookup(account_ids=[ann.account_id, unknown, ann.account_id])
        told = await Requests(connection).ask(question, timeout=30)
    assert [msgspec.to_builtins(each) for each in told] == [
        {"id": str(ann.account_id), "active": True, "verified": False, "role": "customer"}
    ]
