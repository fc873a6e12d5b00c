"""The object store's rights: each tries what it may not, in both stacks."""

import io
from collections.abc import Callable
from urllib.request import Request, urlopen

import pytest
from minio import Minio
from minio.error import S3Error

from deploy.privileges.s3 import ADMIN, MEDIA
from media.model import BUCKETS, IMAGES, PUBLIC, STAGED
from tests.servers import Servers

PICTURE = b"\x89PNG, as it were"


def client(servers: Servers, user: str | None = None) -> Minio:
    password = {ADMIN: servers.s3.password, MEDIA: servers.s3.media_password}.get(user or "")
    return Minio(servers.s3.address, access_key=user, secret_key=password, secure=False, region="us-east-1")


def put(store: Minio, bucket: str, name: str = "lamp") -> None:
    store.put_object(bucket, name, io.BytesIO(PICTURE), len(PICTURE), "image/png")


@pytest.fixture
def other(servers: Servers) -> str:
    """A bucket that is nobody's."""
    store = client(servers, ADMIN)
    if not store.bucket_exists("other"):
        store.make_bucket("other")
        put(store, "other")
    return "other"


def refused(attempts: dict[str, Callable[[], object]]) -> None:
    allowed = {what for what, attempt in attempts.items() if not is_refused(attempt)}
    assert allowed == set()


def is_refused(attempt: Callable[[], object]) -> bool:
    try:
        attempt()
    except S3Error as error:
        return error.code in {"AccessDenied", "MethodNotAllowed"}
    return False


def test_media_keeps_its_own_buckets_and_nothing_else(servers: Servers, other: str) -> None:
    store = client(servers, MEDIA)
    for bucket in BUCKETS:
        put(store, bucket)
        assert "lamp" in [each.object_name for each in store.list_objects(bucket)]
        store.remove_object(bucket, "lamp")
    refused(
        {
            "read": lambda: store.get_object(other, "lamp"),
            "write": lambda: put(store, other),
            "list": lambda: list(store.list_objects(other)),
            "delete": lambda: store.remove_object(other, "lamp"),
            "a bucket": lambda: store.make_bucket("mine"),
            "no bucket": lambda: store.remove_bucket(IMAGES),
            "a policy": lambda: store.set_bucket_policy(IMAGES, "{}"),
        }
    )


def test_everybody_reads_what_is_public_by_its_name_and_in_parts(servers: Servers, other: str) -> None:
    store = client(servers, MEDIA)
    for bucket in PUBLIC:
        put(store, bucket)
        url = f"http://{servers.s3.address}/{bucket}/lamp"
        with urlopen(url) as answer:
            assert (answer.read(), answer.headers["Content-Type"]) == (PICTURE, "image/png")
        with urlopen(Request(url, headers={"Range": "bytes=1-3"})) as answer:
            assert (answer.status, answer.read()) == (206, PICTURE[1:4])
            assert answer.headers["Content-Range"] == f"bytes 1-3/{len(PICTURE)}"
    nobody = client(servers)
    refused(
        {
            "read": lambda: nobody.get_object(other, "lamp"),
            "a staged upload": lambda: nobody.get_object(STAGED, "lamp"),
            "write": lambda: put(nobody, IMAGES),
            "list": lambda: list(nobody.list_objects(IMAGES)),
            "delete": lambda: nobody.remove_object(IMAGES, "lamp"),
        }
    )
    for bucket in PUBLIC:
        store.remove_object(bucket, "lamp")
