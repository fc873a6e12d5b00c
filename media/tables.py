"""The schema. Statements are in the repository."""

from sqlalchemy import (
    BigInteger,
    Boolean,
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

from common.postgres.rights import may
from common.postgres.tables import new_metadata
from common.standing.tables import add_standing

METADATA = new_metadata()
add_standing(METADATA)

# What product says, or answered: version 0. One that is deleted stays, so that no late word brings it back.
Table(
    "products",
    METADATA,
    Column("product_id", Uuid, primary_key=True),
    Column("seller_id", Uuid),
    Column("version", BigInteger, nullable=False),
    Column("deleted", Boolean, nullable=False),
    CheckConstraint("deleted OR seller_id IS NOT NULL", "seller"),
    info=may("INSERT, UPDATE (seller_id, version, deleted)"),
)

# A row is there before its objects and after them: no object is ever nobody's. Only what is stored is shown.
media = Table(
    "media",
    METADATA,
    Column("id", Uuid, primary_key=True),
    Column("product_id", Uuid, nullable=False),
    Column("account_id", Uuid, nullable=False),
    Column("format", Text, nullable=False),
    Column("alt", Text, nullable=False),
    Column("width", Integer),
    Column("height", Integer),
    Column("size", BigInteger, nullable=False),
    Column("status", Text, nullable=False, server_default="PENDING"),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("due_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    CheckConstraint("status IN ('PENDING', 'STORED', 'REMOVED')", "status"),
    CheckConstraint("format IN ('image/png', 'image/jpeg', 'video/mp4')", "format"),
    CheckConstraint("size > 0", "size"),
    info=may("INSERT, DELETE, UPDATE (status, due_at)"),
)
Index("ix_media_product_id_id", media.c.product_id, media.c.id)
Index("ix_media_due_at", media.c.due_at, postgresql_where=text("status <> 'STORED'"))

# A file that somebody may send to the object store, until it is handed in.
staged = Table(
    "staged",
    METADATA,
    Column("id", Uuid, primary_key=True),
    Column("product_id", Uuid, nullable=False),
    Column("account_id", Uuid, nullable=False),
    Column("alt", Text, nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    info=may("INSERT, DELETE"),
)
Index("ix_staged_account_id", staged.c.account_id)
