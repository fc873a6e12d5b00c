"""What the API and the worker of one account process share."""

from dataclasses import dataclass

from account.attempts import Attempts
from account.codes import Codes
from account.keys import KeyFile
from account.proofs import Proofs
from account.resets import Resets
from account.retention import Retention
from account.settings import AccountSettings
from account.tokens import AccessTokens, key_file
from account.views import OwnData, meaning
from common.cache.caching import Caching
from common.cache.changes import Changes
from common.cache.memory import Memory
from common.runtime import Runtime


@dataclass(frozen=True)
class Parts:
    runtime: Runtime
    keys: KeyFile
    tokens: AccessTokens
    proofs: Proofs
    resets: Resets
    retention: Retention
    attempts: Attempts
    caches: Caching
    own: OwnData
    changes: Changes

    async def follow_keys(self) -> None:
        """Runs until cancelled, in every role: codes are keyed by the same file."""
        await self.tokens.follow(self.keys)


def assemble(settings: AccountSettings, held: Runtime, caches: Caching) -> Parts:
    memory = Memory()
    changes = caches.changes(meaning, memory)
    held.outbox.on_commit(changes.committed)
    keys = key_file(settings)
    tokens = AccessTokens.configured(settings, keys.now())
    proofs = Proofs(Codes(lambda: tokens.secrets_for("codes")), settings)
    return Parts(
        runtime=held,
        keys=keys,
        tokens=tokens,
        proofs=proofs,
        resets=Resets(held.db, held.outbox, proofs),
        retention=Retention(held.db, settings),
        attempts=Attempts(settings),
        caches=caches,
        own=OwnData(held.db, caches.cache("account", memory), settings.cache_seconds),
        changes=changes,
    )
