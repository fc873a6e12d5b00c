"""What every service's first migration adds beside its own tables. Frozen: a change is a new migration."""

from importlib.resources import files

from alembic import op

INITIAL = """
CREATE SEQUENCE outbox_position;
CREATE TABLE outbox (
  created_on date NOT NULL DEFAULT ((now() AT TIME ZONE 'utc')::date),
  position bigint NOT NULL DEFAULT nextval('outbox_position'),
  message_id text NOT NULL,
  subject text NOT NULL,
  payload bytea NOT NULL,
  correlation_id text NOT NULL,
  causation_id text,
  traceparent text,
  created_at timestamptz NOT NULL DEFAULT now(),
  published_at timestamptz,
  CONSTRAINT pk_outbox PRIMARY KEY (created_on, position)
) PARTITION BY RANGE (created_on);
CREATE INDEX ix_outbox_unpublished ON outbox (created_at) WHERE published_at IS NULL;
CREATE TABLE inbox (
  issued_on date NOT NULL,
  message_id text NOT NULL,
  CONSTRAINT pk_inbox PRIMARY KEY (issued_on, message_id)
) PARTITION BY RANGE (issued_on);
CREATE TABLE relay_state (
  single boolean NOT NULL DEFAULT true CONSTRAINT pk_relay_state PRIMARY KEY,
  stream_created_at timestamptz,
  CONSTRAINT ck_relay_state_single CHECK (single)
);
INSERT INTO relay_state DEFAULT VALUES;
CREATE TABLE suspect (
  message_id text NOT NULL CONSTRAINT pk_suspect PRIMARY KEY,
  attempts integer NOT NULL,
  attempted_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE dead_letter (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_dead_letter PRIMARY KEY,
  message_id text,
  durable text NOT NULL,
  subject text NOT NULL,
  payload bytea NOT NULL,
  deliveries integer NOT NULL,
  error text NOT NULL,
  parked_at timestamptz NOT NULL DEFAULT now()
);
"""

REFUSE = """
CREATE FUNCTION refuse_rewriting_trail() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' AND NEW.payload IS NULL AND to_jsonb(NEW) - 'payload' = to_jsonb(OLD) - 'payload' THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION 'what was done with a dead letter is not rewritten';
END $$
"""
APPEND_ONLY = """
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON dead_letter_trail
FOR EACH ROW EXECUTE FUNCTION refuse_rewriting_trail()
"""


def create_common_tables() -> None:
    """Inbox, outbox, the relay's memory, dead letters, and `maintain_partitions()` with its first run."""
    execute_each(INITIAL)
    create_partitions()


def create_letter_trail() -> None:
    """What operators do with dead letters, never rewritten, and `forget_letters()`."""
    execute_each(_file("letters.sql"))
    op.execute(_file("forget_letters.sql"))
    op.execute(REFUSE)
    op.execute(APPEND_ONLY)


def attach_partitions() -> None:
    """`make_partition()`, and a `maintain_partitions()` for which nobody waits."""
    op.execute(_file("make_partition.sql"))
    op.execute(_file("maintain_partitions.sql"))


def _file(name: str) -> str:
    return (files("common.postgres") / name).read_text()


def execute_each(script: str) -> None:
    """Statements that end with their lines: asyncpg prepares one at a time."""
    for statement in filter(str.strip, script.split(";\n")):
        op.execute(statement)


def create_partitions() -> None:
    """Installs `maintain_partitions()` for the runtime role and makes the first partitions."""
    op.execute(_file("partitions.sql"))
    op.execute("SELECT maintain_partitions()")
