"""What lists are searched and sorted by, and versions of categories.

The new columns of products are computed for every row at once, under a lock: a second for tens of thousands.
"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# Lower case, words of letters and digits, one space between; without accents, so that whoever types without
# them finds what has them. Not by `unaccent`: its rules are a file of the server and it is STABLE, but a
# generated column has to be the same for ever. All collations are C, whose lower() knows ASCII only; of
# Vietnamese and English nothing else is left by then.
PLAIN_WORDS = r"""
CREATE FUNCTION plain_words(said text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN btrim(regexp_replace(
  lower(translate(regexp_replace(normalize(said, NFKD), '[\u0300-\u036f]', '', 'g'), 'đĐ', 'dd')),
  '[\u0001-/:-@\[-`{-\u00bf\u2000-\u2bff\u2e00-\u303f]+', ' ', 'g'))
"""
# A name may grow a lot on its way (one sign stands for up to 18 letters), a line of an index may not.
COLUMNS = """
ALTER TABLE products
  ADD COLUMN plain_name text NOT NULL GENERATED ALWAYS AS ("left"(plain_words(name), 200)) STORED,
  ADD COLUMN words tsvector NOT NULL GENERATED ALWAYS AS (
    setweight(to_tsvector('simple'::regconfig, plain_words(name)), 'A')
    || setweight(to_tsvector('simple'::regconfig, plain_words(brand_name)), 'B')
    || setweight(to_tsvector('simple'::regconfig, plain_words(description)), 'C')) STORED
"""
INDEXES = (
    "CREATE INDEX ix_products_words ON products USING gin (words)",
    "CREATE INDEX ix_products_price_id ON products (price, id) WHERE deleted_at IS NULL",
    "CREATE INDEX ix_products_plain_name_id ON products (plain_name, id) WHERE deleted_at IS NULL",
    "CREATE INDEX ix_products_seller_id_id ON products (seller_id, id) WHERE deleted_at IS NULL",
)


def upgrade() -> None:
    op.execute(PLAIN_WORDS)
    op.execute(COLUMNS)
    for index in INDEXES:
        op.execute(index)
    op.execute("ALTER TABLE categories ADD COLUMN version bigint NOT NULL DEFAULT 1")
