"""The mailbox of before is told that it counts no longer."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

KINDS = (
    "kind IN ('verification', 'password_reset', 'password_changed', 'email_changed', 'receipt', 'failure')"
)


def upgrade() -> None:
    op.drop_constraint(op.f("ck_mails_kind"), "mails")
    op.create_check_constraint(op.f("ck_mails_kind"), "mails", KINDS)
