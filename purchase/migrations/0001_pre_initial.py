"""The purchases, the event log, and the guard of their decisions."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from common.postgres.schema import create_common_tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# The compare-and-set is the code's; this is what an operator or a mistake runs into (invariant I5).
GUARD = """
CREATE FUNCTION guard_decision() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'purchase % is decided: % never becomes %', OLD.id, OLD.status, NEW.status
    USING ERRCODE = 'integrity_constraint_violation';
END $$
"""
GUARDED = """
CREATE TRIGGER decision_is_final BEFORE UPDATE OF status ON purchases
FOR EACH ROW WHEN (OLD.status <> 'PENDING' AND NEW.status IS DISTINCT FROM OLD.status)
EXECUTE FUNCTION guard_decision()
"""


def upgrade() -> None:
    create_common_tables()
    op.create_table(
        "purchases",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False, server_default="PENDING"),
        sa.Column("reason", sa.Text()),
        sa.Column("rank", sa.SmallInteger(), nullable=False, server_default="0"),
        sa.Column("attempt", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("issued_on", sa.Date(), nullable=False),
        sa.Column("acknowledged", sa.SmallInteger(), nullable=False, server_default="0"),
        sa.Column("items", postgresql.JSONB(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("currency_code", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("installments", sa.SmallInteger(), nullable=False),
        sa.Column("payment_token", sa.Text()),
        sa.Column("traceparent", sa.Text()),
        sa.Column("last_seq", sa.Integer(), nullable=False, server_default="1"),
        sa.Column("idempotency_key", sa.Text()),
        sa.Column("request_hash", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("deadline_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True)),
        sa.Column("settled_at", sa.DateTime(timezone=True)),
        sa.Column("next_drive_at", sa.DateTime(timezone=True)),
        sa.Column("drives", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("attention", sa.Boolean(), nullable=False, server_default=sa.text("false")),
        sa.CheckConstraint(
            "status IN ('PENDING', 'COMPLETED', 'FAILED', 'TIMED_OUT')", name=op.f("ck_purchases_status")
        ),
        sa.UniqueConstraint(
            "account_id", "idempotency_key", name=op.f("uq_purchases_account_id_idempotency_key")
        ),
    )
    op.execute(GUARD)
    op.execute(GUARDED)
    op.create_index("ix_purchases_of_account", "purchases", ["account_id", sa.text("id DESC")])
    pending = sa.text("status = 'PENDING'")
    op.create_index("ix_purchases_pending_deadline", "purchases", ["deadline_at"], postgresql_where=pending)
    op.create_index("ix_purchases_pending_account", "purchases", ["account_id"], postgresql_where=pending)
    unsettled = sa.text("next_drive_at IS NOT NULL")
    op.create_index("ix_purchases_unsettled", "purchases", ["next_drive_at"], postgresql_where=unsettled)
    op.create_table(
        "purchase_event",
        sa.Column(
            "purchase_id", sa.Uuid(), sa.ForeignKey("purchases.id", name="fk_purchase_event_purchase_id")
        ),
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("account_seq", sa.BigInteger(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("purchase_id", "seq", name=op.f("pk_purchase_event")),
        sa.UniqueConstraint(
            "account_id", "account_seq", name=op.f("uq_purchase_event_account_id_account_seq")
        ),
    )
    op.create_table(
        "account_feed",
        sa.Column("account_id", sa.Uuid(), primary_key=True),
        sa.Column("last_seq", sa.BigInteger(), nullable=False),
    )
