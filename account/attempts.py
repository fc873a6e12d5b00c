"""How often one may try what can be guessed or flooded: per account, per client address, and all together."""

from account.settings import AccountSettings
from common.http.clients import Proxies
from common.limits.counters import SharedCounters
from common.limits.model import Limit
from common.limits.tries import Limits, Rule, Try

FIRST_WAIT = 1.0
LONGEST_WAIT = 60.0
"""Between two tries at one account, or from one address."""
PACE = 0.1
"""Seconds between two tries of all the world, when it tries too often."""


class Attempts:
    """One per process. Opens no connection before the first try."""

    def __init__(self, settings: AccountSettings) -> None:
        self.proxies = Proxies(settings.trusted_proxies)
        self._settings = settings
        self._counters = SharedCounters(settings.redis_url, cluster=settings.redis_cluster)
        self._limits = Limits(self._counters)

    async def admit(self, name: str, account: str | None, address: str) -> Try:
        """Asked in the same way whether there is such an account or not. Raises Limited."""
        return await self._limits.admit(self._rule(name), account, address)

    async def forgive(self, tried: Try) -> None:
        """It was no guess."""
        await self._limits.forgive(tried)

    async def answers(self) -> None:
        """The readiness probe: without Redis each process counts by itself."""
        await self._counters.answers()

    async def aclose(self) -> None:
        await self._counters.aclose()

    def _rule(self, name: str) -> Rule:
        known, seconds = self._settings, self._settings.tries_seconds
        return Rule(
            Limit(f"{name}:account", known.tries_per_account, seconds, FIRST_WAIT, LONGEST_WAIT),
            Limit(f"{name}:address", known.tries_per_address, seconds, FIRST_WAIT, LONGEST_WAIT),
            Limit(f"{name}:together", known.tries_together, seconds, PACE, PACE),
        )
