"""Every statement of the audit, under the rights of the role `auditor` (`audited=` in tables.py)."""

# -- purchase

HORIZON = "SELECT now()"
"""On the clock of the database that decides: what was settled before it, is judged as settled."""

EDGE = "SELECT id FROM purchases WHERE id > $1 ORDER BY id OFFSET $2 LIMIT 1"

PURCHASES = """
SELECT p.id, p.status, p.total, p.last_seq,
       p.decided_at IS NOT NULL AS is_dated, p.settled_at IS NULL AS is_open,
       coalesce(p.decided_at < $3, false) AS is_decided, coalesce(p.settled_at < $3, false) AS is_settled,
       coalesce(p.settled_at > now() - interval '7 days', false) AS is_recent,
       extract(epoch FROM now() - p.created_at)::float AS age,
       extract(epoch FROM now() - p.deadline_at)::float AS overdue,
       extract(epoch FROM now() - p.decided_at)::float AS decided_for,
       coalesce(e.count, 0) AS events, e.first, e.last, coalesce(e.decisions, 0) AS decisions, e.decision
FROM purchases p LEFT JOIN (
  SELECT purchase_id, count(*), min(seq) AS first, max(seq) AS last,
         count(*) FILTER (WHERE type IN ('completed', 'failed', 'timed_out')) AS decisions,
         max(upper(type)) FILTER (WHERE type IN ('completed', 'failed', 'timed_out')) AS decision
  FROM purchase_event WHERE purchase_id > $1 AND purchase_id <= $2 GROUP BY purchase_id
) e ON e.purchase_id = p.id
WHERE p.id > $1 AND p.id <= $2 ORDER BY p.id
"""
"""Row and log in one snapshot. Mails are remembered for eight days at least (MAIL_KEEP_DAYS)."""

FEEDS = """
SELECT account_id, f.last_seq, coalesce(e.count, 0) AS events, e.last
FROM account_feed f FULL JOIN (
  SELECT account_id, count(*), min(account_seq) AS first, max(account_seq) AS last
  FROM purchase_event GROUP BY account_id
) e USING (account_id)
WHERE e.count IS DISTINCT FROM f.last_seq OR e.last IS DISTINCT FROM f.last_seq OR e.first IS DISTINCT FROM 1
ORDER BY account_id LIMIT 1000
"""
KEYS = """
WITH shared AS MATERIALIZED (
  SELECT account_id, idempotency_key, count(*) FROM purchases WHERE idempotency_key IS NOT NULL
  GROUP BY account_id, idempotency_key HAVING count(*) > 1 LIMIT 1000
)
SELECT account_id, count, min(id::text)::uuid AS id
FROM shared JOIN purchases USING (account_id, idempotency_key) GROUP BY account_id, idempotency_key, count
"""
"""Out of the index alone; the rows are looked at where there are two."""

# -- the participants, within a window of purchases

RESERVATIONS = """
SELECT purchase_id AS id, status, total FROM reservations WHERE purchase_id > $1 AND purchase_id <= $2
"""
ORDERS = "SELECT id, status, total FROM orders WHERE id > $1 AND id <= $2"
PAYMENTS = "SELECT id, status, amount AS total FROM payments WHERE id > $1 AND id <= $2"
MAILS = """
SELECT about AS id, kind, status FROM mails
WHERE about > $1 AND about <= $2 AND kind IN ('receipt', 'failure')
"""

# -- product

STOCK = """
WITH reserved AS (
  SELECT (item ->> 'product_id')::uuid AS product_id, sum((item ->> 'quantity')::bigint) AS units
  FROM reservations, jsonb_array_elements(items) AS item WHERE status = 'DONE' GROUP BY 1
), lines AS (
  SELECT product_id, version, kind, change, available, purchase_id, lag(available) OVER line AS before
  FROM (
    SELECT product_id, version, position, kind, change, available, purchase_id FROM stock_movements OFFSET 0
  ) AS moved WINDOW line AS (PARTITION BY product_id ORDER BY version, position)
), ledger AS (
  SELECT product_id, max(version) AS version, sum(change) AS moved,
         min(available - change) FILTER (WHERE before IS NULL) AS opened,
         count(*) FILTER (WHERE before + change <> available) AS breaks,
         min(version) = 1 AND NOT bool_or(kind = 'opening') AS is_whole,
         -coalesce(sum(change) FILTER (WHERE purchase_id IS NOT NULL), 0) AS reserved
  FROM lines GROUP BY product_id
), compared AS (
  SELECT s.product_id, s.received, s.available, s.version, coalesce(r.units, 0) AS reserved,
         l.opened + l.moved AS by_ledger, l.version AS ledger_version, l.breaks, l.is_whole,
         l.reserved AS reserved_by_ledger
  FROM stock s LEFT JOIN reserved r USING (product_id) LEFT JOIN ledger l USING (product_id)
)
SELECT *, available < 0 AS is_negative, received <> available + reserved AS is_lost,
       coalesce(by_ledger <> available OR ledger_version <> version OR breaks > 0
                OR is_whole AND reserved_by_ledger <> reserved, false) AS is_unexplained
FROM compared
WHERE available < 0 OR received <> available + reserved OR by_ledger <> available OR ledger_version <> version
   OR breaks > 0 OR is_whole AND reserved_by_ledger <> reserved
ORDER BY product_id LIMIT 1000
"""
"""One snapshot. Months of the ledger may be gone: then its oldest line says what there was before it. OFFSET
0: it is read as it lies and sorted; in the order of its index each line would be looked for."""

BLAMED = """
SELECT purchase_id AS id FROM (
  SELECT purchase_id, sum((item ->> 'quantity')::bigint) AS units
  FROM reservations, jsonb_array_elements(items) AS item
  WHERE status = 'DONE' AND item ->> 'product_id' = $1::uuid::text GROUP BY 1
) r FULL JOIN (
  SELECT purchase_id, -sum(change) AS units FROM stock_movements
  WHERE product_id = $1 AND purchase_id IS NOT NULL GROUP BY 1
) m USING (purchase_id)
WHERE coalesce(r.units, 0) <> coalesce(m.units, 0) ORDER BY 1 LIMIT 1
"""
"""Of a product whose ledger is whole: the purchase about which reservation and ledger differ."""

# -- every service

STATE = """
SELECT coalesce(extract(epoch FROM now() - min(created_at)), 0)::float AS oldest_unsent,
       (SELECT count(*) FROM dead_letter d WHERE NOT EXISTS (
         SELECT FROM dead_letter_trail t WHERE t.letter_id = d.id AND t.action IN ('retried', 'discarded')
       )) AS letters
FROM outbox WHERE published_at IS NULL
"""
SAID = """
SELECT position, message_id, subject, coalesce(
  published_at < $5
  AND NOT (subject = ANY($6) AND published_at < (SELECT stream_created_at FROM relay_state)), false
) AS is_due
FROM outbox WHERE created_on = $1 AND position > $2 AND created_at >= $3 ORDER BY position LIMIT $4
"""
"""What went to a stream that is gone is due again only if nobody says it otherwise (P16)."""
HEARD = """
WITH page AS MATERIALIZED (
  SELECT message_id FROM inbox WHERE issued_on = $1 AND message_id > $2 ORDER BY message_id LIMIT $4
), marked AS (
  SELECT *, split_part(message_id, ':', 2) COLLATE "C" >= $3
            AND (starts_with(message_id, 'evt.') OR right(message_id, 2) = ':r') AS is_wanted,
         lead(message_id) OVER (ORDER BY message_id) IS NULL AS is_last
  FROM page
)
SELECT message_id, is_wanted FROM marked WHERE is_wanted OR is_last ORDER BY message_id
"""
"""What services said, not the orchestrator, about purchases and whatever else is younger than the window; and
the last of the page, after which the next one begins."""

KNOWN = "SELECT message_id FROM inbox WHERE issued_on = ANY($2::date[]) AND message_id = ANY($1::text[])"
KNOWN_SOMEWHERE = "SELECT message_id FROM inbox WHERE message_id = ANY($1::text[])"
PARKED = "SELECT message_id FROM dead_letter WHERE message_id = ANY($1::text[])"
"""Also those that are closed: what became of them, their trail tells."""

# -- whether all has come to its end

UNSETTLED = "SELECT count(*) FROM purchases WHERE next_drive_at IS NOT NULL"
"""Not `settled_at IS NULL`, which says the same: this has an index of those that are open."""
QUEUED = "SELECT count(*) FROM mails WHERE status = 'queued'"
UNSAID = "SELECT count(*) FROM outbox WHERE published_at IS NULL"

# -- the history of one purchase

PURCHASE = """
SELECT status, reason, total, currency_code, attempt, drives, attention, acknowledged, last_seq, created_at,
       CASE WHEN status IN ('PENDING', 'TIMED_OUT') THEN deadline_at END AS deadline_at,
       decided_at, settled_at
FROM purchases WHERE id = $1
"""
EVENTS = "SELECT seq, type, data FROM purchase_event WHERE purchase_id = $1 ORDER BY seq"
RESERVATION = """
SELECT status, reason, total, created_at, updated_at,
       (SELECT string_agg(concat(item ->> 'quantity', ' x ', item ->> 'product_id'), ', ')
        FROM jsonb_array_elements(items) AS item) AS items
FROM reservations WHERE purchase_id = $1
"""
MOVEMENTS = """
SELECT product_id, kind, change, available, moved_at FROM stock_movements
WHERE purchase_id = $1 ORDER BY moved_at, product_id
"""
ORDER = "SELECT status, reason, total, created_at FROM orders WHERE id = $1"
PAYMENT = """
SELECT status, reason, amount, calls, next_call_at, created_at, status_at FROM payments WHERE id = $1
"""
MAILED = """
SELECT kind, status, tries, accepted_at, next_try_at, sent_at FROM mails WHERE about = $1 ORDER BY accepted_at
"""
SAID_ABOUT = """
SELECT message_id, subject, created_at, published_at FROM outbox WHERE correlation_id = $1::uuid::text
ORDER BY created_at, position
"""
HEARD_ABOUT = "SELECT message_id FROM inbox WHERE split_part(message_id, ':', 2) = $1::uuid::text"
PARKED_ABOUT = """
SELECT message_id, durable, subject, deliveries, parked_at,
       (SELECT action FROM dead_letter_trail WHERE letter_id = d.id ORDER BY id DESC LIMIT 1) AS state
FROM dead_letter d
WHERE split_part(message_id, ':', 2) = $1::uuid::text ORDER BY parked_at
"""
