"""The payments."""

from alembic import op

from common.postgres.schema import create_common_tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

PAYMENTS = """
CREATE TABLE payments (
  id uuid CONSTRAINT pk_payments PRIMARY KEY,
  account_id uuid NOT NULL,
  amount bigint NOT NULL CONSTRAINT ck_payments_amount CHECK (amount >= 0),
  currency_code text NOT NULL,
  method text NOT NULL,
  installments integer NOT NULL CONSTRAINT ck_payments_installments CHECK (installments >= 1),
  token text,
  status text NOT NULL CONSTRAINT ck_payments_status CHECK (status IN
    ('AUTHORIZING', 'AUTHORIZED', 'CAPTURING', 'CAPTURED', 'DECLINED', 'VOIDING', 'VOIDED', 'TOMBSTONE',
     'ATTENTION')),
  reason text,
  unanswered jsonb NOT NULL,
  calls integer NOT NULL DEFAULT 0 CONSTRAINT ck_payments_calls CHECK (calls >= 0),
  traceparent text,
  next_call_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT now(),
  status_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT ck_payments_reason CHECK ((status IN ('DECLINED', 'ATTENTION')) = (reason IS NOT NULL)),
  CONSTRAINT ck_payments_next_call_at CHECK
    ((status IN ('AUTHORIZING', 'CAPTURING', 'VOIDING')) = (next_call_at IS NOT NULL))
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 0)
"""
DUE = "CREATE INDEX ix_payments_next_call_at ON payments (next_call_at) WHERE next_call_at IS NOT NULL"


def upgrade() -> None:
    create_common_tables()
    op.execute(PAYMENTS)
    op.execute(DUE)
