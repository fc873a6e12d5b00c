"""The schema. Statements are in the repository."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Computed,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, TSVECTOR

from common.postgres.rights import may
from common.postgres.tables import new_metadata
from common.standing.tables import add_standing

METADATA = new_metadata()
add_standing(METADATA)


def _now(name: str) -> Column[object]:
    return Column(name, DateTime(timezone=True), nullable=False, server_default=func.now())


Table(
    "categories",
    METADATA,
    Column("id", Uuid, primary_key=True),
    Column("owner_id", Uuid, nullable=False),
    Column("name", Text, nullable=False),
    Column("description", Text, nullable=False),
    _now("created_at"),
    _now("updated_at"),
    Column("version", BigInteger, nullable=False, server_default=text("1")),
    info=may("INSERT, DELETE, UPDATE (name, description, updated_at, version)"),
)

WORDS = """
setweight(to_tsvector('simple'::regconfig, plain_words(name)), 'A')
|| setweight(to_tsvector('simple'::regconfig, plain_words(brand_name)), 'B')
|| setweight(to_tsvector('simple'::regconfig, plain_words(description)), 'C')
"""

# A product that is no longer sold stays, for its stock and its reservations, but leaves its category.
products = Table(
    "products",
    METADATA,
    Column("id", Uuid, primary_key=True),
    Column("seller_id", Uuid, nullable=False),
    Column("category_id", Uuid, ForeignKey("categories.id")),
    Column("name", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("brand_name", Text, nullable=False),
    Column("price", BigInteger, nullable=False),
    Column("currency_code", Text, nullable=False),
    Column("version", BigInteger, nullable=False, server_default=text("1")),
    _now("created_at"),
    _now("updated_at"),
    Column("deleted_at", DateTime(timezone=True)),
    Column("plain_name", Text, Computed('"left"(plain_words(name), 200)', persisted=True), nullable=False),
    Column("words", TSVECTOR, Computed(WORDS, persisted=True), nullable=False),
    CheckConstraint("price > 0", "price"),
    CheckConstraint("currency_code ~ '^[A-Z]{3}$'", "currency_code"),
    CheckConstraint("(category_id IS NULL) = (deleted_at IS NOT NULL)", "category"),
    info=may(
        "INSERT, UPDATE (category_id, name, description, brand_name, price, currency_code, "
        "version, updated_at, deleted_at)"
    ),
)
Index("ix_products_category_id_id", products.c.category_id, products.c.id)
Index("ix_products_words", products.c.words, postgresql_using="gin")
for column in (products.c.price, products.c.plain_name, products.c.seller_id):
    Index(
        f"ix_products_{column.name}_id",
        column,
        products.c.id,
        postgresql_where=products.c.deleted_at.is_(None),
    )

# One row per product, hot and narrow: room on each page keeps its updates there and out of the index.
Table(
    "stock",
    METADATA,
    Column("product_id", Uuid, ForeignKey("products.id"), primary_key=True),
    Column("received", BigInteger, nullable=False),
    Column("available", BigInteger, nullable=False),
    Column("version", BigInteger, nullable=False, server_default=text("1")),
    CheckConstraint("available >= 0", "available"),
    CheckConstraint("received >= available", "received"),
    postgresql_with={"fillfactor": 50},
    info=may(
        "INSERT, UPDATE (received, available, version)", audited="product_id, received, available, version"
    ),
)

# The ledger: what led to each version of a stock. No reference to the product, which is never removed: the
# hottest inserts of the service would have to look it up.
Table(
    "stock_movements",
    METADATA,
    Column("product_id", Uuid, primary_key=True),
    Column("version", BigInteger, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("change", BigInteger, nullable=False),
    Column("available", BigInteger, nullable=False),
    Column("account_id", Uuid),
    Column("purchase_id", Uuid),
    Column("moved_at", DateTime(timezone=True), primary_key=True, server_default=func.now()),
    CheckConstraint("kind IN ('received', 'removed', 'set', 'reserved', 'released', 'opening')", "kind"),
    CheckConstraint("available >= 0 AND available >= change", "available"),
    CheckConstraint(
        "num_nonnulls(account_id, purchase_id) = CASE kind WHEN 'opening' THEN 0 ELSE 1 END", "cause"
    ),
    postgresql_partition_by="RANGE (moved_at)",
    info=may(
        "INSERT", audited="product_id, version, position, kind, change, available, purchase_id, moved_at"
    ),
)

# A row is inserted empty, as a lock, and filled by the same transaction. The room on the page is for that:
# 83 of 100 of these updates stay on it and out of the index, 1 of 100 on full pages (measured, 2 lines each).
Table(
    "reservations",
    METADATA,
    Column("purchase_id", Uuid, primary_key=True),
    Column("status", Text, nullable=False),
    Column("reason", Text),
    Column("items", JSONB, nullable=False, server_default=text("'[]'")),
    Column("total", BigInteger, nullable=False, server_default=text("0")),
    Column("currency_code", Text),
    _now("created_at"),
    _now("updated_at"),
    CheckConstraint("status IN ('NEW', 'DONE', 'REFUSED', 'UNDONE', 'TOMBSTONE')", "status"),
    CheckConstraint("(status = 'REFUSED') = (reason IS NOT NULL)", "reason"),
    CheckConstraint("status <> 'DONE' OR (total > 0 AND currency_code IS NOT NULL)", "total"),
    postgresql_with={"fillfactor": 20},
    info=may(
        "INSERT, UPDATE (status, reason, items, total, currency_code, updated_at)",
        audited="purchase_id, status, reason, items, total, created_at, updated_at",
    ),
)
