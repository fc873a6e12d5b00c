"""The schema's common part. SQLAlchemy Core describes the tables; statements are SQL in the repositories."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Sequence,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    text,
    true,
)
from sqlalchemy.dialects.postgresql import JSONB

from common.postgres.rights import may

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

UTC_DATE = text("((now() AT TIME ZONE 'utc')::date)")


def new_metadata() -> MetaData:
    """The metadata of one service, with the tables that every service has."""
    metadata = MetaData(naming_convention=NAMING)
    _inbox(metadata)
    _outbox(metadata)
    _relay_state(metadata)
    _suspect(metadata)
    _dead_letter(metadata)
    _dead_letter_trail(metadata)
    return metadata


def _inbox(metadata: MetaData) -> None:
    Table(
        "inbox",
        metadata,
        Column("issued_on", Date, nullable=False),
        Column("message_id", Text, nullable=False),
        PrimaryKeyConstraint("issued_on", "message_id"),
        postgresql_partition_by="RANGE (issued_on)",
        info=may("INSERT", audited="issued_on, message_id"),
    )


def _outbox(metadata: MetaData) -> None:
    position = Sequence("outbox_position", metadata=metadata, data_type=BigInteger)
    outbox = Table(
        "outbox",
        metadata,
        Column("created_on", Date, nullable=False, server_default=UTC_DATE),
        Column("position", BigInteger, nullable=False, server_default=position.next_value()),
        Column("message_id", Text, nullable=False),
        Column("subject", Text, nullable=False),
        Column("payload", LargeBinary, nullable=False),
        Column("correlation_id", Text, nullable=False),
        Column("causation_id", Text),
        Column("traceparent", Text),
        Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
        Column("published_at", DateTime(timezone=True)),
        PrimaryKeyConstraint("created_on", "position"),
        postgresql_partition_by="RANGE (created_on)",
        info=may(
            "INSERT, UPDATE (published_at)",
            audited="created_on, position, message_id, subject, correlation_id, created_at, published_at",
        ),
    )
    Index("ix_outbox_unpublished", outbox.c.created_at, postgresql_where=outbox.c.published_at.is_(None))


def _relay_state(metadata: MetaData) -> None:
    Table(
        "relay_state",
        metadata,
        Column(
            "single",
            Boolean,
            CheckConstraint("single", name="single"),
            primary_key=True,
            server_default=true(),
        ),
        Column("stream_created_at", DateTime(timezone=True)),
        info=may("UPDATE (stream_created_at)", audited="stream_created_at"),
    )


def _suspect(metadata: MetaData) -> None:
    Table(
        "suspect",
        metadata,
        Column("message_id", Text, primary_key=True),
        Column("attempts", Integer, nullable=False),
        Column("attempted_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
        info=may("INSERT, UPDATE (attempts, attempted_at)"),
    )


def _dead_letter(metadata: MetaData) -> None:
    Table(
        "dead_letter",
        metadata,
        Column("id", BigInteger, Identity(always=True), primary_key=True),
        Column("message_id", Text),
        Column("durable", Text, nullable=False),
        Column("subject", Text, nullable=False),
        Column("payload", LargeBinary),  # null once it is forgotten
        Column("deliveries", Integer, nullable=False),
        Column("error", Text, nullable=False),
        Column("parked_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
        Column("headers", JSONB, nullable=False, server_default=text("'{}'")),
        info=may("INSERT", audited="id, message_id, durable, subject, deliveries, parked_at"),
    )


def _dead_letter_trail(metadata: MetaData) -> None:
    trail = Table(
        "dead_letter_trail",
        metadata,
        Column("id", BigInteger, Identity(always=True), primary_key=True),
        Column("letter_id", BigInteger, ForeignKey("dead_letter.id"), nullable=False),
        Column(
            "action",
            Text,
            CheckConstraint("action IN ('edited', 'begun', 'failed', 'retried', 'discarded')", name="action"),
            nullable=False,
        ),
        Column("key", Uuid, nullable=False),  # of the question
        Column("by", Text, nullable=False),
        Column("reason", Text, nullable=False),
        Column("error", Text),
        Column("payload", LargeBinary),  # of an edit
        Column("at", DateTime(timezone=True), nullable=False, server_default=text("clock_timestamp()")),
        UniqueConstraint("key", "action"),
        Index(None, "letter_id", "id"),
        info=may("INSERT", audited="id, letter_id, action"),
    )
    Index(
        "ix_dead_letter_trail_end",
        trail.c.letter_id,
        unique=True,
        postgresql_where=text("action IN ('retried', 'discarded')"),
    )
