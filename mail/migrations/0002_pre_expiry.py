"""Mails about passwords; a mail may expire, and then goes first or never.

What the former code does not know it does not use: its rows expire by nothing, and it claims in any order.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

KINDS = "kind IN ('verification', 'password_reset', 'password_changed', 'receipt', 'failure')"
STATUSES = "status IN ('queued', 'sent', 'parked', 'expired')"
FORGOTTEN = "num_nulls(recipient, content) = CASE WHEN status IN ('sent', 'expired') THEN 2 ELSE 0 END"


def upgrade() -> None:
    op.add_column("mails", sa.Column("expires_at", sa.DateTime(timezone=True)))
    op.execute(
        "UPDATE mails SET expires_at = (content ->> 'expires_at')::timestamptz "
        "WHERE kind = 'verification' AND content IS NOT NULL"
    )
    for name, rule in (("kind", KINDS), ("status", STATUSES), ("forgotten", FORGOTTEN)):
        op.drop_constraint(op.f(f"ck_mails_{name}"), "mails")
        op.create_check_constraint(op.f(f"ck_mails_{name}"), "mails", rule)
    op.drop_index("ix_mails_due", "mails")
    op.create_index(
        "ix_mails_due", "mails", ["expires_at", "next_try_at"], postgresql_where=sa.text("status = 'queued'")
    )
    op.create_index(
        "ix_mails_expiring",
        "mails",
        ["expires_at"],
        postgresql_where=sa.text("content IS NOT NULL AND expires_at IS NOT NULL"),
    )
