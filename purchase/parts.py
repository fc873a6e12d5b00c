"""What the API and the worker of one purchase process share."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from common.http.auth import admitted
from common.http.pulse import Pulse
from common.runtime import Runtime
from common.standing.known import Known
from purchase import sse
from purchase.acceptance import Acceptance
from purchase.decisions import Decisions
from purchase.event_log import Event
from purchase.followers import Followers
from purchase.progress import Progress
from purchase.settings import PurchaseSettings
from purchase.sweeps import Backlog, Sweeps


@dataclass(frozen=True)
class Parts:
    runtime: Runtime
    known: Known
    progress: Progress
    followers: Followers
    pulse: Pulse
    decisions: Decisions
    acceptance: Acceptance
    sweeps: Sweeps
    backlog: Backlog


def assemble(settings: PurchaseSettings, held: Runtime, progress: Progress) -> Parts:
    known = Known(held.db, token_seconds=settings.access_seconds)
    followers = Followers(held.db, partial(admitted, known=known))
    known.on_news(followers.look_at)

    def announce(events: Sequence[Event]) -> None:
        followers.hear(events)
        progress.tell(events)

    decisions = Decisions(announce, redrive_after=settings.redrive_after, paths=held.broker.paths)
    accepted = decisions.measures.accepted.of()

    def announce_new(events: Sequence[Event]) -> None:
        announce(events)
        accepted.add(len(events))

    return Parts(
        runtime=held,
        known=known,
        progress=progress,
        followers=followers,
        pulse=Pulse(sse.STILL_HERE),
        decisions=decisions,
        acceptance=Acceptance(held.db, held.outbox, announce_new, settings),
        sweeps=Sweeps(held.db, held.outbox, held.relay, decisions),
        backlog=Backlog(held.db, held.broker, settings.backlog_limit),
    )
