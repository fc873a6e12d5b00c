"""`python -m purchase`."""

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

from common.main import Loop, Program, Role, main
from common.runtime import runtime
from purchase import app, worker
from purchase.parts import Parts, assemble
from purchase.progress import Progress
from purchase.settings import PurchaseSettings


@asynccontextmanager
async def program(settings: PurchaseSettings, role: Role) -> AsyncIterator[Program]:
    progress = Progress(settings.redis_url, cluster=settings.redis_cluster)
    async with runtime(settings) as held, aclosing(progress):
        parts = assemble(settings, held, progress)
        yield Program(
            app=app.create(settings, parts, serves=role.serves),
            runtime=held,
            consumers=[worker.consumer(settings, parts)] if role.works else [],
            letters={"orchestrator": worker.returning(held.outbox)},
            loops=_loops(parts, role),
            on_stop=parts.followers.stop,
        )


def _loops(parts: Parts, role: Role) -> list[Loop]:
    """Acceptance and followers belong to the API, the sweeps to the worker; both tell Redis."""
    followers = parts.followers

    async def listen() -> None:
        await parts.progress.listen(followers.hear, followers.look_again)

    serving: list[Loop] = [parts.known.run, parts.acceptance.run, parts.backlog.run, listen]
    serving += [followers.poll, parts.pulse.run]
    return [
        parts.progress.publish,
        *(serving if role.serves else []),
        *([parts.sweeps.run] if role.works else []),
    ]


if __name__ == "__main__":
    main(PurchaseSettings, program)
