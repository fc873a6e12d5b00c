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
    create_accounts()
    create_sessions()
    create_verification_codes()


def moment(name: str, **options: object) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), **options)  # type: ignore[arg-type]


def create_accounts() -> None:
    op.create_table(
        "accounts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("phone_number", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("first_name", sa.Text(), nullable=False),
        sa.Column("last_name", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), server_default="customer", nullable=False),
        sa.Column("verified", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        moment("not_before"),
        moment("created_at", server_default=sa.text("now()"), nullable=False),
        moment("updated_at", server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_accounts")),
        sa.UniqueConstraint("email", name=op.f("uq_accounts_email")),
        sa.UniqueConstraint("phone_number", name=op.f("uq_accounts_phone_number")),
        sa.CheckConstraint("email = lower(email)", name=op.f("ck_accounts_email")),
        sa.CheckConstraint("role IN ('customer', 'admin')", name=op.f("ck_accounts_role")),
    )


def create_sessions() -> None:
    op.create_table(
        "sessions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("user_agent", sa.Text(), nullable=False),
        moment("created_at", server_default=sa.text("now()"), nullable=False),
        moment("revoked_at"),
        sa.Column("revoked_for", sa.Text()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sessions")),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_sessions_account_id")),
        sa.CheckConstraint("(revoked_at IS NULL) = (revoked_for IS NULL)", name=op.f("ck_sessions_revoked")),
    )
    op.create_index("ix_sessions_account_id_id", "sessions", ["account_id", "id"])
    op.create_table(
        "refresh_tokens",
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        moment("issued_at", server_default=sa.text("now()"), nullable=False),
        moment("expires_at", nullable=False),
        moment("rotated_at"),
        sa.Column("successor", sa.LargeBinary()),
        sa.Column("sealed_successor", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_refresh_tokens")),
        sa.ForeignKeyConstraint(
            ["session_id"], ["sessions.id"], ondelete="CASCADE", name=op.f("fk_refresh_tokens_session_id")
        ),
        sa.UniqueConstraint("successor", name=op.f("uq_refresh_tokens_successor")),
        sa.CheckConstraint("octet_length(hash) = 32", name=op.f("ck_refresh_tokens_hash")),
        sa.CheckConstraint(
            "(rotated_at IS NULL) = (successor IS NULL)", name=op.f("ck_refresh_tokens_successor")
        ),
        sa.CheckConstraint(
            "sealed_successor IS NULL OR successor IS NOT NULL",
            name=op.f("ck_refresh_tokens_sealed_successor"),
        ),
    )
    op.create_index("ix_refresh_tokens_session_id", "refresh_tokens", ["session_id"])


def create_verification_codes() -> None:
    op.create_table(
        "verification_codes",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        moment("created_at", server_default=sa.text("now()"), nullable=False),
        moment("expires_at", nullable=False),
        moment("used_at"),
        sa.PrimaryKeyConstraint("account_id", "number", name=op.f("pk_verification_codes")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_verification_codes_account_id")
        ),
        sa.CheckConstraint("number > 0", name=op.f("ck_verification_codes_number")),
        sa.CheckConstraint("attempts >= 0", name=op.f("ck_verification_codes_attempts")),
    )
