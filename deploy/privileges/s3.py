"""Who may what at the object store: media its own buckets, everybody a look at what is public.

Once for SeaweedFS, which reads a file, and once for MinIO, which is told.
"""

import json
from collections.abc import Callable, Iterable

from media.model import BUCKETS, PUBLIC

ADMIN, MEDIA = "shop", "media"
"""The first makes the buckets; no service has its password."""

VERSION = "2012-10-17"


def identities(password: Callable[[str], str]) -> str:
    """SeaweedFS' file. Who signs with no name is anonymous."""
    known = [
        _identity(ADMIN, password(ADMIN), ["Admin", "Read", "Write", "List"]),
        _identity(MEDIA, password(MEDIA), _on(("Read", "Write", "List"), BUCKETS)),
        {"name": "anonymous", "actions": _on(("Read",), PUBLIC)},
    ]
    return json.dumps({"identities": known}, indent=2)


def policy() -> dict[str, object]:
    """MinIO's, of media."""
    objects = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"]
    return _policy(
        {"Effect": "Allow", "Action": objects, "Resource": [f"{_resource(each)}/*" for each in BUCKETS]},
        {"Effect": "Allow", "Action": ["s3:ListBucket"], "Resource": [_resource(each) for each in BUCKETS]},
    )


def for_everybody(bucket: str) -> dict[str, object]:
    """A public bucket's own policy: its objects by their names, and no list of them."""
    return _policy(
        {
            "Effect": "Allow",
            "Principal": {"AWS": ["*"]},
            "Action": ["s3:GetObject"],
            "Resource": [f"{_resource(bucket)}/*"],
        }
    )


def _policy(*statements: dict[str, object]) -> dict[str, object]:
    return {"Version": VERSION, "Statement": list(statements)}


def _resource(bucket: str) -> str:
    return f"arn:aws:s3:::{bucket}"


def _identity(user: str, password: str, actions: list[str]) -> dict[str, object]:
    return {
        "name": user,
        "credentials": [{"accessKey": user, "secretKey": password}],
        "actions": actions,
    }


def _on(actions: Iterable[str], buckets: Iterable[str]) -> list[str]:
    return [f"{action}:{bucket}" for action in actions for bucket in buckets]
