-- As before (partitions.sql), but what cannot be dropped at once is left to the next hour: whoever reads or
-- writes waits for a drop that waits, and would wait as long.
CREATE OR REPLACE FUNCTION maintain_partitions() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET lock_timeout = '200ms' AS $$
DECLARE
  today date := (now() AT TIME ZONE 'utc')::date;
  parent text; day date; child text; unsent boolean;
BEGIN
  IF NOT pg_try_advisory_xact_lock(hashtext('maintain_partitions')) THEN RETURN; END IF;
  DELETE FROM suspect WHERE attempted_at < now() - interval '7 days';
  FOREACH parent IN ARRAY ARRAY['inbox', 'outbox'] LOOP
    FOR day IN SELECT generate_series(today - 1, today + 2, interval '1 day')::date LOOP
      PERFORM make_partition(parent, day);
    END LOOP;
  END LOOP;
  FOREACH parent IN ARRAY ARRAY['inbox', 'outbox'] LOOP
    FOR child IN SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
                 WHERE i.inhparent = parent::regclass
                   AND to_date(right(c.relname, 8), 'YYYYMMDD') < today - CASE parent WHEN 'inbox' THEN 7 ELSE 2 END
    LOOP
      unsent := false;
      IF parent = 'outbox' THEN
        EXECUTE format('SELECT EXISTS (SELECT FROM %I WHERE published_at IS NULL)', child) INTO unsent;
      END IF;
      BEGIN
        IF NOT unsent THEN EXECUTE format('DROP TABLE %I', child); END IF;
      EXCEPTION WHEN lock_not_available THEN
        RAISE LOG 'somebody uses %: its old days are dropped in an hour', parent;
        EXIT;
      END;
    END LOOP;
  END LOOP;
END $$
