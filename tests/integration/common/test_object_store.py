"""MinIO as compose runs it: our job makes the buckets, and nobody else may do anything."""

import io

import pytest
from minio import Minio
from minio.error import S3Error

from deploy.compose.buckets import BucketSettings, make
from deploy.compose.settings import BUCKETS
from tests.servers import ObjectStore


def test_what_was_put_is_there_and_for_nobody_without_a_name(s3: ObjectStore) -> None:
    asked = BucketSettings(address=s3.address, user=s3.user, password=s3.password, buckets=BUCKETS)
    assert make(asked) == list(BUCKETS)
    assert make(asked) == []
    bucket, picture = BUCKETS[0], b"\x89PNG"
    store = Minio(s3.address, access_key=s3.user, secret_key=s3.password, secure=False)
    store.put_object(bucket, "lamp.png", io.BytesIO(picture), len(picture), "image/png")
    with store.get_object(bucket, "lamp.png") as answer:
        assert (answer.read(), answer.headers["Content-Type"]) == (picture, "image/png")

    nobody = Minio(s3.address, secure=False)
    with pytest.raises(S3Error, match="AccessDenied"):
        nobody.get_object(bucket, "lamp.png")
    with pytest.raises(S3Error, match="AccessDenied"):
        nobody.put_object(bucket, "lamp.png", io.BytesIO(b"other"), 5)
