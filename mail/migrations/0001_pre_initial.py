"""The first schema."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

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
        sa.Column("email", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("account_id", name="pk_accounts"),
    )
    op.create_table(
        "mails",
        sa.Column("about", sa.Uuid, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("recipient", JSONB),
        sa.Column("content", JSONB),
        sa.Column("status", sa.Text, nullable=False, server_default="queued"),
        sa.Column("tries", sa.Integer, nullable=False, server_default=sa.text("0")),
        sa.Column("reason", sa.Text),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("next_try_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("sent_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("about", "kind", "version", name="pk_mails"),
        sa.CheckConstraint("kind IN ('verification', 'receipt', 'failure')", name=op.f("ck_mails_kind")),
        sa.CheckConstraint("status IN ('queued', 'sent', 'parked')", name=op.f("ck_mails_status")),
        sa.CheckConstraint("(status = 'sent') = (sent_at IS NOT NULL)", name=op.f("ck_mails_sent")),
        sa.CheckConstraint(
            "num_nulls(recipient, content) = CASE status WHEN 'sent' THEN 2 ELSE 0 END",
            name=op.f("ck_mails_forgotten"),
        ),
        sa.CheckConstraint("status <> 'parked' OR reason IS NOT NULL", name=op.f("ck_mails_reason")),
    )
    _index("ix_mails_due", "kind DESC", "next_try_at", status="queued")
    _index("ix_mails_parked", "accepted_at", status="parked")


def _index(name: str, *columns: str, status: str) -> None:
    ordered = [sa.text(column) for column in columns]
    op.create_index(name, "mails", ordered, postgresql_where=sa.text(f"status = '{status}'"))
