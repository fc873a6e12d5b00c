"""A mail belongs to the trace of what it is about."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("mails", sa.Column("traceparent", sa.Text))
