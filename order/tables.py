"""The schema of the order service."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
)

from common.postgres.rights import may
from common.postgres.tables import new_metadata
from common.standing.tables import add_standing

METADATA = new_metadata()
add_standing(METADATA)

ACCOUNTS = Table(
    "accounts",
    METADATA,
    Column("account_id", Uuid, primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("address", Text, nullable=False),
    Column("phone_number", Text, nullable=False),
    info=may("INSERT, UPDATE (version, active, address, phone_number)"),
)

# The header of a purchase: an order, or the memory that there must be none (REFUSED, TOMBSTONE).
ORDERS = Table(
    "orders",
    METADATA,
    Column("id", Uuid, primary_key=True),
    Column("account_id", Uuid, nullable=False),
    Column("status", Text, nullable=False),
    Column("reason", Text),
    Column("total", BigInteger),
    Column("currency_code", Text),
    Column("address", Text),
    Column("phone_number", Text),
    Column("created_at", DateTime(timezone=True)),
    CheckConstraint(
        "status IN ('PROCESSING', 'APPROVED', 'CANCELED', 'REFUSED', 'TOMBSTONE')", name="status"
    ),
    CheckConstraint("(status IN ('REFUSED', 'TOMBSTONE')) = (created_at IS NULL)", name="visible"),
    CheckConstraint(
        "num_nulls(created_at, total, currency_code, address, phone_number) IN (0, 5)", name="whole"
    ),
    CheckConstraint("(status = 'REFUSED') = (reason IS NOT NULL)", name="reason"),
    CheckConstraint("total >= 0", name="total"),
    postgresql_with={"fillfactor": 60},  # room for the one update that every order gets
    info=may("INSERT, UPDATE (status)", audited="id, status, reason, total, created_at"),
)
# Serves the lists. Its predicate is not the status, so that an approval touches no index.
Index(
    "ix_orders_account_id_id",
    ORDERS.c.account_id,
    ORDERS.c.id,
    postgresql_where=ORDERS.c.created_at.is_not(None),
)

ORDER_LINES = Table(
    "order_lines",
    METADATA,
    Column("order_id", Uuid, ForeignKey("orders.id"), nullable=False),
    Column("line", Integer, nullable=False),
    Column("product_id", Uuid, nullable=False),
    Column("name", Text, nullable=False),
    Column("brand_name", Text, nullable=False),
    Column("price", BigInteger, nullable=False),
    Column("quantity", BigInteger, nullable=False),
    PrimaryKeyConstraint("order_id", "line"),
    CheckConstraint("price >= 0", name="price"),
    CheckConstraint("quantity > 0", name="quantity"),
    info=may("INSERT"),
)
