"""Partitions come and go while everybody reads and writes."""

from common.postgres.schema import attach_partitions

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    attach_partitions()
