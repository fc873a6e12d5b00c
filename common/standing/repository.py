"""What is kept of account's words: written by whichever replica hears them, read by every process."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from common.contracts.account import AccountState, SessionEnded
from common.contracts.message import Message
from common.postgres.database import Transaction, columns

# Words come in any order: an older state changes nothing. Rows are locked in the order of their ids.
KEEP_STATES = """
INSERT INTO account_state (account_id, version, verified, active, role, least_version)
SELECT DISTINCT ON (account_id) * FROM unnest(
  $1::uuid[], $2::bigint[], $3::bool[], $4::bool[], $5::text[], $6::bigint[]
) AS said (account_id, version, verified, active, role, least_version)
ORDER BY account_id, version DESC
ON CONFLICT (account_id) DO UPDATE SET (version, verified, active, role, least_version, changed_at)
  = (excluded.version, excluded.verified, excluded.active, excluded.role, excluded.least_version,
     clock_timestamp())
WHERE account_state.version < excluded.version
"""
KEEP_SESSIONS = """
INSERT INTO ended_session (session_id, account_id)
SELECT * FROM unnest($1::uuid[], $2::uuid[]) AS said (session_id, account_id) ORDER BY session_id
ON CONFLICT DO NOTHING
"""
CHANGED = """
SELECT account_id, version, verified, active, role, least_version, NULL::uuid AS session_id
FROM account_state WHERE changed_at > now() - make_interval(secs => $1)
UNION ALL
SELECT account_id, NULL, NULL, NULL, NULL, NULL, session_id
FROM ended_session WHERE ended_at > now() - make_interval(secs => $1)
"""
FORGET_SESSIONS = "DELETE FROM ended_session WHERE ended_at < now() - make_interval(secs => $1)"


class State(NamedTuple):
    """What counts of an account since `version`."""

    version: int
    verified: bool
    active: bool
    role: str
    least_version: int


class News(NamedTuple):
    """What changed: states by account, and of the ended sessions the account."""

    states: dict[UUID, State]
    ended: dict[UUID, UUID]


async def keep(tx: Transaction, batch: Sequence[Message]) -> list[Message]:
    """Before the rest of the batch, which it returns: everybody locks in the same order."""
    states = [
        (each.entity_id, each.version, each.verified, each.active, each.role, each.least_version)
        for each in batch
        if isinstance(each, AccountState)
    ]
    sessions = [(each.entity_id, each.account_id) for each in batch if isinstance(each, SessionEnded)]
    if states:
        await tx.execute(KEEP_STATES, *columns(states, 6))
    if sessions:
        await tx.execute(KEEP_SESSIONS, *columns(sessions, 2))
    return [each for each in batch if not isinstance(each, AccountState | SessionEnded)]


async def changed(tx: Transaction, seconds: float) -> News:
    """Everything of the last `seconds`, in one statement."""
    news = News({}, {})
    for account_id, *state, session_id in await tx.fetch(CHANGED, seconds):
        if session_id is None:
            news.states[account_id] = State(*state)
        else:
            news.ended[session_id] = account_id
    return news


async def forget_sessions(tx: Transaction, seconds: float) -> None:
    """Those that ended longer ago: no token of theirs is alive."""
    await tx.execute(FORGET_SESSIONS, seconds)
