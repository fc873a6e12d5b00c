"""The ledger of the stock: every movement, appended to and never rewritten, in partitions of a month.

Dropped by the month, and no sooner than after three, whatever the runtime role asks for.
"""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TABLE = """
CREATE TABLE stock_movements (
  product_id uuid NOT NULL,
  version bigint NOT NULL,
  position integer NOT NULL,
  kind text NOT NULL,
  change bigint NOT NULL,
  available bigint NOT NULL,
  account_id uuid,
  purchase_id uuid,
  moved_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT pk_stock_movements PRIMARY KEY (product_id, version, position, moved_at),
  CONSTRAINT ck_stock_movements_kind
    CHECK (kind IN ('received', 'removed', 'set', 'reserved', 'released', 'opening')),
  CONSTRAINT ck_stock_movements_available CHECK (available >= 0 AND available >= change),
  CONSTRAINT ck_stock_movements_cause
    CHECK (num_nonnulls(account_id, purchase_id) = CASE kind WHEN 'opening' THEN 0 ELSE 1 END)
) PARTITION BY RANGE (moved_at)
"""
MAINTAIN = """
CREATE FUNCTION maintain_movements(keep_months integer) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
  this timestamp := date_trunc('month', now() AT TIME ZONE 'utc');
  oldest text := to_char(this - make_interval(months => greatest(keep_months, 3)), 'YYYYMM');
  month timestamp; child text;
BEGIN
  IF NOT pg_try_advisory_xact_lock(hashtext('maintain_movements')) THEN RETURN; END IF;
  FOR month IN SELECT generate_series(this, this + interval '1 month', interval '1 month') LOOP
    child := 'stock_movements_' || to_char(month, 'YYYYMM');
    IF to_regclass(child) IS NULL THEN
      EXECUTE format('CREATE TABLE %I PARTITION OF stock_movements FOR VALUES FROM (%L) TO (%L)',
                     child, month AT TIME ZONE 'utc', (month + interval '1 month') AT TIME ZONE 'utc');
    END IF;
  END LOOP;
  FOR child IN SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
               WHERE i.inhparent = 'stock_movements'::regclass AND right(c.relname, 6) < oldest
  LOOP
    EXECUTE format('DROP TABLE %I', child);
  END LOOP;
EXCEPTION WHEN lock_not_available THEN
  RAISE WARNING 'somebody reads the whole ledger; its months wait for the next hour';
END $$
"""


def upgrade() -> None:
    op.execute(TABLE)
    op.execute(MAINTAIN)
    op.execute("SELECT maintain_movements(3)")
