"""Every service that uses Redis tries every other's keys and channels, and the commands that nobody needs."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from redis.asyncio import Redis
from redis.exceptions import AuthenticationError, NoPermissionError, ResponseError

from common.redis import Bell
from deploy.privileges import redis
from tests.servers import Servers

DANGEROUS = [
    *("FLUSHALL", "FLUSHDB", "KEYS *", "SCAN 0", "RANDOMKEY", "DBSIZE", "SAVE", "BGSAVE", "SHUTDOWN NOSAVE"),
    *(
        "CONFIG GET *",
        "CONFIG SET requirepass x",
        "ACL LIST",
        "ACL WHOAMI",
        "ACL SETUSER account +@all",
        "OBJECT HELP",
    ),
    *("EVAL return(1) 0", "FUNCTION LIST", "SCRIPT FLUSH", "MODULE LIST", "MONITOR", "INFO", "SLOWLOG GET"),
    *(
        "CLIENT LIST",
        "CLIENT KILL TYPE normal",
        "REPLICAOF NO ONE",
        "PSYNC ? -1",
        "MIGRATE 127.0.0.1 1 x 0 1",
        "SWAPDB 0 1",
    ),
    *("CLUSTER RESET", "CLUSTER FAILOVER", "PSUBSCRIBE *", "PUBSUB CHANNELS", "LATENCY RESET", "WAIT 1 1"),
]
ON_KEYS = [
    "PEXPIRE {} 1",
    "ZADD {} 1 a",
    "ZRANGE {} 0 -1",
    "CF.RESERVE {} 100",
    "CF.INSERTNX {} NOCREATE ITEMS a",
    "CF.MEXISTS {} a",
    "CF.DEL {} a",
    "BF.RESERVE {} 0.1 100",
    "BF.INSERT {} NOCREATE ITEMS a",
    "BF.MEXISTS {} a",
    "GET {}",
    "SET {} 1",
    "DEL {}",
    "INCRBY {} 1",
    "DECRBY {} 1",
    "EXPIRE {} 1",
    "PTTL {}",
    "EXISTS {}",
    "TYPE {}",
    "DUMP {}",
]
ON_CHANNELS = ["PUBLISH {} x", "SUBSCRIBE {}", "SPUBLISH {} x"]
NAMES = [
    "limits:a",
    "limits:{a}:b",
    "purchase:events",
    "purchase:a",
    "account:a",
    "product:a",
    "order:a",
    "payment:a",
    "limitsx",
    "a",
    "*",
]

ON_LIMITS = ("INCRBY {} 1", "DECRBY {} 1", "EXPIRE {} 1", "EXISTS {}", "DEL {}")
ON_ANSWERS = ("GET {}", "SET {} 1", "PTTL {}", "ZRANGE {} 0 -1")
ON_CHANGES = ("ZADD {} 1 a", "PEXPIRE {} 1")
ON_FILTERS = (
    *("CF.RESERVE {} 100", "CF.INSERTNX {} NOCREATE ITEMS a", "CF.MEXISTS {} a"),
    *("BF.RESERVE {} 0.1 100", "BF.INSERT {} NOCREATE ITEMS a", "BF.MEXISTS {} a"),
)
ON_BELL = ("PUBLISH {} x", "SUBSCRIBE {}")


def each_on(names: tuple[str, ...], *commands: str) -> set[str]:
    return {command.format(name) for command in commands for name in names}


ALLOWED = {
    "account": each_on(("limits:a", "limits:{a}:b", "account:a"), *ON_LIMITS, *ON_ANSWERS, *ON_CHANGES)
    | each_on(("account:a",), *ON_BELL),
    "product": each_on(("product:a",), *ON_ANSWERS, *ON_CHANGES, "DEL {}", *ON_FILTERS, *ON_BELL),
    "order": each_on(("order:a",), *ON_ANSWERS),
    "payment": each_on(("payment:a",), *ON_ANSWERS),
    "purchase": each_on(("purchase:events", "purchase:a"), *ON_BELL),
    "health": set[str](),
}
"""Written down, not derived."""

PROBES = [*DANGEROUS, *(each.format(name) for each in (*ON_KEYS, *ON_CHANNELS) for name in NAMES)]


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[Redis]:
    async with Redis.from_url(url, single_connection_client=True, protocol=2) as client:
        yield client


async def is_refused(url: str, probe: str) -> bool:
    """A connection each: one that has subscribed knows other commands."""
    async with connected(url) as client:
        try:
            await client.execute_command(*probe.split(" "))  # type: ignore[no-untyped-call]  # redis-py
        except NoPermissionError:
            return True
        except ResponseError:  # it was let in, and then did not like the question
            return False
    return False


@pytest.mark.parametrize("user", ALLOWED)
async def test_nobody_does_what_is_not_its_own(user: str, servers: Servers) -> None:
    url = servers.redis_url_of(user)
    refused = {probe for probe in PROBES if await is_refused(url, probe)}
    print(f"{user}: refused are {len(refused)} of {len(PROBES)} commands")  # noqa: T201  # how much was tried
    assert set(PROBES) - refused == ALLOWED[user]


async def test_whoever_brings_no_name_is_nobody(servers: Servers) -> None:
    name = redis.HEALTH
    url = servers.redis_url_of(name)
    for stranger in (
        url.replace(url[8 : url.index("@") + 1], ""),
        url.replace(f"{name}:", f"{name}:x"),
        url.replace(name, ""),
    ):
        with pytest.raises(AuthenticationError):
            async with connected(stranger) as client:
                await client.ping()


async def test_a_bell_needs_no_more_than_its_users_rights(servers: Servers) -> None:
    async with connected(servers.redis_url) as admin:
        await admin.acl_log_reset()
        bell = Bell(servers.redis_url_of("purchase"), "purchase:events", cluster=False)
        async with bell.listening() as rung:
            await bell.ring(b"now")
            assert await anext(rung) == b"now"
        await bell.answers()
        await bell.aclose()
        assert await admin.acl_log() == []
