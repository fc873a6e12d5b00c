"""What was in stock before there was a ledger opens it; so does what a replica without one still moved."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

OPEN = """
WITH unexplained AS (
  SELECT product_id, stock.available - coalesce(last.available, 0) AS change
  FROM stock LEFT JOIN LATERAL (
    SELECT available FROM stock_movements AS moved WHERE moved.product_id = stock.product_id
    ORDER BY version DESC, position DESC LIMIT 1
  ) AS last ON true
  WHERE last.available IS DISTINCT FROM stock.available
), opened AS (
  UPDATE stock SET version = version + 1 FROM unexplained
  WHERE stock.product_id = unexplained.product_id
  RETURNING stock.product_id, stock.version, unexplained.change, stock.available
)
INSERT INTO stock_movements (product_id, version, position, kind, change, available)
SELECT product_id, version, 1, 'opening', change, available FROM opened
"""


def upgrade() -> None:
    op.execute("LOCK TABLE stock IN SHARE ROW EXCLUSIVE MODE")
    op.execute(OPEN)
