"""The schema of the mail service."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from common.postgres.rights import may
from common.postgres.tables import new_metadata

METADATA = new_metadata()

Table(
    "accounts",
    METADATA,
    Column("account_id", Uuid, primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("email", Text, nullable=False),
    Column("name", Text, nullable=False),
    info=may("INSERT, UPDATE (version, email, name)"),
)

# `about` is a purchase or an account. The key is what makes a mail happen once (P15). What it says is kept
# only until it is sent or expires: a code is a secret, and a name is nobody's business afterwards.
MAILS = Table(
    "mails",
    METADATA,
    Column("about", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("recipient", JSONB),
    Column("content", JSONB),
    Column("status", Text, nullable=False, server_default="queued"),
    Column("tries", Integer, nullable=False, server_default=text("0")),
    Column("reason", Text),
    Column("accepted_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("next_try_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("sent_at", DateTime(timezone=True)),
    Column("expires_at", DateTime(timezone=True)),
    Column("traceparent", Text),
    PrimaryKeyConstraint("about", "kind", "version"),
    CheckConstraint(
        "kind IN ('verification', 'password_reset', 'password_changed', 'email_changed',"
        " 'receipt', 'failure')",
        name="kind",
    ),
    CheckConstraint("status IN ('queued', 'sent', 'parked', 'expired')", name="status"),
    CheckConstraint("(status = 'sent') = (sent_at IS NOT NULL)", name="sent"),
    CheckConstraint(
        "num_nulls(recipient, content) = CASE WHEN status IN ('sent', 'expired') THEN 2 ELSE 0 END",
        name="forgotten",
    ),
    CheckConstraint("status <> 'parked' OR reason IS NOT NULL", name="reason"),
    # Every claim reads past what has been sent and not been swept yet.
    postgresql_with={"autovacuum_vacuum_scale_factor": 0.01, "autovacuum_vacuum_cost_delay": 0},
    info=may(
        "INSERT, DELETE, UPDATE (recipient, content, status, tries, reason, next_try_at, sent_at)",
        audited="about, kind, status, tries, accepted_at, next_try_at, sent_at",
    ),
)
Index(
    "ix_mails_due",
    MAILS.c.expires_at,
    MAILS.c.next_try_at,
    postgresql_where=MAILS.c.status == text("'queued'"),
)
Index(
    "ix_mails_expiring",
    MAILS.c.expires_at,
    postgresql_where=text("content IS NOT NULL AND expires_at IS NOT NULL"),
)
Index("ix_mails_parked", MAILS.c.accepted_at, postgresql_where=MAILS.c.status == text("'parked'"))
