"""The object store, over S3: the minio client signs and lists, the rest is plain HTTP with an end to it.

An object appears when it has come whole, or not at all: one PUT, streamed from a file.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import BinaryIO
from urllib.parse import urlsplit

import aiohttp
import urllib3
from minio import Minio
from minio.error import MinioException

from common.breaker import Breaker, Open
from common.telemetry import spans
from media.model import IMAGES
from media.settings import MediaSettings
from media.signing import Signer

log = logging.getLogger(__name__)

ATTEMPTS = 3
PAUSE = 0.2
"""Seconds before the second attempt; twice as long before the third."""
PATIENCE = 5.0
LEAST_SPEED = 2**20
"""Bytes a second that it must take at least."""
CHUNK = 2**18
PAGE = 1000
SIGNED_FOR = timedelta(minutes=10)
PROBE = aiohttp.ClientTimeout(total=1.5)
LOOKED_FOR = "nothing"
FOR_EVER = "public, max-age=31536000, immutable"


class StoreAway(OSError):
    """It does not answer now, or not as it should."""


class Store:
    """While it is away nobody waits for it: the probe of /readyz finds out when it is back."""

    def __init__(self, session: aiohttp.ClientSession, settings: MediaSettings) -> None:
        self.session = session
        self._signer = client(settings, settings.s3_address, secure=settings.s3_secure)
        public = urlsplit(settings.s3_public_url)
        self._public = client(settings, public.netloc, secure=public.scheme == "https")
        self._breaker = Breaker()
        self._url = settings.s3_public_url.rstrip("/")
        self._uploads = Signer(settings.s3_user, settings.s3_password, settings.s3_region)
        self.link_seconds = settings.link_seconds

    def url(self, bucket: str, name: str) -> str:
        """Where anybody finds it."""
        return f"{self._url}/{bucket}/{name}"

    def link(self, bucket: str, name: str, filename: str) -> str:
        """To save it under a name; good for a while."""
        disposition: dict[str, str | list[str] | tuple[str]] = {
            "response-content-disposition": f'attachment; filename="{filename}"'
        }
        return self._public.get_presigned_url(
            "GET", bucket, name, timedelta(seconds=self.link_seconds), response_headers=disposition
        )

    def upload_link(self, bucket: str, name: str, size: int) -> tuple[str, datetime]:
        """To put exactly so many bytes there, and until when."""
        now = datetime.now(UTC)
        url = self._uploads.put(self.url(bucket, name), size=size, now=now, seconds=self.link_seconds)
        return url, now + timedelta(seconds=self.link_seconds)

    def expect(self) -> None:
        """Raises StoreAway where it is known to be."""
        if self._breaker.is_open:
            raise StoreAway("the object store is away")

    async def reachable(self) -> None:
        """The readiness probe, which also finds out whether it is back. Raises Open."""
        try:
            await self._once("HEAD", IMAGES, LOOKED_FOR, timeout=PROBE)
        except StoreAway as error:
            raise Open from error

    async def put(self, bucket: str, name: str, file: BinaryIO, content_type: str, filename: str) -> int:
        """Returns its size. Raises StoreAway."""
        size = file.seek(0, 2)
        headers = {
            "Content-Type": content_type,
            "Content-Length": str(size),
            "Content-Disposition": f'inline; filename="{filename}"',
            "Cache-Control": FOR_EVER,
        }
        timeout = aiohttp.ClientTimeout(total=PATIENCE + size / LEAST_SPEED, sock_connect=PATIENCE)
        for attempt in range(1, ATTEMPTS + 1):
            file.seek(0)
            try:
                await self._once("PUT", bucket, name, timeout=timeout, data=_chunks(file), headers=headers)
            except StoreAway:
                if attempt == ATTEMPTS:
                    raise
                await asyncio.sleep(PAUSE * attempt)
            else:
                break
        return size

    async def remove(self, bucket: str, name: str) -> None:
        """Again is no harm. Raises StoreAway."""
        await self._once("DELETE", bucket, name)

    async def has(self, bucket: str, name: str) -> bool:
        """Raises StoreAway."""
        return await self._once("HEAD", bucket, name) == 200

    @asynccontextmanager
    async def read(self, bucket: str, name: str) -> AsyncIterator[AsyncIterator[bytes] | None]:
        """Piece by piece; None for what is not there. Raises StoreAway."""
        url = self._signer.get_presigned_url("GET", bucket, name, SIGNED_FOR)
        patience = aiohttp.ClientTimeout(sock_connect=PATIENCE, sock_read=PATIENCE)
        try:
            with _span("GET", bucket):
                response = await self.session.get(url, timeout=patience, allow_redirects=False)
            async with response:
                if response.status not in {200, 404}:
                    raise StoreAway(f"status {response.status}")
                yield response.content.iter_chunked(CHUNK) if response.status == 200 else None
        except aiohttp.ClientError as error:
            self._breaker.failed()
            raise StoreAway(repr(error)) from error

    async def names(self, bucket: str, after: str) -> list[str]:
        """A page of them, in their order. Raises StoreAway."""
        listing = self._signer.list_objects(bucket, start_after=after, recursive=True)
        try:
            with _span("LIST", bucket):
                found = await asyncio.to_thread(lambda: list(islice(listing, PAGE)))
        except (MinioException, urllib3.exceptions.HTTPError, OSError) as error:
            raise StoreAway(repr(error)) from error
        return [str(each.object_name) for each in found]

    async def _once(
        self,
        method: str,
        bucket: str,
        name: str,
        *,
        timeout: aiohttp.ClientTimeout | None = None,
        data: AsyncIterator[bytes] | None = None,
        headers: dict[str, str] | None = None,
    ) -> int:
        """404 is an answer."""
        url = self._signer.get_presigned_url(method, bucket, name, SIGNED_FOR)
        patience = timeout or aiohttp.ClientTimeout(total=PATIENCE)
        try:
            with _span(method, bucket):
                async with self.session.request(
                    method, url, data=data, headers=headers, timeout=patience, allow_redirects=False
                ) as response:
                    status = response.status
                    spans.note("http.response.status_code", status)
        except (aiohttp.ClientError, OSError) as error:
            self._breaker.failed()
            raise StoreAway(repr(error)) from error
        if status not in {200, 204, 404} or (status == 404 and method == "PUT"):
            self._breaker.failed()
            log.error("%s %s/%s: the object store answered %d", method, bucket, name, status)
            raise StoreAway(f"status {status}")
        self._breaker.succeeded()
        return status


def _span(method: str, bucket: str) -> AbstractContextManager[object]:
    """Without the object's name, which would open it to whoever reads the trace."""
    return spans.span(
        f"S3 {method}", {"rpc.system": "aws-api", "rpc.method": method, "aws.s3.bucket": bucket}
    )


async def _chunks(file: BinaryIO) -> AsyncIterator[bytes]:
    while chunk := await asyncio.to_thread(file.read, CHUNK):
        yield chunk


def client(settings: MediaSettings, address: str, *, secure: bool) -> Minio:
    """The region is given, so that nothing is asked in order to sign."""
    return Minio(
        address,
        access_key=settings.s3_user,
        secret_key=settings.s3_password,
        secure=secure,
        region=settings.s3_region,
        http_client=urllib3.PoolManager(timeout=PATIENCE, maxsize=2, retries=False),
    )


@asynccontextmanager
async def connect(settings: MediaSettings) -> AsyncIterator[Store]:
    """Opens no connection before it is used."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        yield Store(session, settings)
