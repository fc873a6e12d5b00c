"""The schema. Statements are in the repository."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    Index,
    Integer,
    Table,
    Text,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from common.postgres.rights import may
from common.postgres.tables import new_metadata
from common.standing.tables import add_standing

METADATA = new_metadata()
add_standing(METADATA)

# `next_call_at` is when the sweeper asks the provider, should nobody have got an answer by then.
PAYMENTS = Table(
    "payments",
    METADATA,
    Column("id", Uuid, primary_key=True),
    Column("account_id", Uuid, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("currency_code", Text, nullable=False),
    Column("method", Text, nullable=False),
    Column("installments", Integer, nullable=False),
    Column("token", Text),
    Column("status", Text, nullable=False),
    Column("reason", Text),
    Column("unanswered", JSONB, nullable=False),
    Column("calls", Integer, nullable=False, server_default=text("0")),
    Column("traceparent", Text),
    Column("next_call_at", DateTime(timezone=True)),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("status_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    CheckConstraint("amount >= 0", name="amount"),
    CheckConstraint("installments >= 1", name="installments"),
    CheckConstraint("calls >= 0", name="calls"),
    CheckConstraint(
        "status IN ('AUTHORIZING', 'AUTHORIZED', 'CAPTURING', 'CAPTURED', 'DECLINED', 'VOIDING', 'VOIDED',"
        " 'TOMBSTONE', 'ATTENTION')",
        name="status",
    ),
    CheckConstraint("(status IN ('DECLINED', 'ATTENTION')) = (reason IS NOT NULL)", name="reason"),
    CheckConstraint(
        "(status IN ('AUTHORIZING', 'CAPTURING', 'VOIDING')) = (next_call_at IS NOT NULL)",
        name="next_call_at",
    ),
    postgresql_with={
        "fillfactor": 50,  # every payment is rewritten some four times
        "autovacuum_vacuum_scale_factor": 0.01,
        "autovacuum_vacuum_cost_delay": 0,
    },
    info=may(
        "INSERT, UPDATE (status, reason, unanswered, calls, traceparent, next_call_at, status_at)",
        audited="id, status, reason, amount, calls, next_call_at, created_at, status_at",
    ),
)
Index(
    "ix_payments_next_call_at",
    PAYMENTS.c.next_call_at,
    postgresql_where=PAYMENTS.c.next_call_at.is_not(None),
)
