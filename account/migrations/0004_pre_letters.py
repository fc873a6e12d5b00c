"""What operators do with dead letters; the letters' headers, and an end to what they say."""

from common.postgres.schema import create_letter_trail

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_letter_trail()
