"""`python -m deploy.compose.buckets`: the buckets that are not there yet, as a job."""

import msgspec
from minio import Minio

from common.settings import load


class BucketSettings(msgspec.Struct, frozen=True, kw_only=True):
    address: str
    user: str = "shop"
    password: str
    buckets: tuple[str, ...]


def make(settings: BucketSettings) -> list[str]:
    """Returns the new ones."""
    store = Minio(settings.address, access_key=settings.user, secret_key=settings.password, secure=False)
    missing = [name for name in settings.buckets if not store.bucket_exists(name)]
    for name in missing:
        store.make_bucket(name)
    return missing


if __name__ == "__main__":
    print("made:", *make(load(BucketSettings)))
