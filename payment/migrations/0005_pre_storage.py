"""Payments that wait for nobody any more are swept out of the index of those that wait sooner."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE payments SET (autovacuum_vacuum_scale_factor = 0.01)")
