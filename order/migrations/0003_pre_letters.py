"""What operators do with dead letters; the letters' headers, and an end to what they say."""

from common.postgres.schema import create_letter_trail

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_letter_trail()
