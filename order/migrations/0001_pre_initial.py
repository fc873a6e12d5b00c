"""The first schema."""

import sqlalchemy as sa
from alembic import op

from common.postgres.schema import create_partitions

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(sa.schema.CreateSequence(sa.Sequence("outbox_position", data_type=sa.BigInteger())))
    op.create_table(
        "accounts",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("phone_number", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_accounts")),
    )
    op.create_table(
        "dead_letter",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=True),
        sa.Column("durable", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("deliveries", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("parked_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dead_letter")),
    )
    op.create_table(
        "inbox",
        sa.Column("issued_on", sa.Date(), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("issued_on", "message_id", name=op.f("pk_inbox")),
        postgresql_partition_by="RANGE (issued_on)",
    )
    op.create_table(
        "orders",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("total", sa.BigInteger(), nullable=True),
        sa.Column("currency_code", sa.Text(), nullable=True),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("phone_number", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(status = 'REFUSED') = (reason IS NOT NULL)", name=op.f("ck_orders_reason")),
        sa.CheckConstraint(
            "(status IN ('REFUSED', 'TOMBSTONE')) = (created_at IS NULL)", name=op.f("ck_orders_visible")
        ),
        sa.CheckConstraint(
            "status IN ('PROCESSING', 'APPROVED', 'CANCELED', 'REFUSED', 'TOMBSTONE')",
            name=op.f("ck_orders_status"),
        ),
        sa.CheckConstraint(
            "num_nulls(created_at, total, currency_code, address, phone_number) IN (0, 5)",
            name=op.f("ck_orders_whole"),
        ),
        sa.CheckConstraint("total >= 0", name=op.f("ck_orders_total")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_orders")),
        postgresql_with={"fillfactor": 60},
    )
    op.create_index(
        "ix_orders_account_id_id",
        "orders",
        ["account_id", "id"],
        unique=False,
        postgresql_where=sa.text("created_at IS NOT NULL"),
    )
    op.create_table(
        "outbox",
        sa.Column(
            "created_on",
            sa.Date(),
            server_default=sa.text("((now() AT TIME ZONE 'utc')::date)"),
            nullable=False,
        ),
        sa.Column(
            "position", sa.BigInteger(), server_default=sa.text("nextval('outbox_position')"), nullable=False
        ),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("correlation_id", sa.Text(), nullable=False),
        sa.Column("causation_id", sa.Text(), nullable=True),
        sa.Column("traceparent", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("created_on", "position", name=op.f("pk_outbox")),
        postgresql_partition_by="RANGE (created_on)",
    )
    op.create_index(
        "ix_outbox_unpublished",
        "outbox",
        ["created_at"],
        unique=False,
        postgresql_where=sa.text("published_at IS NULL"),
    )
    op.create_table(
        "order_lines",
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("product_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("brand_name", sa.Text(), nullable=False),
        sa.Column("price", sa.BigInteger(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("price >= 0", name=op.f("ck_order_lines_price")),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_order_lines_quantity")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_order_lines_order_id")),
        sa.PrimaryKeyConstraint("order_id", "line", name=op.f("pk_order_lines")),
    )
    create_partitions()
