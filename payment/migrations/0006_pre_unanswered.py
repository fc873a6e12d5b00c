"""What is asked in vain is counted without looking at everything that waits for its first answer."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    asked_in_vain = sa.text("next_call_at IS NOT NULL AND calls > 0")
    op.create_index("ix_payments_unanswered", "payments", ["id"], postgresql_where=asked_in_vain)
