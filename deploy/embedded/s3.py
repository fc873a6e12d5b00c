"""The object store: SeaweedFS in one process, everything on loopback and only S3 of use to anybody."""

from collections.abc import Callable

from deploy.embedded.executables import weed
from deploy.embedded.layout import Layout, write_private
from deploy.embedded.passwords import Passwords
from deploy.embedded.probes import Answers
from deploy.embedded.program import Program
from deploy.privileges.s3 import ADMIN, identities
from media.model import BUCKETS

MEMORY = "400MiB"
"""What Go's garbage collector tries to keep to: far more than is needed. At 150 MiB it never rested."""


def program(layout: Layout, passwords: Passwords) -> Program:
    """Write who may what, and say how to run it."""
    file = write_private(layout.private("settings") / "s3.json", identities(passwords.at_s3))
    folder = layout.private("s3")
    (folder / "mini.options").unlink(missing_ok=True)  # its last start's; the ports may be others now
    return Program(
        name="s3",
        command=(
            str(weed()),
            "-logtostderr=true",
            "mini",
            f"-dir={folder}",
            *options(layout.port, str(file)),
        ),
        group="servers",
        ready=Answers(layout.port("s3"), "/healthz"),
        port=layout.port("s3"),
        environment={"GOMEMLIMIT": MEMORY, "GOGC": "25"},
    )


def options(port: Callable[[str], int], identities: str) -> list[str]:
    """All of its ports, also those that its parts use among themselves.

    Nobody needs its administration, but without it the program ends itself; and run as `server` it has eight
    volumes, fewer than three buckets take, and needs ten seconds to stop and twenty to start again.
    """
    known: dict[str, object] = {
        "ip": "127.0.0.1",
        "ip.bind": "127.0.0.1",
        "s3.config": identities,
        "s3.port": port("s3"),
        "s3.port.grpc": port("s3_grpc"),
        "s3.port.iceberg": 0,
        "s3.port.lance": 0,
        "s3.iam": "false",
        "master.port": port("s3_master"),
        "master.port.grpc": port("s3_master_grpc"),
        "master.volumeSizeLimitMB": 64,
        "master.telemetry": "false",
        "volume.port": port("s3_volume"),
        "volume.port.grpc": port("s3_volume_grpc"),
        "filer.port": port("s3_filer"),
        "filer.port.grpc": port("s3_filer_grpc"),
        "admin.ui": "false",
        "admin.port": port("s3_admin"),
        "admin.port.grpc": port("s3_admin_grpc"),
        "webdav": "false",
    }
    return [f"-{name}={value}" for name, value in known.items()]


def make_buckets(layout: Layout, passwords: Passwords) -> None:
    """Those that are not there yet. Who may read them stands in the file above."""
    from deploy.compose.buckets import BucketSettings, make  # noqa: PLC0415 - slow to import, for every command

    make(
        BucketSettings(
            address=layout.address("s3"), user=ADMIN, password=passwords.at_s3(ADMIN), buckets=BUCKETS
        )
    )
