"""The catalogue, its stock and the purchases' reservations."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from common.postgres.schema import create_common_tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

VACUUM = {"autovacuum_vacuum_scale_factor": 0.05, "autovacuum_vacuum_cost_delay": 0}


def upgrade() -> None:
    create_common_tables()
    _catalogue()
    _stock()


def _now(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now())


def _catalogue() -> None:
    op.create_table(
        "categories",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("owner_id", sa.Uuid, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        _now("created_at"),
        _now("updated_at"),
        sa.PrimaryKeyConstraint("id", name="pk_categories"),
    )
    op.create_table(
        "products",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("seller_id", sa.Uuid, nullable=False),
        sa.Column("category_id", sa.Uuid),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("brand_name", sa.Text, nullable=False),
        sa.Column("price", sa.BigInteger, nullable=False),
        sa.Column("currency_code", sa.Text, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False, server_default="1"),
        _now("created_at"),
        _now("updated_at"),
        sa.Column("deleted_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("id", name="pk_products"),
        sa.ForeignKeyConstraint(["category_id"], ["categories.id"], name="fk_products_category_id"),
        sa.CheckConstraint("price > 0", name="ck_products_price"),
        sa.CheckConstraint("currency_code ~ '^[A-Z]{3}$'", name="ck_products_currency_code"),
        sa.CheckConstraint("(category_id IS NULL) = (deleted_at IS NOT NULL)", name="ck_products_category"),
    )
    op.create_index("ix_products_category_id_id", "products", ["category_id", "id"])


def _stock() -> None:
    op.create_table(
        "stock",
        sa.Column("product_id", sa.Uuid, nullable=False),
        sa.Column("received", sa.BigInteger, nullable=False),
        sa.Column("available", sa.BigInteger, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False, server_default="1"),
        sa.PrimaryKeyConstraint("product_id", name="pk_stock"),
        sa.ForeignKeyConstraint(["product_id"], ["products.id"], name="fk_stock_product_id"),
        sa.CheckConstraint("available >= 0", name="ck_stock_available"),
        sa.CheckConstraint("received >= available", name="ck_stock_received"),
        postgresql_with={"fillfactor": 50} | VACUUM,
    )
    op.create_table(
        "reservations",
        sa.Column("purchase_id", sa.Uuid, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("items", JSONB, nullable=False, server_default="[]"),
        sa.Column("total", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("currency_code", sa.Text),
        _now("created_at"),
        _now("updated_at"),
        sa.PrimaryKeyConstraint("purchase_id", name="pk_reservations"),
        sa.CheckConstraint(
            "status IN ('NEW', 'DONE', 'REFUSED', 'UNDONE', 'TOMBSTONE')", name="ck_reservations_status"
        ),
        sa.CheckConstraint("(status = 'REFUSED') = (reason IS NOT NULL)", name="ck_reservations_reason"),
        sa.CheckConstraint(
            "status <> 'DONE' OR (total > 0 AND currency_code IS NOT NULL)", name="ck_reservations_total"
        ),
        postgresql_with={"fillfactor": 20} | VACUUM,
    )
