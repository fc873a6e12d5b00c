-- Makes tomorrow's partitions and drops those that nobody can need any more. Owned by the owner role and run
-- with its rights, so that the runtime roles need no DDL. Inbox rows outlive the stream (72 h) and the replay of
-- the outbox (24 h): protocol 9. A partition that still holds an unpublished message is never dropped.
CREATE FUNCTION maintain_partitions() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
  today date := (now() AT TIME ZONE 'utc')::date;
  parent text; day date; child text; unsent boolean;
BEGIN
  IF NOT pg_try_advisory_xact_lock(hashtext('maintain_partitions')) THEN RETURN; END IF;
  DELETE FROM suspect WHERE attempted_at < now() - interval '7 days';
  FOREACH parent IN ARRAY ARRAY['inbox', 'outbox'] LOOP
    FOR day IN SELECT generate_series(today - 1, today + 2, interval '1 day')::date LOOP
      child := parent || '_' || to_char(day, 'YYYYMMDD');
      IF to_regclass(child) IS NULL THEN
        EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)', child, parent, day, day + 1);
        EXECUTE format('ALTER TABLE %I SET (autovacuum_vacuum_scale_factor = 0.05,
                        autovacuum_vacuum_cost_delay = 0, fillfactor = 90)', child);
      END IF;
    END LOOP;
    FOR child IN SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
                 WHERE i.inhparent = parent::regclass
                   AND to_date(right(c.relname, 8), 'YYYYMMDD') < today - CASE parent WHEN 'inbox' THEN 7 ELSE 2 END
    LOOP
      unsent := false;
      IF parent = 'outbox' THEN
        EXECUTE format('SELECT EXISTS (SELECT FROM %I WHERE published_at IS NULL)', child) INTO unsent;
      END IF;
      IF NOT unsent THEN EXECUTE format('DROP TABLE %I', child); END IF;
    END LOOP;
  END LOOP;
END $$;
