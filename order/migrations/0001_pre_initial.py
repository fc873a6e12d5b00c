"""The first schema."""

import sqlalchemy as sa
from alembic import op

from common.postgres.schema import create_common_tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_common_tables()
    op.create_table(
        "accounts",
        sa.Column("account_id", sa.Uuid, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("active", sa.Boolean, nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("phone_number", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("account_id", name="pk_accounts"),
    )
    _create_orders()
    op.create_table(
        "order_lines",
        sa.Column("order_id", sa.Uuid, nullable=False),
        sa.Column("line", sa.Integer, nullable=False),
        sa.Column("product_id", sa.Uuid, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("brand_name", sa.Text, nullable=False),
        sa.Column("price", sa.BigInteger, nullable=False),
        sa.Column("quantity", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("order_id", "line", name="pk_order_lines"),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name="fk_order_lines_order_id"),
        sa.CheckConstraint("price >= 0", name=op.f("ck_order_lines_price")),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_order_lines_quantity")),
    )


def _create_orders() -> None:
    op.create_table(
        "orders",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("account_id", sa.Uuid, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("total", sa.BigInteger),
        sa.Column("currency_code", sa.Text),
        sa.Column("address", sa.Text),
        sa.Column("phone_number", sa.Text),
        sa.Column("created_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("id", name="pk_orders"),
        sa.CheckConstraint(
            "status IN ('PROCESSING', 'APPROVED', 'CANCELED', 'REFUSED', 'TOMBSTONE')",
            name=op.f("ck_orders_status"),
        ),
        sa.CheckConstraint(
            "(status IN ('REFUSED', 'TOMBSTONE')) = (created_at IS NULL)", name=op.f("ck_orders_visible")
        ),
        sa.CheckConstraint(
            "num_nulls(created_at, total, currency_code, address, phone_number) IN (0, 5)",
            name=op.f("ck_orders_whole"),
        ),
        sa.CheckConstraint("(status = 'REFUSED') = (reason IS NOT NULL)", name=op.f("ck_orders_reason")),
        sa.CheckConstraint("total >= 0", name=op.f("ck_orders_total")),
        postgresql_with={"fillfactor": 60},
    )
    op.create_index(
        "ix_orders_account_id_id",
        "orders",
        ["account_id", "id"],
        postgresql_where=sa.text("created_at IS NOT NULL"),
    )
