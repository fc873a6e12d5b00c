ALTER TABLE dead_letter ALTER COLUMN payload DROP NOT NULL;
ALTER TABLE dead_letter ADD COLUMN headers jsonb NOT NULL DEFAULT '{}';
CREATE TABLE dead_letter_trail (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_dead_letter_trail PRIMARY KEY,
  letter_id bigint NOT NULL,
  action text NOT NULL,
  key uuid NOT NULL,
  by text NOT NULL,
  reason text NOT NULL,
  error text,
  payload bytea,
  at timestamptz NOT NULL DEFAULT clock_timestamp(),
  CONSTRAINT fk_dead_letter_trail_letter_id FOREIGN KEY (letter_id) REFERENCES dead_letter (id),
  CONSTRAINT ck_dead_letter_trail_action
    CHECK (action IN ('edited', 'begun', 'failed', 'retried', 'discarded')),
  CONSTRAINT uq_dead_letter_trail_key_action UNIQUE (key, action)
);
CREATE INDEX ix_dead_letter_trail_letter_id_id ON dead_letter_trail (letter_id, id);
CREATE UNIQUE INDEX ix_dead_letter_trail_end ON dead_letter_trail (letter_id)
  WHERE action IN ('retried', 'discarded');
