"""The two tables, as part of a service's schema."""

from sqlalchemy import BigInteger, Boolean, Column, DateTime, Index, MetaData, Table, Text, Uuid, func

from common.postgres.rights import may

_NOW = func.clock_timestamp()


def add_standing(metadata: MetaData) -> None:
    """When a row changed is the time of the statement, as near to its commit as there is one."""
    states = Table(
        "account_state",
        metadata,
        Column("account_id", Uuid, primary_key=True),
        Column("version", BigInteger, nullable=False),
        Column("verified", Boolean, nullable=False),
        Column("active", Boolean, nullable=False),
        Column("role", Text, nullable=False),
        Column("least_version", BigInteger, nullable=False),
        Column("changed_at", DateTime(timezone=True), nullable=False, server_default=_NOW),
        info=may("INSERT, UPDATE (version, verified, active, role, least_version, changed_at)"),
    )
    Index("ix_account_state_changed_at", states.c.changed_at)
    sessions = Table(
        "ended_session",
        metadata,
        Column("session_id", Uuid, primary_key=True),
        Column("account_id", Uuid, nullable=False),
        Column("ended_at", DateTime(timezone=True), nullable=False, server_default=_NOW),
        info=may("INSERT, DELETE"),
    )
    Index("ix_ended_session_ended_at", sessions.c.ended_at)
