"""Pictures and videos, the products they belong to, and who may call."""

import sqlalchemy as sa
from alembic import op

from common.postgres.schema import create_common_tables
from common.standing.schema import create_standing_tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_common_tables()
    create_standing_tables()
    op.create_table(
        "products",
        sa.Column("product_id", sa.Uuid, nullable=False),
        sa.Column("seller_id", sa.Uuid),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("deleted", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("product_id", name="pk_products"),
        sa.CheckConstraint("deleted OR seller_id IS NOT NULL", name="ck_products_seller"),
    )
    _media()


def _now(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now())


def _media() -> None:
    op.create_table(
        "media",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("product_id", sa.Uuid, nullable=False),
        sa.Column("account_id", sa.Uuid, nullable=False),
        sa.Column("format", sa.Text, nullable=False),
        sa.Column("alt", sa.Text, nullable=False),
        sa.Column("width", sa.Integer),
        sa.Column("height", sa.Integer),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("status", sa.Text, nullable=False, server_default="PENDING"),
        _now("created_at"),
        _now("due_at"),
        sa.PrimaryKeyConstraint("id", name="pk_media"),
        sa.CheckConstraint("status IN ('PENDING', 'STORED', 'REMOVED')", name="ck_media_status"),
        sa.CheckConstraint("format IN ('image/png', 'image/jpeg', 'video/mp4')", name="ck_media_format"),
        sa.CheckConstraint("size > 0", name="ck_media_size"),
    )
    op.create_index("ix_media_product_id_id", "media", ["product_id", "id"])
    op.create_index("ix_media_due_at", "media", ["due_at"], postgresql_where=sa.text("status <> 'STORED'"))
