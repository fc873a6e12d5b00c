"""What account says of accounts and sessions, so that it counts on tokens that are still alive."""

from common.standing.schema import create_standing_tables

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_standing_tables()
