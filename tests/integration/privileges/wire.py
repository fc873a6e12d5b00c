"""What the broker refuses, asked in its own protocol: a client library would keep some of it to itself."""

import asyncio
import re
from collections.abc import Iterable
from urllib.parse import unquote, urlsplit

import msgspec

VIOLATION = re.compile(r"-ERR 'Permissions Violation for (?:Publish|Subscription) to \"([^\"]+)\"")


async def refused_publishes(url: str, subjects: Iterable[str]) -> set[str]:
    """Each is said once, with two bytes that nobody understands."""
    return await _refused(url, (f"PUB {subject} 2\r\n{{}}\r\n" for subject in subjects))


async def refused_subscriptions(url: str, subjects: Iterable[str]) -> set[str]:
    return await _refused(url, (f"SUB {subject} {sid}\r\n" for sid, subject in enumerate(subjects)))


async def _refused(url: str, lines: Iterable[str]) -> set[str]:
    """The answer to PING comes after every refusal."""
    at = urlsplit(url)
    who = {"user": at.username, "pass": unquote(at.password or ""), "verbose": False}
    reader, writer = await asyncio.open_connection(at.hostname, at.port)
    writer.write(b"CONNECT %b\r\n" % msgspec.json.encode(who))
    writer.write("".join(lines).encode() + b"PING\r\n")
    try:
        async with asyncio.timeout(20):
            heard = await reader.readuntil(b"PONG\r\n")
    finally:
        writer.close()
    return set(VIOLATION.findall(heard.decode()))
