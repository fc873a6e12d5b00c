"""`python -m deploy.compose.buckets`: MinIO's buckets, and who may do what with them, as a job."""

import json
import sys

import msgspec
from minio import Minio, MinioAdmin
from minio.credentials.providers import StaticProvider
from minio.error import MinioAdminException, MinioException

from common.settings import load
from deploy.privileges import s3
from media.model import PUBLIC


class BucketSettings(msgspec.Struct, frozen=True, kw_only=True):
    address: str
    user: str = s3.ADMIN
    password: str
    media_password: str = ""
    buckets: tuple[str, ...]


def make(settings: BucketSettings) -> list[str]:
    """Returns the new ones."""
    store = client(settings)
    missing = [name for name in settings.buckets if not store.bucket_exists(name)]
    for name in missing:
        store.make_bucket(name)
    return missing


def admit(settings: BucketSettings) -> None:
    """Everybody to what is public, by name; media to its buckets. Again is no harm."""
    store = client(settings)
    for bucket in PUBLIC:
        store.set_bucket_policy(bucket, json.dumps(s3.for_everybody(bucket)))
    provider = StaticProvider(settings.user, settings.password)
    administration = MinioAdmin(endpoint=settings.address, credentials=provider, secure=False)
    administration.policy_add(s3.MEDIA, policy=s3.policy())
    administration.user_add(s3.MEDIA, settings.media_password)
    administration.policy_set(s3.MEDIA, user=s3.MEDIA)


def client(settings: BucketSettings) -> Minio:
    return Minio(settings.address, access_key=settings.user, secret_key=settings.password, secure=False)


def main() -> None:
    settings = load(BucketSettings)
    try:
        print("made:", *make(settings))
        admit(settings)
    except (MinioException, MinioAdminException) as error:
        sys.exit(f"buckets: {error}")


if __name__ == "__main__":
    main()
