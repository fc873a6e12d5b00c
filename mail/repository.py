"""Every SQL statement of the mail service."""

from collections.abc import Iterable
from uuid import UUID

import msgspec

from common.contracts.account import AccountState
from common.postgres.database import Row, Transaction, columns
from mail.model import Addressee, Content, Due, Key, Mail, Outcome, Verdict

KEEP_ACCOUNTS = """
INSERT INTO accounts (account_id, version, email, name)
SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::text[])
ON CONFLICT (account_id) DO UPDATE SET (version, email, name)
  = (excluded.version, excluded.email, excluded.name)
WHERE accounts.version < excluded.version
"""

ADDRESSEES = "SELECT account_id, email, name FROM accounts WHERE account_id = ANY($1::uuid[])"

ACCEPT = """
INSERT INTO mails (about, kind, version, recipient, content, expires_at, traceparent)
SELECT * FROM unnest(
  $1::uuid[], $2::text[], $3::bigint[], $4::jsonb[], $5::jsonb[], $6::timestamptz[], $7::text[]
)
ON CONFLICT DO NOTHING
"""

DUE = "status = 'queued' AND next_try_at <= now() AND (expires_at IS NULL OR expires_at > now())"
IS_DUE = f"SELECT EXISTS (SELECT FROM mails WHERE {DUE})"

# The lease is the time of the next try: whoever dies with it in hand has lost it by then. The number of the
# try is its token: who was stopped for too long and goes on cannot take the mail from whoever has it now.
# What expires goes first (NULLs come last): somebody waits for a code, nobody for a receipt.
CLAIM = f"""
WITH due AS (
  SELECT about, kind, version FROM mails
  WHERE {DUE}
  ORDER BY expires_at, next_try_at LIMIT $1 FOR UPDATE SKIP LOCKED
)
UPDATE mails SET tries = tries + 1, next_try_at = now() + make_interval(secs => $2)
FROM due WHERE (mails.about, mails.kind, mails.version) = (due.about, due.kind, due.version)
RETURNING mails.about, mails.kind, mails.version, recipient, content, tries, accepted_at, expires_at,
  traceparent
"""

RELEASE = """
UPDATE mails SET tries = mails.tries - 1, next_try_at = now()
FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::int[]) AS held (about, kind, version, tries)
WHERE (mails.about, mails.kind, mails.version) = (held.about, held.kind, held.version)
  AND mails.tries = held.tries AND status = 'queued'
"""

SENT = """
UPDATE mails SET status = 'sent', sent_at = now(), recipient = NULL, content = NULL, reason = NULL
FROM unnest($1::uuid[], $2::text[], $3::bigint[]) AS gone (about, kind, version)
WHERE (mails.about, mails.kind, mails.version) = (gone.about, gone.kind, gone.version)
  AND status IN ('queued', 'expired')
"""

NOT_SENT = """
UPDATE mails
SET status = CASE WHEN accepted_at < now() - make_interval(secs => $6) THEN 'parked' ELSE $4 END,
    reason = $5, next_try_at = now() + make_interval(secs => $7)
WHERE about = $1 AND kind = $2 AND version = $3 AND tries = $8 AND status = 'queued'
RETURNING status
"""

BACKLOG = """
SELECT (SELECT count(*) FROM mails WHERE status = 'parked') AS parked,
       (SELECT extract(epoch FROM now() - min(accepted_at))::float FROM mails WHERE status = 'queued')
         AS oldest_queued_seconds
"""


# A parked code, too: nobody can do anything about it any more, and it is a secret.
EXPIRE = """
UPDATE mails SET status = 'expired', recipient = NULL, content = NULL, reason = NULL
WHERE content IS NOT NULL AND expires_at <= now()
"""

# Ids of purchases and accounts begin with their time, and a mail is never older than what it is about. So the
# primary key finds the old ones, and the table needs no index that every mail would have to be put into.
FORGET = """
DELETE FROM mails WHERE (about, kind, version) IN (
  SELECT about, kind, version FROM mails
  WHERE about < $1 AND accepted_at < now() - make_interval(days => $2) AND status <> 'queued'
  ORDER BY about LIMIT $3 FOR UPDATE SKIP LOCKED
)
"""


async def keep_accounts(tx: Transaction, states: Iterable[AccountState]) -> None:
    """At most one state per account; an older one changes nothing."""
    rows = sorted((state.entity_id, state.version, state.email, state.first_name) for state in states)
    if rows:
        await tx.execute(KEEP_ACCOUNTS, *columns(rows, 4))


async def addressees(tx: Transaction, ids: Iterable[UUID]) -> dict[UUID, Addressee]:
    """Those that have been heard of."""
    wanted = list(ids)
    rows = await tx.fetch(ADDRESSEES, wanted) if wanted else []
    return {account_id: Addressee(*known) for account_id, *known in rows}


async def accept(tx: Transaction, mails: Iterable[Mail]) -> None:
    """Writes down, in the order of their keys, those that are not there."""
    by_key = {mail.key: mail for mail in mails}
    ordered = [by_key[key] for key in sorted(by_key)]
    if ordered:
        rows = [(*mail.key, mail.to, mail.content, mail.expires_at, mail.traceparent) for mail in ordered]
        await tx.execute(ACCEPT, *columns(rows, 7))


async def is_due(tx: Transaction) -> bool:
    return bool(await tx.value(IS_DUE))


async def claim(tx: Transaction, *, limit: int, lease_seconds: float) -> list[Due]:
    """Those that are due, codes and the longest waiting first; nobody else gets them while the lease runs."""
    rows = await tx.fetch(CLAIM, limit, lease_seconds)
    rows.sort(key=lambda row: (row["expires_at"] is None, row["expires_at"] or row["accepted_at"]))
    return [_due(row) for row in rows]


def _due(row: Row) -> Due:
    key = Key(row["about"], row["kind"], row["version"])
    return Due(
        key=key,
        mail=_mail(key, row),
        tries=row["tries"],
        accepted_at=row["accepted_at"],
        traceparent=row["traceparent"],
    )


def _mail(key: Key, row: Row) -> Mail | None:
    """None: one that another release wrote, or a hand; it must not hold up the others."""
    try:
        to, content = msgspec.convert((row["recipient"], row["content"]), tuple[Addressee, Content])
    except msgspec.ValidationError:
        return None
    return Mail(about=key.about, version=key.version, to=to, content=content)


async def release(tx: Transaction, dues: Iterable[Due]) -> None:
    """Claimed, but not tried."""
    await tx.execute(RELEASE, *columns([(*due.key, due.tries) for due in dues], 4))


async def record_sent(tx: Transaction, keys: Iterable[Key]) -> None:
    """Also forgets what they said and to whom."""
    await tx.execute(SENT, *columns(keys, 3))


async def record_not_sent(
    tx: Transaction, due: Due, outcome: Outcome, *, give_up_seconds: float, delay: float
) -> Verdict:
    """What became of it: one that is put off for too long is parked."""
    status = await tx.value(
        NOT_SENT, *due.key, outcome.verdict, outcome.reason, give_up_seconds, delay, due.tries
    )
    return Verdict(status or outcome.verdict)


async def expire(tx: Transaction) -> int:
    """Forgets the codes that count no longer, and to whom they were to go."""
    return _count(await tx.execute(EXPIRE))


async def forget(tx: Transaction, *, older_than: UUID, days: int, limit: int) -> int:
    """`older_than`: the least id of that time. Returns how many went."""
    return _count(await tx.execute(FORGET, older_than, days, limit))


def _count(tag: str) -> int:
    """`DELETE 5` is 5."""
    return int(tag.rsplit(" ", 1)[1])


async def backlog(tx: Transaction) -> Row | None:
    return await tx.row(BACKLOG)
