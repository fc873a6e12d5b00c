"""The schema of the account service."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    text,
)

from common.postgres.rights import may
from common.postgres.tables import new_metadata

METADATA = new_metadata()

ACCOUNTS = Table(
    "accounts",
    METADATA,
    Column("id", Uuid, primary_key=True),
    Column("email", Text, nullable=False),
    Column("phone_number", Text, nullable=False),
    Column("password_hash", Text, nullable=False),
    Column("first_name", Text, nullable=False),
    Column("last_name", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("role", Text, nullable=False, server_default="customer"),
    Column("verified", Boolean, nullable=False, server_default=text("false")),
    Column("active", Boolean, nullable=False, server_default=text("true")),
    Column("version", BigInteger, nullable=False, server_default=text("1")),
    Column("least_version", BigInteger, nullable=False, server_default=text("1")),
    Column("codes_sent", Integer, nullable=False, server_default=text("0")),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    UniqueConstraint("email"),
    UniqueConstraint("phone_number"),
    CheckConstraint("email = lower(email)", name="email"),
    CheckConstraint("role IN ('customer', 'admin')", name="role"),
    info=may(
        "INSERT, UPDATE (email, phone_number, password_hash, first_name, last_name, address, role, "
        "verified, active, version, least_version, codes_sent, updated_at)"
    ),
)

# A session is a family of refresh tokens: each but the newest was exchanged for the next.
SESSIONS = Table(
    "sessions",
    METADATA,
    Column("id", Uuid, primary_key=True),
    Column("account_id", Uuid, ForeignKey("accounts.id"), nullable=False),
    Column("user_agent", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("revoked_at", DateTime(timezone=True)),
    Column("revoked_for", Text),
    CheckConstraint("(revoked_at IS NULL) = (revoked_for IS NULL)", name="revoked"),
    info=may("INSERT, DELETE, UPDATE (revoked_at, revoked_for)"),
)
Index("ix_sessions_account_id_id", SESSIONS.c.account_id, SESSIONS.c.id)
Index("ix_sessions_revoked_at", SESSIONS.c.revoked_at)

# No token stands here: SHA-256 of each, and for a moment its successor, sealed with the token itself.
REFRESH_TOKENS = Table(
    "refresh_tokens",
    METADATA,
    Column("hash", LargeBinary, primary_key=True),
    Column("session_id", Uuid, ForeignKey("sessions.id", ondelete="CASCADE"), nullable=False),
    Column("issued_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Column("rotated_at", DateTime(timezone=True)),
    Column("successor", LargeBinary),
    Column("sealed_successor", LargeBinary),
    UniqueConstraint("successor"),
    CheckConstraint("octet_length(hash) = 32", name="hash"),
    CheckConstraint("(rotated_at IS NULL) = (successor IS NULL)", name="successor"),
    CheckConstraint("sealed_successor IS NULL OR successor IS NOT NULL", name="sealed_successor"),
    info=may("INSERT, DELETE, UPDATE (rotated_at, successor, sealed_successor)"),
)
Index("ix_refresh_tokens_session_id", REFRESH_TOKENS.c.session_id)
Index("ix_refresh_tokens_expires_at", REFRESH_TOKENS.c.expires_at)

# Only the highest number of an account and a purpose counts.
CODES = Table(
    "codes",
    METADATA,
    Column("account_id", Uuid, ForeignKey("accounts.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Column("used_at", DateTime(timezone=True)),
    PrimaryKeyConstraint("account_id", "number"),
    CheckConstraint("number > 0", name="number"),
    CheckConstraint("attempts >= 0", name="attempts"),
    CheckConstraint("purpose IN ('verify', 'reset')", name="purpose"),
    info=may("INSERT, DELETE, UPDATE (attempts, used_at)"),
)
Index("ix_codes_expires_at", CODES.c.expires_at)

# Addresses as they were typed in; gone as soon as somebody has looked whose they are.
RESET_REQUESTS = Table(
    "reset_requests",
    METADATA,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("email", Text, nullable=False),
    info=may("INSERT, DELETE, UPDATE (id)"),
)

# What administrators did, for ever: a trigger refuses to change or delete it. `by` nobody: the command line.
ACCOUNT_CHANGES = Table(
    "account_changes",
    METADATA,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("by", Uuid),
    Column("account_id", Uuid, nullable=False),
    Column("what", Text, nullable=False),
    info=may("INSERT"),
)
Index("ix_account_changes_account_id_id", ACCOUNT_CHANGES.c.account_id, ACCOUNT_CHANGES.c.id)
