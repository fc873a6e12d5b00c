-- Forgets what letters say, some time after somebody has dealt with them. Owned by the owner role and run with
-- its rights, so that the runtime roles rewrite neither a letter nor what was done with it.
CREATE FUNCTION forget_letters(keep_days double precision) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET lock_timeout = '2s' AS $$
BEGIN
  UPDATE dead_letter l SET payload = NULL FROM dead_letter_trail t
  WHERE l.payload IS NOT NULL AND t.letter_id = l.id AND t.action IN ('retried', 'discarded')
    AND t.at <= now() - make_interval(secs => 86400 * greatest(keep_days, 0));
  UPDATE dead_letter_trail e SET payload = NULL FROM dead_letter l
  WHERE e.payload IS NOT NULL AND l.id = e.letter_id AND l.payload IS NULL;
END $$
