"""Tokens end by the version they were signed from, not by a time: clocks differ."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "accounts", sa.Column("least_version", sa.BigInteger(), server_default=sa.text("1"), nullable=False)
    )
    op.drop_column("accounts", "not_before")
