"""What a request may not leave open or bring: a parameter twice, hostile values; and what OPTIONS tells."""

import asyncio
import io
import re
import sys
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit
from uuid import UUID

import pytest
from yarl import URL

from tests.security import hostile
from tests.security.cast import Cast
from tests.servers import Servers

pytestmark = pytest.mark.asyncio(loop_scope="module")

LONGEST = 10.0
"""Seconds to the refusal of a request."""


async def test_options_names_the_methods_of_the_document(shop: Cast) -> None:
    methods: defaultdict[str, set[str]] = defaultdict(set)
    for route in shop.routes:
        methods[route.path].add(route.method)
    headers = await shop.headers("customer")
    for path, known in methods.items():
        filled = "/".join(str(UUID(int=1)) if "{" in part else part for part in path.split("/"))
        answer = await shop.ask("OPTIONS", filled, headers=headers)
        assert set(answer.headers["Allow"].split(", ")) == known | {"OPTIONS"}, path


async def test_a_parameter_comes_once_and_null_is_no_value(shop: Cast) -> None:
    headers, cases = await shop.headers("admin"), 0
    for route in shop.routes:
        ids = [each["name"] for each in route.parameters if each["in"] == "path"]
        path = route.path.format(**{each: await shop.owned(each, by="admin") for each in ids})
        for parameter in route.parameters:
            if parameter["in"] != "query":
                continue
            name, schema = parameter["name"], route.resolved(parameter["schema"])
            is_text = schema.get("type") == "string" and not {"format", "enum"} & schema.keys()
            is_text = is_text and re.search(schema.get("pattern", ""), "null") is not None
            twice = await shop.ask("GET", f"{path}?{name}=1&{name}=1", headers=headers)
            null = await shop.ask("GET", f"{path}?{name}=null", headers=headers)
            assert (twice.status, null.status) == (400, 200 if is_text else 400), (route.name, name)
            assert twice.json["errors"][0]["field"] == name
            cases += 1
    assert cases > 20


async def refusal(shop: Cast, case: hostile.Case, headers: Mapping[str, str]) -> tuple[int, str]:
    """The status, and of what kind the body is. The path goes out as it stands."""
    url = URL(shop.shop.shop.url(case.path), encoded=True)
    body = None if case.body is None else io.BytesIO(case.body)
    sent = {**headers, **case.headers}
    async with shop.shop.shop.session.request(case.route.method, url, data=body, headers=sent) as response:
        if response.content_type != "text/event-stream":
            await response.read()
        return response.status, response.content_type


async def test_no_hostile_value_is_taken_or_breaks_anything(
    shop: Cast, capsys: pytest.CaptureFixture[str]
) -> None:
    headers, slots = await shop.headers("admin"), asyncio.Semaphore(16)
    wrong, times, slow = [], [], []

    async def attempt(case: hostile.Case) -> None:
        async with slots:
            began = time.perf_counter()
            status, kind = await refusal(shop, case, headers)
            times.append(time.perf_counter() - began)
            if times[-1] >= LONGEST:
                slow.append(case)
        if not 400 <= status < 500 or kind != "application/problem+json":
            wrong.append((case.route.name, case.place, status, kind))

    await asyncio.gather(*map(attempt, hostile.cases(shop.routes)))
    with capsys.disabled():
        sys.stdout.write(f"\n{len(times)} hostile requests, the slowest took {max(times):.2f} s\n")
    assert len(times) > 2000
    assert wrong == [], "\n".join(map(str, wrong))
    for case in slow:  # alone this time: what else this machine does may have held it up
        began = time.perf_counter()
        await refusal(shop, case, headers)
        assert time.perf_counter() - began < LONGEST, (case.route.name, case.place)


async def test_nobody_was_reached_but_the_servers_of_the_shop(shop: Cast, servers: Servers) -> None:
    """Whatever was asked in this file, no service went anywhere for it (API7)."""
    services = [next(each) for each in shop.shop.shop.replicas.values()]
    always = [shop.shop.psp.url, servers.nats_url, servers.redis_url, *shop.shop.databases.values()]
    always += [servers.mail_api, f"//{servers.smtp_host}:{servers.smtp_port}"]
    assert {host for host, _ in shop.reached} <= {"127.0.0.1", "localhost", "::1"}
    reached = {port for _, port in shop.reached}
    assert ports(always) <= reached <= ports([*always, *services, f"//{servers.s3.address}"])


def ports(urls: Iterable[str]) -> set[int | None]:
    return {urlsplit(url).port for url in urls}
