"""Codes get a purpose, accounts a count of them; what is asked of mailboxes; who changed which account."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

RENAMED = ("pk_verification_codes", "ck_verification_codes_number", "ck_verification_codes_attempts")
REFUSE = """
CREATE FUNCTION refuse_rewriting() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'what was written about an account is not rewritten';
END $$
"""
APPEND_ONLY = """
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON account_changes
FOR EACH ROW EXECUTE FUNCTION refuse_rewriting()
"""


def upgrade() -> None:
    give_codes_a_purpose()
    create_reset_requests()
    create_account_changes()
    op.create_index("ix_codes_expires_at", "codes", ["expires_at"])
    op.create_index("ix_refresh_tokens_expires_at", "refresh_tokens", ["expires_at"])
    op.create_index("ix_sessions_revoked_at", "sessions", ["revoked_at"])


def give_codes_a_purpose() -> None:
    op.rename_table("verification_codes", "codes")
    for name in (*RENAMED, "fk_verification_codes_account_id"):
        op.execute(f"ALTER TABLE codes RENAME CONSTRAINT {name} TO {name.replace('verification_', '')}")
    op.add_column("codes", sa.Column("purpose", sa.Text(), server_default="verify", nullable=False))
    op.alter_column("codes", "purpose", server_default=None)
    op.create_check_constraint(op.f("ck_codes_purpose"), "codes", "purpose IN ('verify', 'reset')")
    op.add_column(
        "accounts", sa.Column("codes_sent", sa.Integer(), server_default=sa.text("0"), nullable=False)
    )
    op.execute(
        "UPDATE accounts SET codes_sent = sent.last"
        " FROM (SELECT account_id, max(number) AS last FROM codes GROUP BY account_id) AS sent"
        " WHERE id = sent.account_id"
    )


def create_reset_requests() -> None:
    op.create_table(
        "reset_requests",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reset_requests")),
    )


def create_account_changes() -> None:
    op.create_table(
        "account_changes",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("by", sa.Uuid()),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account_changes")),
    )
    op.create_index("ix_account_changes_account_id_id", "account_changes", ["account_id", "id"])
    op.execute(REFUSE)
    op.execute(APPEND_ONLY)
