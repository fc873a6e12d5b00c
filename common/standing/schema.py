"""What the migration of a service with guarded routes adds. Frozen: a change is a new migration."""

from common.postgres.schema import execute_each

STANDING = """
CREATE TABLE account_state (
  account_id uuid NOT NULL CONSTRAINT pk_account_state PRIMARY KEY,
  version bigint NOT NULL,
  verified boolean NOT NULL,
  active boolean NOT NULL,
  role text NOT NULL,
  least_version bigint NOT NULL,
  changed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX ix_account_state_changed_at ON account_state (changed_at);
CREATE TABLE ended_session (
  session_id uuid NOT NULL CONSTRAINT pk_ended_session PRIMARY KEY,
  account_id uuid NOT NULL,
  ended_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX ix_ended_session_ended_at ON ended_session (ended_at);
"""


def create_standing_tables() -> None:
    execute_each(STANDING)
