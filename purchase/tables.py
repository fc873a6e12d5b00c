"""The schema of purchase."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from common.postgres.rights import may
from common.postgres.tables import new_metadata
from common.standing.tables import add_standing

SWEPT = {"autovacuum_vacuum_scale_factor": 0.01, "autovacuum_vacuum_cost_delay": 0}
"""By default a fifth of all purchases ever made would have to change first: so long the indexes of what is
open, which each second's sweep reads, would keep what is over."""

METADATA = new_metadata()
add_standing(METADATA)

purchases = Table(
    "purchases",
    METADATA,
    Column("id", Uuid, primary_key=True),
    Column("account_id", Uuid, nullable=False),
    Column("status", Text, nullable=False, server_default="PENDING"),
    Column("reason", Text),
    Column("rank", SmallInteger, nullable=False, server_default="0"),  # steps known to be done
    Column("attempt", Integer, nullable=False, server_default="0"),
    Column("issued_on", Date, nullable=False),
    Column("acknowledged", SmallInteger, nullable=False, server_default="0"),  # model.ACKNOWLEDGEMENTS
    Column("items", JSONB, nullable=False),
    Column("total", BigInteger, nullable=False, server_default="0"),
    Column("currency_code", Text, nullable=False),
    Column("method", Text, nullable=False),
    Column("installments", SmallInteger, nullable=False),
    Column("payment_token", Text),
    Column("traceparent", Text),
    Column("last_seq", Integer, nullable=False, server_default="1"),
    Column("idempotency_key", Text),
    Column("request_hash", LargeBinary, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("deadline_at", DateTime(timezone=True), nullable=False),
    Column("decided_at", DateTime(timezone=True)),
    Column("settled_at", DateTime(timezone=True)),
    Column("next_drive_at", DateTime(timezone=True)),  # null once settled
    Column("drives", Integer, nullable=False, server_default="0"),
    Column("attention", Boolean, nullable=False, server_default=text("false")),
    CheckConstraint("status IN ('PENDING', 'COMPLETED', 'FAILED', 'TIMED_OUT')", name="status"),
    UniqueConstraint("account_id", "idempotency_key"),
    postgresql_with={"fillfactor": 70} | SWEPT,  # room for progress, which touches no index
    info=may(
        "INSERT, UPDATE (status, reason, rank, attempt, issued_on, acknowledged, items, total, "
        "last_seq, decided_at, settled_at, next_drive_at, drives, attention)",
        audited="id, account_id, status, reason, attempt, acknowledged, total, currency_code, last_seq, "
        "idempotency_key, created_at, deadline_at, decided_at, settled_at, next_drive_at, drives, attention",
    ),
)
Index("ix_purchases_of_account", purchases.c.account_id, purchases.c.id.desc())
Index(
    "ix_purchases_pending_deadline",
    purchases.c.deadline_at,
    postgresql_where=purchases.c.status == "PENDING",
)
Index(
    "ix_purchases_pending_account",
    purchases.c.account_id,
    postgresql_where=purchases.c.status == "PENDING",
)
Index(
    "ix_purchases_unsettled",
    purchases.c.next_drive_at,
    postgresql_where=purchases.c.next_drive_at.is_not(None),
)

purchase_event = Table(
    "purchase_event",
    METADATA,
    Column("purchase_id", Uuid, ForeignKey("purchases.id"), primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("account_id", Uuid, nullable=False),
    Column("account_seq", BigInteger, nullable=False),
    Column("type", Text, nullable=False),
    Column("data", Text, nullable=False),  # the JSON of the event, as it is sent
    Column("path", Text),  # of the messages that led to it (common/messaging/paths.py); not sent
    UniqueConstraint("account_id", "account_seq"),
    info=may("INSERT", audited="purchase_id, seq, account_id, account_seq, type, data"),
)

account_feed = Table(
    "account_feed",
    METADATA,
    Column("account_id", Uuid, primary_key=True),
    Column("last_seq", BigInteger, nullable=False),
    postgresql_with={"fillfactor": 50} | SWEPT,
    info=may("INSERT, UPDATE (last_seq)", audited="account_id, last_seq"),
)
